"""Service management's own answers, saved as XML → entries (azure.md 1.4 [S]).

Read are the lists and single elements of hosted services, deployments, networks, storage accounts, disks, images,
security groups, reserved addresses and route tables, also several of them under an element of one's own, and the
`<deployments>` file of MetadataExtract.ps1 in Microsoft's field toolset. This API knows names, not resource groups:
ids of things the inventory does not know by name are inferred [I], and the entry says so.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from migrator.captures.estate_json import wrong_id
from migrator.captures.text import unstorable
from migrator.captures.values import SOURCE, Contents, Entry, FileRefused, Hints, Kind, Limits
from migrator.gateway.protocol import SubscriptionInfo
from migrator.gateway.wire import service_management as services
from migrator.gateway.wire import service_management_network as networks
from migrator.gateway.wire import type_in
from migrator.gateway.wire.service_management import Document, Ids
from migrator.gateway.wire.service_management_xml import NAMESPACE, UnreadableXml, Xml, parse
from migrator.resources import ResourceType

_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_BARE_ROOT = re.compile(r"\s*<([A-Za-z]\w{0,80})\s*>")
_NAMES = {
    "HostedService": "ServiceName",
    "Deployment": "Name",
    "StorageService": "ServiceName",
}
INFERRED = "Its resource group is not in the file; it is inferred from how service management groups things."


def read(text: str, name: str, limits: Limits, hints: Hints) -> Contents:
    """The contents of a service-management XML. Raises FileRefused."""
    root = _root(text, name, limits)
    found = list(_elements(root, 0))
    subscription = _subscription(found, name, hints)
    ids = Ids(subscription=subscription, known=_known(hints))
    notes: list[str] = []
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    for item in found:
        if item.name in _READERS:
            entries += _entries(item, ids, hints, seen)
        else:
            notes.append(f"{name}: the element {item.name[:80]} is none this reads; it was passed over.")
        if len(entries) > limits.rows:
            raise FileRefused(f"{name}: more than {limits.rows:,} resources; split the file.")
    if not entries:
        wanted = ", ".join(sorted(_READERS))
        raise FileRefused(f"{name}: no element this reads; it reads {wanted}, alone or in lists.")
    info = SubscriptionInfo(subscription_id=subscription, display_name=subscription, state="")
    return Contents(kind=Kind.XML, entries=tuple(entries), subscriptions=(info,), notes=tuple(dict.fromkeys(notes)))


def _root(text: str, name: str, limits: Limits) -> Xml:
    """The text is decoded already, so its declaration of an encoding no longer holds; a root element of one's own, and
    MetadataExtract's `<deployments>`, have no namespace."""
    body = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)
    skipped = text.count("\n", 0, len(text) - len(body))
    if bare := _BARE_ROOT.match(body):
        body = f'{body[: bare.end(1)]} xmlns="{NAMESPACE}"{body[bare.end(1) :]}'
    if body.count("<") > 2 * limits.elements:
        raise FileRefused(f"{name}: more than {limits.elements:,} XML elements; split the file.")
    try:
        root = parse(body.encode("utf-8", errors="replace"))
    except UnreadableXml as error:
        cause = error.__cause__
        where = f", line {cause.position[0] + skipped}" if isinstance(cause, ParseError) else ""
        raise FileRefused(f"{name}{where}: {error}. Save the answer of service management unchanged.") from None
    if root is None:
        raise FileRefused(f"{name}: the file is empty.")
    return root


def _elements(item: Xml, depth: int) -> Iterator[Xml]:
    """What can be read, below lists and wrappers; what is neither comes too, so that it is named."""
    if item.name in _READERS or depth > 4:
        yield item
        return
    children = [Xml(child) for child in item.element if isinstance(child.tag, str)]
    for child in children:
        plural = child.name in _READERS or len(child.element) > 0
        if plural:
            yield from _elements(child, depth + 1)
        else:
            yield child


def _subscription(items: list[Xml], name: str, hints: Hints) -> str:
    """The subscription a person named, or the one the file's addresses name; never two."""
    named = {hints.subscription_id.lower()} - {""}
    for item in items:
        parts = urlsplit_path(item.word("Url"))
        if len(parts) > 2 and parts[1] == "services":
            named.add(parts[0].lower())
    if len(named) > 1:
        others = ", ".join(sorted(named - {hints.subscription_id.lower()}))
        raise FileRefused(f"{name}: its addresses name subscription {others[:200]}; import it with that one.")
    if not named:
        raise FileRefused(f"{name}: the file does not name its subscription; choose the subscription it is about.")
    return named.pop()


def urlsplit_path(text: str) -> list[str]:
    """The parts of an address' path; empty for what is no address."""
    try:
        return [part for part in urlsplit(text).path.split("/") if part]
    except ValueError:
        return []


def _known(hints: Hints) -> dict[tuple[str, str], str]:
    return {(kind, key): resource_id for (type_, key), resource_id in hints.known.items() for kind in _spelled(type_)}


def _spelled(lower: str) -> Iterable[str]:
    return [member for member in ResourceType if member.lower() == lower]


def _entries(item: Xml, ids: Ids, hints: Hints, seen: dict[str, str]) -> list[Entry]:
    name = _name(item)
    place = f"{item.name} {name}"[:200] if name else item.name
    if not name or "/" in name or not name.isprintable():
        said = f"is called {name[:80]!r}, which is no name in Azure" if name else "has no name"
        return [Entry(place=item.name, refused=f"The element {said}; save the answer unchanged.")]
    try:
        documents = _READERS[item.name](item, ids)
    except (ValueError, KeyError, IndexError) as error:  # an inner name that breaks an id
        return [Entry(place=place, name=name, refused=f"It cannot be read ({type(error).__name__}); save it again.")]
    if not documents:
        return [Entry(place=place, name=name, left_out="It lies in no storage account of the subscription.")]
    return [_entry(document, place, ids, hints, seen) for document in documents]


def _entry(document: Document, place: str, ids: Ids, hints: Hints, seen: dict[str, str]) -> Entry:
    inner, kind = str(document["name"])[:260], str(document["type"])
    where = place if document["id"].rsplit("/", 1)[-1] in place else f"{place}, {inner}"
    if type_in(document["id"]) != kind or "//" in document["id"]:
        return Entry(place=where, name=inner, refused="A name in it is empty or holds a slash; save it unchanged.")
    if wrong := wrong_id(document["id"], {ids.subscription}) or unstorable(document):
        return Entry(place=where, name=inner, refused=wrong)
    if (before := seen.setdefault(document["id"].lower(), where)) is not where:
        return Entry(
            place=where, name=inner, refused=f"It is in the file twice; it is also {before}. Keep one of them."
        )
    if hints.region and "location" not in document:
        document = {**document, "location": hints.region}
    inferred = (kind.lower(), inner.lower()) not in hints.known and kind in (
        ResourceType.NETWORK, ResourceType.STORAGE_ACCOUNT, ResourceType.RESERVED_ADDRESS,
        ResourceType.NETWORK_SECURITY_GROUP, ResourceType.ROUTE_TABLE,
    )  # fmt: skip
    return Entry(
        place=where,
        document={**document, "source": SOURCE},
        name=inner,
        notes=(INFERRED,) if inferred else (),
        partial=True,
    )


def _name(item: Xml) -> str:
    if item.name == "Deployment":
        return _service_of(item)
    return item.word(_NAMES.get(item.name, "Name"))


def _service_of(item: Xml) -> str:
    """The hosted service of a bare deployment: the first label of its address (`http://shop.cloudapp.net/`)."""
    try:
        return (urlsplit(item.word("Url")).hostname or "").partition(".")[0]
    except ValueError:
        return ""


def _hosted_service(item: Xml, ids: Ids) -> list[Document]:
    service = services.hosted_service(item, ids)
    deployments = item.items("Deployments", "Deployment")
    if deployments is None:
        return [service]
    found = [{**service, "read": ["slots"]}]  # embed-detail lists every deployment of the service
    for deployment in deployments:
        found += services.deployment(deployment, service, ids, _extensions(item))
    return found


def _extensions(item: Xml) -> list[Xml]:
    return item.items("Extensions", "Extension") or []


def _bare_deployment(item: Xml, ids: Ids) -> list[Document]:
    name = _service_of(item)
    service = services.document_of(ids.of(ResourceType.CLOUD_SERVICE, name, name), ResourceType.CLOUD_SERVICE, "", {})
    return [service, *services.deployment(item, service, ids)]


def _network(item: Xml, ids: Ids) -> list[Document]:
    return [networks.network(item, ids)]


def _one(build: Callable[[Xml, Ids], Document | None]) -> Callable[[Xml, Ids], list[Document]]:
    def made(item: Xml, ids: Ids) -> list[Document]:
        document = build(item, ids)
        return [] if document is None else [document]

    return made


def _vm_image(item: Xml, ids: Ids) -> Document | None:
    return services.image(item, ids, ResourceType.VM_IMAGE)


_READERS: Mapping[str, Callable[[Xml, Ids], list[Document]]] = {
    "HostedService": _hosted_service,
    "Deployment": _bare_deployment,
    "VirtualNetworkSite": _network,
    "StorageService": _one(services.storage_account),
    "Disk": _one(services.disk),
    "OSImage": _one(services.image),
    "VMImage": _one(_vm_image),
    "NetworkSecurityGroup": _one(networks.security_group),
    "ReservedIP": _one(networks.reserved_address),
    "RouteTable": _one(networks.route_table),
}
