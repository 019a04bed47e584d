"""Calls, answers and the table of routes. Paths are matched without regard to case, as Resource Manager does."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from migrator.simulator import providers
from migrator.simulator.errors import ArmError, bad_request
from migrator.simulator.platform import Platform
from migrator.simulator.store import Document, Store

SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
GROUP = SUBSCRIPTION + r"/resourcegroups/(?P<group>[^/]+)"


@dataclass(slots=True)
class Call:
    """One request, read. `query` has its names in lower case; `body` is None when there was none."""

    platform: Platform
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    base_url: str
    principal: str = ""
    sees: tuple[str, ...] = ()  # the subscriptions on which the caller has any right
    reads_only: bool = False
    client_request_id: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        """The subscription in the path, lower case; 404 when the simulator has none of that id."""
        key = self.parts["subscription"].lower()
        if key not in self.platform.subscriptions:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{key}' could not be found.")
        return key

    def check_group(self) -> Document:
        """The resource group in the path; 404 when there is none."""
        name = self.parts["group"]
        found = self.view().get(f"/subscriptions/{self.subscription}/resourceGroups/{name}")
        if found is None:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return found

    def check_version(self, kind: str, location: str = "") -> None:
        providers.check_version(kind, self.query.get("api-version"), location=location)

    def object(self) -> Mapping[str, Any]:
        """The body as an object; 400 when it is none."""
        if not isinstance(self.body, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid: a JSON object is expected.")
        return self.body

    def properties(self) -> Mapping[str, Any]:
        found = self.object().get("properties")
        if not isinstance(found, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content was invalid: 'properties' is missing.")
        return found

    def view(self) -> Store:
        """The documents as this read sees them."""
        return self.platform.view(self.path)

    def url(self, path: str, **query: str) -> str:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return f"{self.base_url}{path}" + (f"?{text}" if text else "")


@dataclass(slots=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    verb: str = ""  # for the request log
    unit: str = ""
    operation_id: str = ""


Handler = Callable[[Call], Answer]


class Router:
    """Routes in the order they are tried."""

    def __init__(self) -> None:
        self._routes: list[tuple[frozenset[str], re.Pattern[str], Handler]] = []

    def route(self, methods: str, pattern: str) -> Callable[[Handler], Handler]:
        """Register a handler: `methods` separated by blanks, `pattern` for the whole path."""

        def register(handler: Handler) -> Handler:
            compiled = re.compile(pattern, re.IGNORECASE)
            self._routes.append((frozenset(methods.split()), compiled, handler))
            return handler

        return register

    def include(self, other: "Router") -> None:
        self._routes.extend(other._routes)

    def dispatch(self, call: Call) -> Answer:
        """Find and run the handler. 404 for no such path, 405 for another method."""
        allowed: set[str] = set()
        for methods, pattern, handler in self._routes:
            found = pattern.fullmatch(call.path)
            if found is None:
                continue
            if call.method in methods:
                call.parts = found.groupdict()
                return handler(call)
            allowed |= methods
        if allowed:
            raise ArmError(
                405,
                "MethodNotAllowed",
                f"The requested resource does not support http method '{call.method}'.",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        raise ArmError(404, "InvalidResourceType", f"No resource type was found for the path '{call.path}'.")


def page(call: Call, documents: Iterable[Document], *, top: int | None = None) -> Answer:
    """One page of a list ordered by id, with `nextLink` when there is more."""
    size = call.platform.settings.page_size
    if top is not None:
        size = max(1, min(top, size))
    rows = sorted(documents, key=lambda d: str(d["id"]).lower())
    after = _token(call.query.get("$skiptoken"))
    if after:
        rows = [row for row in rows if str(row["id"]).lower() > after]
    answer: dict[str, Any] = {"value": rows[:size]}
    if len(rows) > size:
        query = {name: value for name, value in call.query.items() if name != "$skiptoken"}
        query["$skiptoken"] = token(str(rows[size - 1]["id"]).lower())
        answer["nextLink"] = call.url(call.path, **{name: _quoted(value) for name, value in query.items()})
    return Answer(body=answer)


def token(text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": text}).encode()).decode().rstrip("=")


def _token(text: str | None) -> str:
    if not text:
        return ""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["after"]
    except (ValueError, KeyError, TypeError):
        raise bad_request("The $skiptoken is not one of this service.") from None
    return str(found)


def read_token(text: str | None) -> str:
    """What `token` was made of; 400 for anything else."""
    return _token(text)


def number(call: Call, name: str) -> int | None:
    """A positive number in the query, None when absent."""
    text = call.query.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise bad_request(f"The value '{text}' of {name} is not a positive number.")
    return int(text)


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
