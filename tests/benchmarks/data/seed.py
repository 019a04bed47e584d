"""What everything is multiplied from: people, and the demo's estate, read and assessed by the real actions."""

from django.utils import timezone

from migrator.gateway.arm import ArmGateway, StaticToken
from tracker.accounts import actions as accounts
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness
from tracker.runs.queries import database_now

BY = Actor("command", "benchmark", "The benchmark")
PASSWORD = "correct horse battery staple"
PEOPLE = [
    ("maya", "Maya Lindqvist", [Role.PROGRAMME_MANAGER]),
    ("tomas", "Tomás Ferreira", [Role.ENGINEER]),
    ("aiko", "Aiko Tanaka", [Role.ENGINEER]),
    ("noor", "Noor Haddad", [Role.AUDITOR]),
    *((f"engineer{number}", f"Engineer {number}", [Role.ENGINEER]) for number in range(1, 9)),
]


def seed() -> None:
    from migrator.simulator import running  # only whoever seeds needs a simulator

    for username, name, roles in PEOPLE:
        accounts.create_user(
            username, name, f"{username}@example.com", PASSWORD, roles, by=BY, now=timezone.now()
        )  # fmt: skip
    with running.simulator(scenario="demo") as azure:
        azure.control("settings", {"throttle": 0})
        gateway = ArmGateway(azure.base_url, StaticToken("a-token"), deadline=10)
        try:
            inventory.discover_subscriptions(gateway, now=database_now(), by=BY)
            for subscription in Subscription.objects.all():
                read(subscription, gateway)
        finally:
            gateway.close()


def read(subscription: Subscription, gateway: ArmGateway) -> None:
    """What the task `sync` does."""
    inventory.sync(subscription, gateway, database_now, BY)
    for region in quota_queries.regions(subscription):
        quota.read_usages(subscription, region, gateway=gateway, by=BY, now=database_now())
    units = list(Unit.objects.filter(subscription=subscription, gone_at__isnull=True))
    readiness.assess(units, shortfalls=quota_queries.shortfalls_of(units), now=database_now(), by=BY)


def person(username: str) -> User:
    return User.objects.get(username=username)
