"""Which host may be asked, and how a resource id becomes a URL on it. No sockets here."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from migrator.gateway.protocol import ErrorClass, Refused

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SEGMENT = re.compile(r"[A-Za-z0-9._()-]{1,260}")
_SHOWN_QUERY = frozenset({"api-version", "$filter", "$expand", "$top"})
_DEFAULT_PORTS = {"https": 443, "http": 80}


class EndpointRefused(ValueError):
    """The endpoint is not one a credential may be sent to; the text says why and what to write instead."""


class BadResourceId(Refused):
    """Not a resource id a request may be made of; nothing was asked."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_class=ErrorClass.PROGRAMMER)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Scheme, host and port of Resource Manager. Build with `Endpoint.of(text)`."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> "Endpoint":
        """`https://host[:port]`, or `http://` on loopback. Raises EndpointRefused for everything else."""
        try:
            parts = urlsplit(text.strip())
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise EndpointRefused(f"The endpoint {text[:100]!r} is not a URL: {error}.") from error
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise EndpointRefused("The endpoint holds a user name or password. Write https://host without them.")
        if parts.query or parts.fragment or parts.path not in ("", "/"):
            raise EndpointRefused(f"The endpoint {text[:100]!r} has a path or query. Write https://host only.")
        if parts.scheme not in _DEFAULT_PORTS:
            raise EndpointRefused(f"The endpoint {text[:100]!r} should begin with https://.")
        if not is_loopback(host) and not _HOST.fullmatch(host):
            raise EndpointRefused(f"The endpoint {text[:100]!r} has no usable host name.")
        if parts.scheme == "http" and not is_loopback(host):
            raise EndpointRefused(f"The endpoint {text[:100]!r} is not encrypted. Plain http is for loopback only.")
        return cls(parts.scheme, host, port if port is not None else _DEFAULT_PORTS[parts.scheme])

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        """Without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}")

    def owns(self, url: str) -> bool:
        """Whether a URL is at this very scheme, host and port, without user information: only then may the token go
        there."""
        if any(character <= " " or character == "\\" for character in url):
            return False
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if "@" in parts.netloc or parts.scheme != self.scheme:
            return False
        actual = port if port is not None else _DEFAULT_PORTS[self.scheme]
        return (parts.hostname or "").lower() == self.host and actual == self.port

    def at(self, path: str, api_version: str = "", **query: str) -> str:
        """The URL of a path (unescaped, beginning with /) with its query."""
        pairs = {**query, **({"api-version": api_version} if api_version else {})}
        return self.url + quote(path, safe="/$()*!,;=:@&+~'-._") + ("?" + urlencode(pairs) if pairs else "")


def is_loopback(host: str) -> bool:
    """`localhost`, or an address of loopback in its ordinary notation (`0`, `2130706433`, `0x7f.1` are not)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def resource_path(resource_id: str) -> str:
    """The path of a resource id, checked: under /subscriptions/, no query, no way up, no control characters. Raises
    BadResourceId."""
    segments = resource_id.split("/")
    shown = repr(resource_id[:200])
    if len(segments) < 3 or segments[0] or segments[1].lower() != "subscriptions" or not segments[2]:
        raise BadResourceId(f"The resource id {shown} should begin with /subscriptions/.")
    if len(resource_id) > 2048 or any(c < " " or c in '?#\\%<>"{}|^`\x7f' for c in resource_id):
        raise BadResourceId(f"The resource id {shown} holds a character that no resource id has.")
    if any(segment in ("", ".", "..") for segment in segments[1:]):
        raise BadResourceId(f"The resource id {shown} has an empty part.")
    return resource_id


def segment(text: str) -> str:
    """One part of a path which we write ourselves (a subscription, a namespace, a region). Raises BadResourceId."""
    if not _SEGMENT.fullmatch(text) or text in (".", ".."):
        raise BadResourceId(f"{text[:80]!r} cannot be part of a resource id.")
    return text


def shown(url: str) -> str:
    """A URL for the record: values of the query only where they cannot be secret."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "(unreadable URL)"
    kept = "&".join(
        quote(name, safe="$") + "=" + (quote(value, safe="$' ") if name.lower() in _SHOWN_QUERY else "…")
        for name, value in pairs
    )
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{kept}" if kept else "")


def short_name(resource_id: str) -> str:
    """What a person calls it: the names in an id without groups and types ("cs1/Production/Web")."""
    _, found, rest = resource_id.lower().rpartition("/providers/")
    if not found:
        return resource_id.strip("/") or "Azure"
    parts = resource_id[len(resource_id) - len(rest) :].split("/")
    return "/".join(parts[2::2]) or resource_id
