"""`manage.py capture [--subscription ID] FILE`: write what Azure has to an estate file, secrets taken out."""

import os
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from migrator.captures import writing
from migrator.gateway.protocol import GatewayError, SubscriptionInfo
from tracker import gateways


class Command(BaseCommand):
    help = (
        "Read subscriptions from Azure and write them to an estate file (JSON), which `import_estate` and "
        "`simulate --scenario` take. Secrets are taken out; what could not be read is in the file. Without "
        "--subscription: every one the credential can see. An existing FILE is replaced only by a complete one."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--subscription", metavar="ID", help="capture only this subscription")
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if file.is_dir() or not file.parent.is_dir():
            raise CommandError(f"{file}: give the name of a file in a directory that exists.")
        try:
            chosen = self.chosen(options["subscription"])
            gateway = gateways.gateway_for(chosen[0].subscription_id)
            estate = writing.capture(gateway, chosen, endpoint=settings.ARM_ENDPOINT, at=datetime.now(UTC))
        except GatewayError as error:
            raise CommandError(f"{error} Nothing was written.") from error
        write(file, writing.text(estate))
        self.stdout.write(
            f"{file}: {len(estate['resources'])} resources of {len(chosen)} subscriptions, "
            f"{len(estate['unreadable'])} parts unreadable; {estate['digest']}"
        )
        for part in estate["unreadable"]:
            self.stdout.write(f"  unknown: {part['sentence']}")

    def chosen(self, wanted: str | None) -> list[SubscriptionInfo]:
        found = gateways.gateway_for("").subscriptions()
        if wanted is not None:
            found = [info for info in found if info.subscription_id == wanted.strip().lower()]
            if not found:
                raise CommandError(f"The credential sees no subscription {wanted}. Check the id and its role there.")
        if not found:
            raise CommandError("The credential sees no subscription. Give it a role on one (README, least privilege).")
        return found


def write(file: Path, text: str) -> None:
    """The whole file or none: written beside it, then put in its place."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as made:
                made.write(text)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(f"{file}: cannot be written ({error.strerror or error}).") from error
