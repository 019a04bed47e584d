"""`manage.py create_user`: an account from the command line; the first one has to come from here."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.accounts import actions
from tracker.accounts.permissions import Role
from tracker.audit.export import database_now
from tracker.audit.values import Actor

CREATE_USER = Actor("command", "create_user", "manage.py create_user")


class Command(BaseCommand):
    help = "Make an account. The password is asked for, or read from the first line of standard input."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="what people call them")
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", action="append", default=[], choices=[role.value for role in Role], dest="roles")

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if password != getpass.getpass("Again: "):
                raise CommandError("The two passwords differ. No account was made.")
        else:
            password = sys.stdin.readline().rstrip("\r\n")
        try:
            user = actions.create_user(
                options["username"],
                options["name"],
                options["email"],
                password,
                [Role(name) for name in options["roles"]],
                by=CREATE_USER,
                now=database_now(),
            )
        except actions.BadAccount as error:
            raise CommandError(f"{error} No account was made.") from error
        roles = ", ".join(sorted(options["roles"])) or "no role yet (they may sign in and see nothing)"
        self.stdout.write(f"Made the account {user.username} ({user.display_name}): {roles}.")
