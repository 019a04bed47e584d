"""`manage.py register`: ask for the registration of subscriptions. A thin door over the action; the worker sends it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory import queries
from tracker.inventory.models import Subscription
from tracker.runs.queries import database_now

REGISTER = Actor("command", "register", "manage.py register")


class Command(BaseCommand):
    help = (
        "Ask Azure to register subscriptions for the providers and the feature a migration needs (or for NAME, such "
        "as Microsoft.Compute/CloudServices). The worker sends it and watches it until Azure says Registered."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="*", metavar="NAME", help="a provider or a feature; default: what is missing")
        parser.add_argument("--subscription", metavar="ID", help="only this subscription")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Subscription.objects.all()
        if options["subscription"]:
            rows = rows.filter(pk=options["subscription"].strip().lower())
        if not rows:
            raise CommandError("No such subscription is known. `manage.py sync` finds those the credential can see.")
        for row in rows:
            for name in options["name"] or queries.unregistered(row):
                try:
                    noted = inventory.want_registration(row, name, REGISTER, database_now())
                except inventory.InvalidProvider as error:
                    raise CommandError(str(error)) from error
                self.stdout.write(f"{row.name}: {name} {'is asked for' if noted else 'was already asked for'}")
