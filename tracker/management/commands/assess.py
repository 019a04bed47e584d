"""`manage.py assess [--json]`: evaluate all units with what is stored, and say what was found."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.audit.values import Actor
from tracker.inventory import queries as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota import queries as quota
from tracker.readiness import actions, queries
from tracker.runs.queries import database_now

ASSESS = Actor("command", "assess", "manage.py assess")


class Command(BaseCommand):
    help = (
        "Evaluate every unit with the readiness catalogue, from what the last sync stored. With --json: one object a "
        "line and unit, with the keys key, kind, name, subscription, region, verdict, score and findings; a finding "
        "has rule, effect, outcome, resource, evidence, remedy and sources. These keys are a promised surface."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--subscription", metavar="ID", help="only the units of this subscription")
        parser.add_argument("--json", action="store_true", help="JSON Lines instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = (options["subscription"] or "").strip().lower() or None
        if wanted and not Subscription.objects.filter(pk=wanted).exists():
            raise CommandError(
                f"There is no subscription {wanted}. Read it first: manage.py sync --subscription {wanted}."
            )
        units = list(inventory.live_units(wanted))
        done = actions.assess(units, shortfalls=quota.shortfalls_of(units), now=database_now(), by=ASSESS)
        rows = inventory.live_units(wanted).order_by("verdict", "name", "pk").iterator(chunk_size=200)
        if options["json"]:
            for line in lines(rows):
                self.stdout.write(line)
            return
        for unit in rows:
            self.stdout.write(f"{unit.verdict:<18} {unit.score:>3}  {unit.kind:<24} {unit.region:<16} {unit.name}")
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(done.verdicts.items()))
        self.stdout.write(f"{done.units} units assessed, {done.changed} changed: {verdicts or 'nothing to assess'}")


def lines(units: Iterator[Unit]) -> Iterator[str]:
    """One JSON object a unit, in constant memory."""
    while batch := list(islice(units, 200)):
        findings = queries.findings_for(batch)
        for unit in batch:
            yield json.dumps(
                {
                    "key": unit.key,
                    "kind": unit.kind,
                    "name": unit.name,
                    "subscription": unit.subscription_id,
                    "region": unit.region,
                    "verdict": unit.verdict,
                    "score": unit.score,
                    "findings": [queries.published(finding) for finding in findings[unit.pk]],
                },
                ensure_ascii=False,
            )
