"""`manage.py issue_token`: a token for the API, shown once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker.accounts import actions
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.export import database_now

LONGEST = 365


class Command(BaseCommand):
    help = (
        "Issue a token for the API to somebody, in the name of an administrator. The secret goes to standard output "
        "and is stored nowhere; what the token may do is what its owner may do."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="whose token it is")
        parser.add_argument("--name", required=True, help="what will use it, such as 'nightly report'")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="the administrator who issues it")
        parser.add_argument("--days", type=int, default=90, help=f"how long it lasts: 1 to {LONGEST} (90)")

    def handle(self, *args: Any, **options: Any) -> None:
        owner, issuer = (self._person(options[name]) for name in ("username", "by"))
        if not issuer.may(Permission.ADMINISTER):
            raise CommandError(f"{issuer.username} is no administrator, so may not issue tokens. No token was issued.")
        if not 1 <= options["days"] <= LONGEST:
            raise CommandError(f"A token lasts 1 to {LONGEST} days, not {options['days']}. No token was issued.")
        try:
            token, secret = actions.issue_token(
                owner, options["name"], by=issuer, now=database_now(), lasts=timedelta(days=options["days"])
            )
        except actions.BadAccount as error:
            raise CommandError(f"{error} No token was issued.") from error
        self.stderr.write(
            f"A token for {owner.username}, {token.name!r}, for {options['days']} days. It is shown this once:"
        )
        self.stdout.write(secret)

    def _person(self, username: str) -> User:
        found = User.objects.filter(username=username.replace("\x00", "")).first()
        if found is None:
            raise CommandError(
                f"There is no account {username!r}; manage.py create_user makes one. No token was issued."
            )
        return found
