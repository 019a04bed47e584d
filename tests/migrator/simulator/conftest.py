"""A simulator in this process, asked through its ASGI application: no sockets, no waiting, the clock in hand."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from migrator.simulator import scenarios
from migrator.simulator.clock import Clock
from migrator.simulator.http import Simulator, create_app
from migrator.simulator.persistence import Keeper
from migrator.simulator.platform import Platform

CLASSIC, SLOTS = "2016-11-01", "2016-11-01"
RESOURCES, CLOUD, INSIGHTS = "2025-04-01", "2024-11-04", "2022-10-01"
NEW = {"destinationVirtualNetwork": "New", "resourceGroupName": "", "virtualNetworkName": "", "subnetName": ""}


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str]
    whole: bool  # False: the connection was dropped

    @property
    def code(self) -> str:
        return self.body["error"]["code"]

    @property
    def message(self) -> str:
        return self.body["error"]["message"]


class Local:
    """Asks a simulator in this process. The clock stands still until `pass_time` moves it."""

    def __init__(self, estate: dict[str, Any], *, scenario: str = "given", seed: int = 1, state: Any = None) -> None:
        keeper = Keeper(state)
        platform = keeper.restore(scenario) or Platform(estate, seed=seed, clock=Clock(factor=0))
        self.simulator = Simulator(platform, scenario=scenario, estate=estate, keeper=keeper)
        self._app = create_app(self.simulator)
        self.subscription = next(iter(platform.subscriptions), "")

    @property
    def platform(self) -> Platform:
        return self.simulator.platform

    def ask(self, method: str, url: str, body: Any = None, *, token: str = "anyone", **headers: str) -> Reply:
        parts = urlsplit(url)
        sent: list[dict[str, Any]] = []
        lines = [(b"host", b"sim.test"), *((k.replace("_", "-").encode(), v.encode()) for k, v in headers.items())]
        if token:
            lines.append((b"authorization", f"Bearer {token}".encode()))
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": lines,
            "server": ("sim.test", 80),
        }
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))  # type: ignore[arg-type]
        content = b"".join(m.get("body", b"") for m in sent[1:])
        answered = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        try:
            read = json.loads(content) if content else None
        except ValueError:
            read = content
        return Reply(sent[0]["status"], read, answered, len(sent) > 1)

    def get(self, path: str, version: str = CLASSIC, **more: str) -> Reply:
        return self.ask("GET", f"{path}?api-version={version}", **more)

    def control(self, name: str, body: Any = None, method: str = "") -> Any:
        reply = self.ask(method or ("GET" if body is None else "POST"), f"/_simulator/{name}", body, token="")
        assert reply.status == 200, reply.body
        return reply.body

    def fault(self, kind: str, **settings: Any) -> None:
        self.control("faults", {"kind": kind, **settings})

    def pass_time(self, seconds: float) -> None:
        self.control("clock", {"advance": seconds})

    def id(self, kind: str, name: str) -> str:
        """Id of the one document with this name whose type ends in `kind`."""
        found = [d["id"] for d in self.platform.store.all() if d["type"].endswith(kind) and d["name"] == name]
        assert len(found) == 1, (kind, name, found)
        return found[0]

    def verb(self, verb: str, unit: str, body: Any = None, **more: str) -> Reply:
        given = NEW if body is None and "/slots/" in unit and verb in ("validate", "prepare") else body
        return self.ask("POST", f"{unit}/{verb}Migration?api-version={CLASSIC}", given, **more)

    def poll(self, submitted: Reply) -> Reply:
        return self.ask("GET", submitted.headers["azure-asyncoperation"])

    def finish(self, verb: str, unit: str) -> dict[str, Any]:
        """Submit, let a day's worth of work pass, and give the operation's body."""
        submitted = self.verb(verb, unit)
        assert submitted.status == 202, submitted.body
        self.pass_time(6 * 3600)
        return self.poll(submitted).body

    def shown(self, unit: str) -> str | None:
        """The migrationState a unit shows."""
        return self.get(unit).body["properties"].get("migrationState")

    def groups(self) -> set[str]:
        listed = self.ask("GET", f"/subscriptions/{self.subscription}/resourcegroups?api-version={RESOURCES}")
        return {group["name"] for group in listed.body["value"]}


@pytest.fixture
def journey() -> Local:
    return Local(scenarios.estate("journey"), scenario="journey")


@pytest.fixture
def small() -> Local:
    return Local(scenarios.estate("small"), scenario="small")


@pytest.fixture(scope="session")
def demo_estate() -> dict[str, Any]:
    return scenarios.estate("demo")


@pytest.fixture
def demo(demo_estate: dict[str, Any]) -> Local:
    return Local(demo_estate, scenario="demo")


@pytest.fixture
def shop(journey: Local) -> str:
    """Id of shop-net, the unit that goes all the way."""
    return journey.id("virtualNetworks", "shop-net")


def local(estate: dict[str, Any], **more: Any) -> Local:
    return Local(estate, **more)


@pytest.fixture
def serve() -> Any:
    """Builds a Local over an estate of the test's own."""
    return local
