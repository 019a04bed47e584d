"""`manage.py import_estate FILE [--apply]`: what importing an estate file would do, and doing it."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from migrator.captures.reading import FileRefused, Hints, Limits
from tracker import imports
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Import
from tracker.runs.queries import database_now

IMPORT = Actor("command", "import_estate", "manage.py import_estate")
SHOWN = 20  # refused rows named


class Command(BaseCommand):
    help = (
        "Show what importing an estate file (captured JSON, service-management XML, CSV of the field toolset) would do "
        "to the inventory; with --apply, do it: wholly or not at all."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--apply", action="store_true", help="import it, when no row is refused")
        parser.add_argument("--subscription", metavar="ID", default="", help="the one an XML or CSV is about")
        parser.add_argument("--network", metavar="NAME", default="", help="the virtual network a CSV is about")
        parser.add_argument("--region", metavar="NAME", default="", help="where the resources of a CSV are")
        parser.add_argument("--as-of", metavar="TIME", help="when it was made (default: when the file last changed)")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        hints = Hints(subscription_id=options["subscription"], network=options["network"], region=options["region"])
        limits = Limits(mib=settings.IMPORT_MIB)
        raw, changed = self.content(file, limits)
        as_of = self.moment(options["as_of"]) or changed
        try:
            row = inventory.preview_import(
                raw, file.name, by=IMPORT, now=database_now(), as_of=as_of, hints=hints, limits=limits, most=None
            )
        except FileRefused as error:
            raise CommandError(str(error)) from error
        self.tell(row)
        if row.counts["refused"]:
            raise CommandError("Rows are refused, and a file is imported whole or not at all. Nothing was imported.")
        if not options["apply"]:
            inventory.discard_import(row.pk, by=IMPORT, now=database_now())
            self.stdout.write("Nothing was imported; --apply imports it.")
            return
        try:
            changes = inventory.import_estate(row.pk, seal=row.seal, by=IMPORT, now=database_now())
        except inventory.ImportRefused as error:
            raise CommandError(str(error)) from error
        followed = imports.follow(row.pk, by=IMPORT, clock=database_now)
        self.stdout.write(
            f"Imported: {len(changes.units_added)} units added, {len(changes.units_changed)} changed, "
            f"{len(changes.units_gone)} gone; {'assessed' if followed else 'a worker assesses them'}."
        )

    def content(self, file: Path, limits: Limits) -> tuple[bytes, datetime]:
        try:
            with file.open("rb") as opened:
                raw = opened.read(limits.size + 1)  # one more than is read: the reader says that it is too large
            return raw, datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except OSError as error:
            raise CommandError(f"{file}: cannot be read ({error.strerror or error}).") from error

    def moment(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            said = datetime.fromisoformat(text)
        except ValueError as error:
            raise CommandError("--as-of is no time; write it like 2026-11-22T10:00:00+00:00.") from error
        return said if said.tzinfo else said.replace(tzinfo=UTC)

    def tell(self, row: Import) -> None:
        counts = ", ".join(f"{number} {status}" for status, number in row.counts.items() if number)
        self.stdout.write(f"{row.file_name}: {row.kind}, as of {row.as_of:%Y-%m-%d %H:%M UTC}: {counts or 'nothing'}")
        for note in row.notes:
            self.stdout.write(f"  {note}")
        refused = list(row.rows.filter(status="refused")[: SHOWN + 1])
        for one in refused[:SHOWN]:
            self.stderr.write(f"  {one.place}: {one.reason}")
        if len(refused) > SHOWN:
            self.stderr.write(f"  and {row.counts['refused'] - SHOWN} more.")
