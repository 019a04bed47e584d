"""People and a first reading for `manage.py demo`. Safe to run again: what is there stays."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracker import gateways
from tracker.accounts import actions as accounts
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit import actions as audit
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory import queries as inventory_queries
from tracker.inventory.models import Subscription
from tracker.runs.queries import database_now
from tracker.tasks import read_subscription

DEMO = Actor("command", "demo", "The demo")
PEOPLE = [  # key of the password, user name, display name, role
    ("programme_manager", "maya", "Maya Lindqvist", Role.PROGRAMME_MANAGER),
    ("engineer", "tomas", "Tomás Ferreira", Role.ENGINEER),
    ("second_engineer", "aiko", "Aiko Tanaka", Role.ENGINEER),
    ("auditor", "noor", "Noor Haddad", Role.AUDITOR),
    ("administrator", "piotr", "Piotr Zieliński", Role.ADMINISTRATOR),
]


class Command(BaseCommand):
    help = "Create the demo's people and read the simulated estate once. Used by `manage.py demo`."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        folder = os.environ.get("TRACKER_STATE_DIR")
        if not folder:
            raise CommandError("TRACKER_STATE_DIR is not set; start the demo with `python3 manage.py demo`.")
        self.people(Path(folder))
        self.read()

    def people(self, folder: Path) -> None:
        passwords = json.loads((folder / "demo-passwords.json").read_text(encoding="utf-8"))
        now = database_now()
        for key, username, name, role in PEOPLE:
            if not User.objects.filter(username=username).exists():
                accounts.create_user(
                    username=username,
                    display_name=name,
                    email=f"{username}@example.com",
                    password=passwords[key],
                    roles=[role],
                    by=DEMO,
                    now=now,
                )
        signins = [
            {
                "role": key.replace("_", " ").capitalize(),
                "name": name,
                "username": username,
                "password": passwords[key],
            }
            for key, username, name, _ in PEOPLE
        ]
        target = folder / "signins.json"
        target.write_text(json.dumps(signins, ensure_ascii=False, indent=1), encoding="utf-8")
        target.chmod(0o600)

    def read(self) -> None:
        inventory.discover_subscriptions(gateways.gateway_for(""), now=database_now(), by=DEMO)
        for subscription in Subscription.objects.filter(synced_at__isnull=True):
            outcome = read_subscription(subscription.pk, by=DEMO)
            units = inventory_queries.live_units(subscription).count()
            self.stdout.write(f"{subscription.name}: {units} units read, {outcome}")
        audit.tick(database_now())
