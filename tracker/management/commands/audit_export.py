"""`manage.py audit_export`: the history, or a part of it, as a file or to standard output."""

import contextlib
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from tracker.audit import csv_cells, export
from tracker.audit.actions import KeyChanged, LogDamaged, vkey
from tracker.audit.queries import BadFilter, Filters
from tracker.audit.values import Actor

AUDIT_EXPORT = Actor("command", "audit_export", "manage.py audit_export")


class Command(BaseCommand):
    help = (
        "Export the audit history. `bundle` (a ZIP with checkpoints, outline and the verifier) proves itself, filtered "
        "or not; `jsonl` of the whole history verifies together with its checkpoints; `csv` is a view for reading."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=list(export.FORMATS), default="jsonl")
        parser.add_argument("--output", metavar="FILE", help="standard output when left out")
        parser.add_argument("--columns", metavar="A,B", help=f"for csv, from: {', '.join(csv_cells.COLUMNS)}")
        parser.add_argument("--type", action="append", default=[], dest="types", help="wave.created, or a slice: wave")
        parser.add_argument("--actor", default="", help="user:p-…, or a kind: user, system, command")
        parser.add_argument("--object-kind", default="")
        parser.add_argument("--object-id", default="")
        parser.add_argument("--result", default="", choices=["", "done", "denied", "failed"])
        parser.add_argument("--since", type=moment, metavar="TIME", help="ISO 8601; without a zone, UTC")
        parser.add_argument("--until", type=moment, metavar="TIME")
        parser.add_argument("--text", default="", help="anywhere in the object's id")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("actor", "object_kind", "object_id", "result", "since", "until", "text")
        columns = [name for name in (options["columns"] or "").split(",") if name]
        try:
            filters = Filters(types=tuple(options["types"]), **{name: options[name] for name in names})
            now = export.database_now()
            made = export.stream(filters, columns, options["format"], by=AUDIT_EXPORT, now=now, restricted=True)
        except (BadFilter, export.BadExport, export.ExportBusy, LogDamaged, KeyChanged) as error:
            raise CommandError(str(error)) from error
        with contextlib.closing(made), self._target(options["output"]) as target:
            for chunk in made:
                target.write(chunk)
        where = options["output"] or "standard output"
        self.stderr.write(f"{made.count} of {made.checkpoint.size} events to {where}. Verifier key: {vkey()}")

    @contextlib.contextmanager
    def _target(self, path: str | None) -> Iterator[BinaryIO]:
        """The file appears under its name only when it is whole."""
        if path is None:
            with os.fdopen(os.dup(1), "wb") as out:
                yield out
            return
        final = Path(path)
        try:
            partial = tempfile.NamedTemporaryFile(dir=final.parent, prefix=f".{final.name}.", delete=False)  # noqa: SIM115
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}. Nothing was exported.") from error
        try:
            with partial:
                yield partial  # type: ignore[misc]
            os.replace(partial.name, final)
        except BaseException:
            os.unlink(partial.name)
            raise


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
