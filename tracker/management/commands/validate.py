"""`manage.py validate --as USERNAME [--wave NAME | --subscription ID] [--all] [--wait]`: ask for Validate of many."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.accounts.actions import Denied
from tracker.accounts.models import User
from tracker.inventory.models import Subscription
from tracker.runs import actions, validations
from tracker.runs.queries import database_now
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope
from tracker.waves.models import Wave

LOOK = 2.0  # seconds between two looks of --wait


class Command(BaseCommand):
    help = (
        "Ask Azure to validate the units of a wave, of a subscription, or of the whole estate. The worker sends it at "
        "the pace Azure allows; nothing is changed and nothing is locked. With --wait: say how far it is until it is "
        "over, and end with 1 when something blocks or was refused."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as", dest="username", metavar="USERNAME", required=True, help="who asks")
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--wave", metavar="NAME", help="the units of this wave")
        scope.add_argument("--subscription", metavar="ID", help="the units of this subscription")
        parser.add_argument("--all", action="store_true", help="also units with an answer of the last seven days")
        parser.add_argument("--wait", action="store_true", help="stay until it is over")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(username=options["username"], is_active=True).first()
        if by is None:
            raise CommandError(f"There is no active account {options['username']}. Nothing was asked for.")
        scope = self.scope(options)
        try:
            row = actions.validate_many(scope, by=by, now=database_now(), old_only=not options["all"])
        except Denied as error:
            raise CommandError(f"{by} may not {error.wanted}. {error.whom} Nothing was asked for.") from error
        except actions.RunError as error:
            raise CommandError(f"{error} Nothing was asked for.") from error
        left = f"; {row.fresh} with an answer of the last seven days left alone" if row.fresh else ""
        self.stdout.write(f"Validation {row.pk}: {row.units} units of {scope.words} asked for{left}.")
        if options["wait"]:
            self.wait(row)

    def scope(self, options: dict[str, Any]) -> Scope:
        if options["wave"] is not None:
            wave = Wave.objects.filter(name=options["wave"]).first()
            if wave is None:
                raise CommandError(f"There is no wave “{options['wave']}”. Nothing was asked for.")
            return Scope(wave=wave)
        if options["subscription"] is not None:
            found = Subscription.objects.filter(pk=options["subscription"].strip().lower()).first()
            if found is None:
                raise CommandError(f"There is no subscription {options['subscription']}. Nothing was asked for.")
            return Scope(subscription=found)
        return Scope()

    def wait(self, row: Validation) -> None:
        said = ""
        while True:
            row.refresh_from_db()
            counted = validations.counts([row])[row.pk]
            line = ", ".join(f"{counted[state]} {state}" for state in ValidatedUnit.State if counted.get(state))
            if line != said:
                self.stdout.write(line)
                said = line
            if row.ended_at is not None:
                break
            time.sleep(LOOK)
        bad = counted.get("found", 0) + counted.get("refused", 0)
        if bad:
            raise CommandError(f"{bad} of {row.units} units are blocked or were refused; see /validations/{row.pk}/.")
