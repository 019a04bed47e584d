"""Asking a running simulator over both faces, over real HTTP."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from migrator.simulator import running

SPACE = "{http://schemas.microsoft.com/windowsazure}"
WHOLE = 6 * 3600  # simulated seconds after which every operation of the estates has ended
NEW = {"DestinationVirtualNetwork": "New", "ResourceGroupName": "", "VirtualNetworkName": "", "SubNetName": ""}


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def root(self) -> Element:
        assert self.headers["content-type"] == "application/xml; charset=utf-8"
        return ElementTree.fromstring(self.raw, forbid_dtd=True)

    @property
    def code(self) -> str:
        assert self.root.tag == f"{SPACE}Error"
        return self.root.findtext(f"{SPACE}Code") or ""

    @property
    def message(self) -> str:
        return self.root.findtext(f"{SPACE}Message") or ""

    @property
    def request_id(self) -> str:
        return self.headers["x-ms-request-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


def text(element: Element | None, *path: str) -> str | None:
    """The text at a path below an element; None when a step is missing."""
    found = at(element, *path)
    return None if found is None else found.text or ""


def at(element: Element | None, *path: str) -> Element | None:
    for step in path:
        element = None if element is None else element.find(SPACE + step)
    return element


def every(element: Element | None, *path: str) -> list[Element]:
    """All elements of the last step's name below the path before it."""
    above = at(element, *path[:-1])
    return [] if above is None else above.findall(SPACE + path[-1])


def names(elements: list[Element], tag: str = "Name") -> set[str]:
    return {text(element, tag) or "" for element in elements}


def network_resource(**values: str) -> bytes:
    """A DeploymentNetworkResource; a value of None leaves the element out."""
    rows = "".join(f"<{k}>{v}</{k}>" for k, v in {**NEW, **values}.items() if v is not None)
    space = SPACE.strip("{}")
    return f'<DeploymentNetworkResource xmlns="{space}">{rows}</DeploymentNetworkResource>'.encode()


class Azure:
    """Both faces of one running simulator, and its control surface. The clock stands still until `pass_time`."""

    def __init__(self, server: running.Running) -> None:
        self.server = server
        self.control = server.control
        self.subscriptions = {row["name"]: row["id"] for row in self._subscriptions()}
        self.subscription = self.subscriptions.get("Bramble Retail") or next(iter(self.subscriptions.values()))

    def _subscriptions(self) -> list[dict[str, str]]:
        rows = self.arm("GET", "/subscriptions?api-version=2022-12-01").json["value"]
        return [{"name": row["displayName"], "id": row["subscriptionId"]} for row in rows]

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def sm(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        *,
        subscription: str = "",
        version: str | None = "2017-01-01",
        token: str | None = "anyone",
        **headers: str,
    ) -> Reply:
        """One request to service management; `path` follows the subscription's id."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if version is not None:
            sent["x-ms-version"] = version
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        owner = subscription or self.subscription
        return self._send(method, f"/service-management/{owner}{quote(path, safe='/?=&')}", body, sent)

    def arm(self, method: str, path: str, body: Any = None) -> Reply:
        """One request to Resource Manager; `path` with its api-version."""
        raw = None if body is None else json.dumps(body).encode()
        return self._send(method, path, raw, {"Authorization": "Bearer anyone", "Content-Type": "application/json"})

    def pass_time(self, seconds: float = WHOLE) -> None:
        self.control("clock", {"advance": seconds})

    def fault(self, kind: str, **settings: Any) -> None:
        self.control("faults", {"kind": kind, **settings})

    def documents(self) -> list[dict[str, Any]]:
        return self.server.get("/_simulator/state?documents=1")["documents"]

    def document(self, kind: str, name: str) -> dict[str, Any]:
        """The one document of this name whose type ends in `kind`."""
        [found] = [d for d in self.documents() if d["type"].endswith(kind) and d["name"] == name]
        return found

    def verb(self, verb: str, unit: str, *, subscription: str = "", body: bytes | None = None, **more: Any) -> Reply:
        """A verb on a unit by its path below `/services/`; deployments get the body for a new network."""
        given = (
            network_resource() if body is None and "/deployments/" in unit and verb in ("validate", "prepare") else body
        )
        return self.sm(
            f"/services/{unit}/migration?comp={verb}", "POST", given or b"", subscription=subscription, **more
        )

    def status(self, submitted: Reply, *, subscription: str = "") -> Element:
        """The Operation element of what was submitted."""
        reply = self.sm(f"/operations/{submitted.request_id}", subscription=subscription)
        assert reply.status == 200, reply.raw
        return reply.root

    def finish(self, verb: str, unit: str, *, subscription: str = "") -> Element:
        """Submit, let everything end, and give the Operation."""
        submitted = self.verb(verb, unit, subscription=subscription)
        assert (submitted.status, submitted.raw) == (202, b""), submitted.raw
        self.pass_time()
        return self.status(submitted, subscription=subscription)

    def violations(self) -> list[str]:
        return [row["kind"] for row in self.control("violations")["value"]]
