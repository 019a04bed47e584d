"""`manage.py audit_verify`: check an exported file, or, without one, everything the database holds."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.audit import actions, verify_audit
from tracker.audit.export import database_now
from tracker.audit.values import Actor

AUDIT_VERIFY = Actor("command", "audit_verify", "manage.py audit_verify")


class Command(BaseCommand):
    help = (
        "Check a bundle, or a .jsonl with --checkpoints, against the key of this site (or --vkey). Without a file: "
        "hash the whole stored history again and check it against every checkpoint signed over it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="*", help="a bundle, or its parts; more checkpoint*.txt are witnesses")
        parser.add_argument("--checkpoints", metavar="FILE", help="signed notes, whatever the file is called")
        parser.add_argument("--vkey", metavar="KEY", help="the verifier key; this site's when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"]:
            self._stored()
            return
        problems = (verify_audit.Failed, ValueError, OSError, EOFError, KeyError, verify_audit.zipfile.BadZipFile)
        try:
            notes = []
            if options["checkpoints"]:
                with open(options["checkpoints"], encoding="utf-8", newline="") as file:
                    notes = file.read().split("===\n")
            said = verify_audit.main(options["vkey"] or actions.vkey(), *options["file"], notes=notes)
        except problems as error:
            raise CommandError(f"FAILED: {error}") from error
        self.stdout.write(f"VERIFIED: {said}")

    def _stored(self) -> None:
        found = actions.verify(database_now(), by=AUDIT_VERIFY)
        if found.problem:
            raise CommandError(f"FAILED: {found.problem}")
        self.stdout.write(f"VERIFIED: {found.events} events, {found.checkpoints} checkpoints, root {found.root}")
