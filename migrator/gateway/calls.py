"""One conversation with Resource Manager: URLs, deadlines, attempts, JSON, errors, pages. The wire itself
(azure-core) is `arm.Wire`.

Promises kept here for every gateway method: only the configured endpoint is asked; a POST, PUT, PATCH or DELETE goes
out once; a read at most three times, without sleeping, inside the one deadline; an answer is at most `LARGEST` bytes
of JSON; what is not a success raises.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from migrator.gateway import errors, versions
from migrator.gateway.endpoint import Endpoint, segment, shown
from migrator.gateway.protocol import HTTP_DEADLINE, Exchange, GatewayError, Malformed, ServerFailed, Unreachable
from migrator.gateway.retry_after import retry_after
from migrator.gateway.wire.assembly import type_in
from migrator.gateway.wire.cleaning import clean_text, clean_value

LARGEST = 8 * 1024 * 1024  # bytes of one answer (reliability-notes 3.3)
EXCERPT = 2000  # characters
READ_ATTEMPTS = 3
SHORTEST_TRY = 1.0  # seconds that must be left for another attempt
MOST_PAGES = 2000
LONGEST_DIGITS = 20
SUCCESS = frozenset({200, 201, 202, 204})


class NoAnswer(Exception):
    """The wire gave no complete answer. `sent`: False when the request certainly never left."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.sent = sent


class TooLarge(Exception):
    """The answer is larger than the limit; reading stopped there."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    content: bytes


class Wire(Protocol):
    """Sends one request once. Raises NoAnswer, TooLarge, or a GatewayError when no token could be had."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: Any, timeout: float) -> RawAnswer: ...

    def forget_token(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read: `body` is the parsed JSON, None when the answer was empty."""

    status: int
    headers: Mapping[str, str]
    body: Any
    retry_after: float | None
    exchange: Exchange


class Calls:
    """The conversation. `now` gives the wall clock for HTTP dates only; `api_versions` are set by hand, by type."""

    accepts = "application/json"

    def __init__(
        self,
        endpoint: Endpoint,
        wire: Wire,
        *,
        deadline: float = HTTP_DEADLINE,
        api_versions: Mapping[str, str] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.endpoint = endpoint
        self.wire = wire
        self.deadline = deadline
        self.now = now
        self._chosen = {kind.lower(): version for kind, version in (api_versions or {}).items()}
        self._listed: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}  # versions by (subscription, namespace)

    # One exchange

    def ask(
        self,
        method: str,
        url: str,
        *,
        doing: str,
        body: Any = None,
        client_request_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One exchange at an absolute URL; raises a GatewayError for everything but 200, 201, 202 and 204. `doing`
        completes "Azure failed to …"; `headers` go out besides the usual ones. Raises Malformed, without asking, for
        a URL at another host."""
        if not self.endpoint.owns(url):
            nothing = Exchange(method=method, url=shown(url), attempts=0)
            raise Malformed(
                f"Azure pointed to {shown(url)[:200]} to {doing}, which is not the configured endpoint. It "
                "was not asked.",
                exchange=nothing,
            )
        reads = method in errors.READS
        until = time.monotonic() + self.deadline
        request_id = client_request_id or str(uuid.uuid4())
        for attempt in range(1, READ_ATTEMPTS + 1):
            exchange = Exchange(method=method, url=shown(url), attempts=attempt, client_request_id=request_id)
            left = until - time.monotonic()
            # a read that hangs leaves room for another try; what is sent once may use all of it
            timeout = min(left, self.deadline / 2) if reads and attempt < READ_ATTEMPTS else left
            try:
                return self._once(method, url, body, doing, exchange, timeout, headers or {})
            except (Unreachable, ServerFailed) as error:
                enough = attempt == READ_ATTEMPTS or until - time.monotonic() < SHORTEST_TRY
                if not reads or enough or error.retry_after is not None:
                    raise
        raise AssertionError("the loop returns or raises")

    def _once(
        self,
        method: str,
        url: str,
        body: Any,
        doing: str,
        exchange: Exchange,
        timeout: float,
        more: Mapping[str, str],
    ) -> Reply:
        headers = {"x-ms-client-request-id": exchange.client_request_id, "Accept": self.accepts, **more}
        try:
            raw = self.wire.send(method, url, headers, body, timeout)
        except NoAnswer as silence:
            error = errors.unreachable(doing, method, str(silence), exchange)
            raise (errors.never_sent(error) if not silence.sent else error) from silence
        except TooLarge as error:
            why = f"it is larger than {LARGEST // 1024 // 1024} MiB"
            raise errors.malformed(doing, method, why, exchange) from error
        exchange = _with_headers(replace(exchange, status=raw.status), raw.headers)
        wait = retry_after(raw.headers, self.now())
        problem, parsed = "", None
        try:
            parsed = self.decode(raw.content)
        except ValueError as error:
            problem = str(error)
        if raw.status not in SUCCESS or method not in errors.READS or problem:
            exchange = replace(exchange, excerpt=self.excerpt(raw.content, parsed, problem))
        if raw.status == 401:
            self.wire.forget_token()
        if raw.status not in SUCCESS:
            raise errors.from_answer(doing, method, raw.status, parsed, wait, exchange)
        if problem:
            raise errors.malformed(doing, method, problem, exchange, wait)
        return Reply(raw.status, raw.headers, parsed, wait, exchange)

    def decode(self, content: bytes) -> Any:
        """What an answer holds. Raises ValueError with what is wrong, for a person."""
        return parse(content)

    def excerpt(self, content: bytes, parsed: Any, problem: str) -> str:
        """The beginning of an answer, without secrets."""
        return excerpt(content, parsed, problem)

    # Reading

    def get(self, path: str, api_version: str, *, doing: str, **query: str) -> Reply:
        return self.ask("GET", self.endpoint.at(path, api_version, **query), doing=doing)

    def resource(self, resource_id: str, *, doing: str) -> Mapping[str, Any]:
        """The body of one resource. Raises NotFound, Malformed and the rest of the family."""
        reply = self.get(resource_id, self.version_for(resource_id), doing=doing)
        if not isinstance(reply.body, Mapping) or not isinstance(reply.body.get("id"), str):
            raise errors.malformed(doing, "GET", "it is not a resource", reply.exchange)
        return reply.body

    def items(self, path: str, api_version: str, *, doing: str, **query: str) -> Iterator[Mapping[str, Any]]:
        """Every item of a list, page after page. A page that is no list, a page at another host, and a circle raise
        Malformed."""
        url, seen = self.endpoint.at(path, api_version, **query), set[str]()
        while url:
            if url in seen or len(seen) >= MOST_PAGES:
                nothing = Exchange(method="GET", url=shown(url))
                raise errors.malformed(doing, "GET", "its pages go round in a circle", nothing)
            seen.add(url)
            reply = self.ask("GET", url, doing=doing)
            page = reply.body if isinstance(reply.body, Mapping) else {}
            values, url = page.get("value"), page.get("nextLink") or ""
            if (
                not isinstance(values, list)
                or not all(isinstance(v, Mapping) for v in values)
                or not isinstance(url, str)
            ):
                raise errors.malformed(doing, "GET", "it is not a list of resources", reply.exchange)
            yield from values

    # Provider metadata and versions

    def providers(self, subscription: str) -> list[Mapping[str, Any]]:
        """Every provider of a subscription with its registration and types, read now."""
        path = f"/subscriptions/{segment(subscription)}/providers"
        providers = list(self.items(path, versions.RESOURCES, doing="list resource providers"))
        for provider in providers:
            self._remember(subscription, str(provider.get("namespace", "")), [provider])
        return providers

    def version(self, kind: str, subscription: str) -> str:
        """The api-version for a type. Metadata of its provider is read once in the life of the conversation; when it
        cannot be read that costs nothing but precision: the table is used."""
        namespace = kind.partition("/")[0]
        if subscription and kind.lower() not in versions.WRITTEN_FOR:
            if (subscription.lower(), namespace.lower()) not in self._listed:
                self._remember(subscription, namespace, self._metadata(subscription, namespace))
            return versions.pick(kind, self._listed[subscription.lower(), namespace.lower()], self._chosen)
        return versions.pick(kind, {}, self._chosen)

    def _metadata(self, subscription: str, namespace: str) -> list[Mapping[str, Any]]:
        try:
            path = f"/subscriptions/{segment(subscription)}/providers/{segment(namespace)}"
            body = self.get(path, versions.RESOURCES, doing=f"read the metadata of {namespace}").body
        except GatewayError:
            return []
        return [body] if isinstance(body, Mapping) else []

    def _remember(self, subscription: str, namespace: str, providers: list[Mapping[str, Any]]) -> None:
        self._listed[subscription.lower(), namespace.lower()] = versions.listed_in(providers)

    def version_for(self, resource_id: str, action: str = "") -> str:
        """The api-version for a resource, or for an action on it ("prepareMigration")."""
        kind = type_in(resource_id) + (f"/{action}" if action else "")
        parts = resource_id.strip("/").split("/")
        return self.version(kind, parts[1] if len(parts) > 1 else "")


def parse(content: bytes) -> Any:
    """The JSON in an answer, None when it is empty. Raises ValueError with what is wrong, for a person."""
    if not content.strip():
        return None
    try:
        return json.loads(content.decode("utf-8-sig"), parse_int=_whole, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        beginning = clean_text(content[:60].decode("utf-8", errors="replace")).replace("\n", " ")
        raise ValueError(f"it is not JSON (it begins with {beginning!r})") from error


def _whole(text: str) -> int:
    if len(text) > LONGEST_DIGITS:
        raise ValueError(f"it holds a number of {len(text)} digits")
    return int(text)


def _constant(text: str) -> float:
    raise ValueError(f"it holds {text}, which is not JSON")


def excerpt(content: bytes, parsed: Any, problem: str) -> str:
    """The beginning of an answer, without secrets."""
    if problem or parsed is None:
        return clean_text(content[: 4 * EXCERPT].decode("utf-8", errors="replace"))[:EXCERPT]
    return json.dumps(clean_value(parsed), ensure_ascii=False)[:EXCERPT]


def _with_headers(exchange: Exchange, headers: Mapping[str, str]) -> Exchange:
    """Only the headers of the allow-list."""
    return replace(
        exchange,
        request_id=headers.get("x-ms-request-id", "")[:100],
        correlation_id=headers.get("x-ms-correlation-request-id", "")[:100],
        remaining_reads=_count(headers.get("x-ms-ratelimit-remaining-subscription-reads")),
        remaining_writes=_count(headers.get("x-ms-ratelimit-remaining-subscription-writes")),
    )


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 else None
