"""One conversation with service management: URLs, versions, XML. Deadlines, attempts, the token and the error family
are those of `calls`, and so are their promises."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from azure.core.credentials import TokenCredential

from migrator.gateway import errors
from migrator.gateway.arm import CONNECT_TIMEOUT, AzureWire, StaticToken
from migrator.gateway.calls import EXCERPT, Calls, Reply
from migrator.gateway.endpoint import BadResourceId, Endpoint, EndpointRefused, segment
from migrator.gateway.protocol import HTTP_DEADLINE
from migrator.gateway.versions import SERVICE_MANAGEMENT
from migrator.gateway.wire.service_management_xml import Xml, error_of, parse, shorten

_PREFIX = re.compile(r"(/[A-Za-z0-9_-]{1,100}){0,4}")
_NAME = re.compile(r"[^/?#%\\<>\"\x00-\x1f\x7f]{1,260}")


def place_of(text: str) -> tuple[Endpoint, str]:
    """The endpoint and the path all requests begin with: empty on the public platform; the simulator has one. Raises
    EndpointRefused."""
    try:
        parts = urlsplit(text.strip())
    except ValueError as error:
        raise EndpointRefused(f"The endpoint {text[:100]!r} is not a URL: {error}.") from error
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        raise EndpointRefused(f"The endpoint {text[:100]!r} has an unusable path. Write https://host only.")
    place = Endpoint.of(parts._replace(path="").geturl())
    if prefix and not place.loopback:
        raise EndpointRefused(f"The endpoint {text[:100]!r} has a path. Write https://host only.")
    return place, prefix


def audience_of(endpoint: Endpoint) -> str:
    """The scope a token is asked for: the audience of this API ends in a slash (azure.md 1.4 [S]), which is why there
    are two."""
    return f"{endpoint.url}//.default"


class XmlCalls(Calls):
    """`Calls` for XML. Paths are given below the subscription."""

    accepts = "application/xml"

    def __init__(
        self,
        endpoint: str,
        credential: TokenCredential,
        *,
        deadline: float = HTTP_DEADLINE,
        connect_timeout: float = CONNECT_TIMEOUT,
        versions: Mapping[str, str] | None = None,
        audience: str = "",
    ) -> None:
        place, self.prefix = place_of(endpoint)
        if isinstance(credential, StaticToken) and not place.loopback:
            raise EndpointRefused(f"A fixed token is for loopback only, and {place.url} is not.")
        if unknown := set(versions or {}) - set(SERVICE_MANAGEMENT):
            raise ValueError(f"There is no family {sorted(unknown)[0]!r}; there are {', '.join(SERVICE_MANAGEMENT)}.")
        self.versions = {**SERVICE_MANAGEMENT, **(versions or {})}
        wire = AzureWire(place, credential, connect_timeout, audience or audience_of(place))
        self.close = wire.close
        super().__init__(place, wire, deadline=deadline)

    def decode(self, content: bytes) -> Any:
        """An `Xml`, None when empty, or the error object of an `<Error>`."""
        root = parse(content)
        return error_of(root) or root

    def excerpt(self, content: bytes, parsed: Any, problem: str) -> str:
        return shorten(content, EXCERPT)

    def at_path(self, subscription: str, path: str, **query: str) -> str:
        """The URL of a path below the subscription (`services/disks`), its parts checked or quoted before."""
        pairs = "&".join(f"{name.replace('_', '-')}={quote(value)}" for name, value in query.items())
        base = f"{self.endpoint.url}{self.prefix}/{segment(subscription)}/{path}"
        return base + (f"?{pairs}" if pairs else "")

    def root(self, subscription: str, family: str, path: str, wanted: str, *, doing: str, **query: str) -> Xml:
        """The answer of a read, whose root has to be `wanted`. Raises Malformed and the rest of the family."""
        url = self.at_path(subscription, path, **query)
        reply = self.ask("GET", url, doing=doing, headers={"x-ms-version": self.versions[family]})
        return self.expect(reply, wanted, doing, "GET")

    def expect(self, reply: Reply, wanted: str, doing: str, method: str) -> Xml:
        """The XML of an answer with the root `wanted`."""
        if not isinstance(reply.body, Xml) or reply.body.name != wanted or reply.status != 200:
            found = f"it begins with {reply.body.name[:80]}" if isinstance(reply.body, Xml) else "it is no XML"
            raise errors.malformed(doing, method, f"{found}, not with {wanted}", reply.exchange, reply.retry_after)
        return reply.body


def name(text: str) -> str:
    """A name as part of a path, quoted: a portal-made network has spaces in it. Raises BadResourceId."""
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise BadResourceId(f"{text[:80]!r} cannot be the name of something in service management.")
    return quote(text, safe="")
