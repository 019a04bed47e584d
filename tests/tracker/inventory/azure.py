"""A simulated Azure for the tests of inventory and readiness: the real client, over HTTP, to the real simulator."""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.simulator import scenarios
from migrator.simulator.estates.builder import EstateBuilder
from migrator.simulator.running import Running
from tracker.audit.values import Actor
from tracker.inventory import actions
from tracker.inventory.models import Subscription, Sync

BY = Actor("command", "test", "A test")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SMALL_UNITS = {"small-net", "small-tool", "smallstore"}


class Clock:
    """Time as the test tells it; one second passes at every look, so that nothing happens at once."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


class Azure:
    """The simulator with an estate the test can edit between two readings, and gateways to it."""

    def __init__(self, process: Running) -> None:
        self.process = process
        self.gateways: list[ArmGateway] = []
        self.estate: dict[str, Any] = {}

    def begin(self, estate: Mapping[str, Any] | None = None) -> None:
        """Start over with an estate (default: `small`), without faults and without throttling."""
        self.estate = copy.deepcopy(dict(estate or scenarios.estate("small")))
        self.process.control("settings", {"throttle": 0, "page_size": 100})
        self._send()

    def _send(self) -> None:
        self.process.control("reset", {"estate": self.estate})

    def edit(self, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None]) -> None:
        """Change the documents in place, or return the new list."""
        self.estate["resources"] = change(self.estate["resources"]) or self.estate["resources"]
        self._send()

    def drop(self, *parts: str) -> None:
        """Delete everything whose id holds one of the parts."""
        self.edit(lambda listed: [d for d in listed if not any(part.lower() in d["id"].lower() for part in parts)])

    def document(self, part: str) -> dict[str, Any]:
        """The one document whose id ends in the part."""
        (found,) = [d for d in self.estate["resources"] if d["id"].lower().endswith(part.lower())]
        return found

    def fault(self, kind: str, **settings: Any) -> None:
        self.process.control("faults", {"kind": kind, **settings})

    def clear(self) -> None:
        self.process.control("faults", method="DELETE")

    def gateway(self, token: str = "a-token", endpoint: str = "") -> ArmGateway:
        made = ArmGateway(endpoint or self.process.base_url, StaticToken(token), deadline=10)
        self.gateways.append(made)
        return made

    def close(self) -> None:
        for gateway in self.gateways:
            gateway.close()
        self.gateways.clear()

    def subscribe(self, clock: Clock) -> Subscription:
        """Discover; the estate has one subscription."""
        (subscription,) = actions.discover_subscriptions(self.gateway(), clock(), BY)
        return subscription

    def sync(self, subscription: Subscription, clock: Clock) -> Sync:
        return actions.sync(subscription, self.gateway(), clock, BY)


def builder(
    name: str = "Test", regions: tuple[str, ...] = ("westeurope",), **options: Any
) -> tuple[EstateBuilder, Any]:
    """An empty estate with one subscription: (builder, area)."""
    made = EstateBuilder(name)
    return made, made.area(name, list(regions), **options)


class Wrapped:
    """A real gateway whose inventory passes through `through`: to stop it half-way, or to look while it reads."""

    def __init__(self, gateway: ArmGateway, through: Callable[[Iterator[Any]], Iterator[Any]]) -> None:
        self.gateway, self.through = gateway, through

    def inventory(self, subscription_id: str, **place: Any) -> Iterator[Any]:
        return self.through(self.gateway.inventory(subscription_id, **place))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)
