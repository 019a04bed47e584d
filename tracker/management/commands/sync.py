"""`manage.py sync`: read subscriptions now, in this process, and assess what was read. A thin door over tasks."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from migrator.gateway.protocol import GatewayError
from tracker import gateways, tasks
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory import queries
from tracker.inventory.models import Subscription, Sync
from tracker.runs.queries import database_now

SYNC = Actor("command", "sync", "manage.py sync")


class Command(BaseCommand):
    help = (
        "Read subscriptions from Azure and assess their units. Without --subscription: find the subscriptions the "
        "credential can see, and read every one. Ends with an error when one could not be read; the others are read."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--subscription", metavar="ID", help="read only this subscription")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = [row.name for row in self.chosen(options["subscription"]) if not self.read(row)]
        if failed:
            raise CommandError(f"Not read: {', '.join(failed)}. What was stored before is unchanged.")

    def chosen(self, wanted: str | None) -> list[Subscription]:
        """Raises CommandError when the wanted one is not known, or none can be found."""
        known = None if wanted is None else Subscription.objects.filter(pk=wanted.strip().lower()).first()
        if known is not None:
            return [known]
        try:
            found = inventory.discover_subscriptions(gateways.gateway_for(""), now=database_now(), by=SYNC)
        except GatewayError as error:
            raise CommandError(str(error)) from error
        if wanted is not None:
            found = [row for row in found if row.pk == wanted.strip().lower()]
            if not found:
                raise CommandError(f"The credential sees no subscription {wanted}. Check the id and its role there.")
        if not found:
            raise CommandError("The credential sees no subscription. Give it a role on one (README, least privilege).")
        return found

    def read(self, subscription: Subscription) -> bool:
        try:
            tasks.read_subscription(subscription.pk, by=SYNC)
        except inventory.SyncRunning as error:
            self.stderr.write(str(error))
            return False
        except GatewayError as error:
            if self.tell(subscription):  # the inventory is in; what is read after it (usages) is not
                self.stderr.write(f"{subscription.name}: {error}")
            return False
        return self.tell(subscription)

    def tell(self, subscription: Subscription) -> bool:
        row = queries.syncs(1, subscription.pk)[0]
        if row.outcome in (Sync.Outcome.FAILED, Sync.Outcome.RUNNING):  # running: Azure asked to wait for long
            self.stderr.write(f"{subscription.name}: {row.error}")
            return False
        units = queries.live_units(subscription).count()
        self.stdout.write(
            f"{subscription.name}: {row.outcome}; {row.added} added, {row.changed} changed, {row.gone} gone, "
            f"{row.unchanged} unchanged; {units} units"
        )
        for entry in row.unreadable:
            self.stdout.write(f"  unknown: {entry['sentence']}")
        return True
