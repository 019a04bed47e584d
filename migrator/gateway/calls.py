"""One conversation with Resource Manager: URLs, deadlines, attempts, JSON, errors, pages. The wire itself
(azure-core) is `arm.Wire`.

Promises kept here for every gateway method: only the configured endpoint is asked; a POST, PUT, PATCH or DELETE goes
out once; a read at most three times, without sleeping, inside the one deadline; an answer is at most `LARGEST` bytes
of JSON; what is not a success raises.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from migrator.gateway import errors, versions
from migrator.gateway.endpoint import Endpoint, segment, shown
from migrator.gateway.protocol import (
    HTTP_DEADLINE,
    Exchange,
    GatewayError,
    Malformed,
    ServerFailed,
    Traffic,
    Unreachable,
)
from migrator.gateway.retry_after import retry_after
from migrator.gateway.shapes import INFERRED_AS_DOCUMENTED, Shapes
from migrator.gateway.wire.assembly import type_in
from migrator.gateway.wire.cleaning import clean_text, clean_value

LARGEST = 8 * 1024 * 1024  # bytes of one answer (reliability-notes 3.3)
EXCERPT = 2000  # characters
LONGEST_EVIDENCE = 256 * 1024  # bytes; a longer answer that was understood is a page of a list, no evidence of a verb
READ_ATTEMPTS = 3
SHORTEST_TRY = 1.0  # seconds that must be left for another attempt
MOST_PAGES = 2000
LONGEST_DIGITS = 20
METADATA_AGE = timedelta(hours=6)  # versions change some times a year
METADATA_RETRY = timedelta(minutes=5)  # after metadata that could not be read
TOO_MANY = 429
SUCCESS = frozenset({200, 201, 202, 204})


class NoAnswer(Exception):
    """The wire gave no complete answer. `sent`: False when the request certainly never left."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.sent = sent


class _Challenged(Exception):
    """A 401 with a challenge: Azure wants another token (expired, revoked, or with further claims)."""

    def __init__(self, error: GatewayError, claims: str) -> None:
        super().__init__()
        self.error = error
        self.claims = claims


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

    def forget_token(self, claims: str = "") -> None:
        """The next request asks for a new token, with the claims Azure demands."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read: `body` is the parsed JSON, None when the answer was empty."""

    status: int
    headers: Mapping[str, str]
    body: Any
    retry_after: float | None
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Metadata:
    """Versions by lower-case type as one provider's metadata lists them; when it was last asked, and when it answered
    (None: it did not)."""

    listed: Mapping[str, tuple[str, ...]]
    asked_at: datetime
    read_at: datetime | None


NO_METADATA = Metadata({}, datetime.min.replace(tzinfo=UTC), None)


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
        shapes: Shapes = INFERRED_AS_DOCUMENTED,
    ) -> None:
        self.endpoint = endpoint
        self.wire = wire
        self.deadline = deadline
        self.now = now
        self.graph_opens_at = 0.0  # time.monotonic() before which Resource Graph takes no query of ours (azure.md 8.2)
        self.traffic = Traffic()
        self.not_offered: set[str] = set()  # types of which Azure said in this listing that it has none such
        self.shapes = shapes
        self._chosen = {kind.lower(): version for kind, version in (api_versions or {}).items()}
        if shapes.migrate_api_version:
            self._chosen.setdefault("*migration", shapes.migrate_api_version)
        self._listed: dict[tuple[str, str], Metadata] = {}  # by (subscription, namespace), in lower case
        self._all: dict[str, datetime] = {}  # when all providers of a subscription were listed

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
        version = _version_in(url)
        challenged = 0
        for attempt in range(1, READ_ATTEMPTS + 2):
            exchange = Exchange(
                method=method,
                url=shown(url),
                attempts=attempt,
                client_request_id=request_id,
                api_version=version or (headers or {}).get("x-ms-version", ""),
            )
            left = until - time.monotonic()
            # a read that hangs leaves room for another try; what is sent once may use all of it
            timeout = min(left, self.deadline / 2) if reads and attempt - challenged < READ_ATTEMPTS else left
            try:
                return self._once(method, url, body, doing, exchange, timeout, headers or {})
            except _Challenged as challenge:
                # Stopped at the door, so nothing was carried out, whatever the method: once more with a new token.
                self.wire.forget_token(challenge.claims)
                if challenged or until - time.monotonic() < SHORTEST_TRY:
                    raise challenge.error from None
                challenged = 1
            except (Unreachable, ServerFailed) as error:
                enough = attempt - challenged >= READ_ATTEMPTS or until - time.monotonic() < SHORTEST_TRY
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
        if method in errors.READS:
            self.traffic.reads += 1
        try:
            raw = self.wire.send(method, url, headers, body, timeout)
        except NoAnswer as silence:
            error = errors.unreachable(doing, method, str(silence), exchange)
            raise (errors.never_sent(error) if not silence.sent else error) from silence
        except TooLarge as error:
            why = f"it is larger than {LARGEST // 1024 // 1024} MiB"
            raise errors.malformed(doing, method, why, exchange) from error
        exchange = _with_headers(replace(exchange, status=raw.status), raw.headers)
        if exchange.remaining_reads is not None:
            self.traffic.reads_left = exchange.remaining_reads
        wait = retry_after(raw.headers, self.now())
        problem, parsed = "", None
        try:
            parsed = self.decode(raw.content)
        except ValueError as error:
            problem = str(error)
        page = raw.status in SUCCESS and not problem and len(raw.content) > LONGEST_EVIDENCE
        if (raw.status not in SUCCESS or method not in errors.READS or problem) and not page:
            exchange = replace(exchange, excerpt=self.excerpt(raw.content, parsed, problem))
        if raw.status == TOO_MANY and method in errors.READS:
            self.traffic.refused_for = max(self.traffic.refused_for, wait or 0.0)
        if raw.status not in SUCCESS:
            error = errors.from_answer(doing, method, raw.status, parsed, wait, exchange)
            if raw.status == 401:
                self.wire.forget_token()
                if (challenge := raw.headers.get("www-authenticate", "")).lower().startswith("bearer"):
                    raise _Challenged(error, errors.claims_in(challenge))
            raise error
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
        self._all[subscription.lower()] = self.now()
        return providers

    def version(self, kind: str, subscription: str) -> str:
        """The api-version for a type, see `choice`."""
        return self.choice(kind, subscription).version

    def choice(self, kind: str, subscription: str) -> versions.Choice:
        """The api-version for a type and where it came from. Metadata of its provider is read again once it is
        `METADATA_AGE` old; when it cannot be read that costs nothing but precision: the table is used."""
        held = self.metadata(kind.partition("/")[0], subscription) if subscription else NO_METADATA
        return versions.choose(kind, held.listed, self._chosen)

    def metadata(self, namespace: str, subscription: str) -> Metadata:
        """What the subscription's metadata of one provider lists, from memory while it is fresh."""
        key = (subscription.lower(), namespace.lower())
        held, now = self._listed.get(key), self.now()
        if held is None and self._lists_all(subscription):  # a provider Azure does not list has nothing to say
            return Metadata({}, self._all[key[0]], self._all[key[0]])
        if held is None or now - held.asked_at > (METADATA_AGE if held.read_at else METADATA_RETRY):
            fresh = self._metadata(subscription, namespace)
            if fresh is not None or held is None:
                held = Metadata(versions.listed_in(fresh or []), now, now if fresh is not None else None)
            else:  # what was read before is better than nothing
                held = replace(held, asked_at=now - METADATA_AGE + METADATA_RETRY)
            self._listed[key] = held
        return held

    def knows(self, namespaces: Iterable[str], subscription: str) -> bool:
        """Whether fresh metadata of all these providers is in memory."""
        if self._lists_all(subscription):
            return True
        held = [self._listed.get((subscription.lower(), namespace.lower())) for namespace in namespaces]
        return all(one is not None and one.read_at and self.now() - one.read_at <= METADATA_AGE for one in held)

    def _lists_all(self, subscription: str) -> bool:
        read_at = self._all.get(subscription.lower())
        return read_at is not None and self.now() - read_at <= METADATA_AGE

    def _metadata(self, subscription: str, namespace: str) -> list[Mapping[str, Any]] | None:
        try:
            path = f"/subscriptions/{segment(subscription)}/providers/{segment(namespace)}"
            body = self.get(path, versions.RESOURCES, doing=f"read the metadata of {namespace}").body
        except GatewayError:
            return None
        return [body] if isinstance(body, Mapping) else None

    def _remember(self, subscription: str, namespace: str, providers: list[Mapping[str, Any]]) -> None:
        now = self.now()
        listed = versions.listed_in(providers)
        self._listed[subscription.lower(), namespace.lower()] = Metadata(listed, now, now)

    def version_for(self, resource_id: str, action: str = "") -> str:
        """The api-version for a resource, or for an action on it ("prepareMigration")."""
        kind = type_in(resource_id) + (f"/{action}" if action else "")
        parts = resource_id.strip("/").split("/")
        return self.version(kind, parts[1] if len(parts) > 1 else "")


def _version_in(url: str) -> str:
    """The api-version of a URL."""
    return next((value for name, value in parse_qsl(urlsplit(url).query) if name.lower() == "api-version"), "")


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
