"""What should be found after Prepare, and what differs from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from migrator.counterparts import Counterparts, group_names
from migrator.resources import (
    UNKNOWN,
    CloudService,
    Deployment,
    Disk,
    Network,
    NetworkSecurityGroup,
    ReservedAddress,
    Resource,
    ResourceType,
    RouteTable,
    Setting,
    StorageAccount,
    VirtualMachine,
    known,
    resource_group_of,
    resource_type,
)
from migrator.translation import deployments, machines, others, sources
from migrator.translation.checks import Check, Sides, free, judged, surprise
from migrator.translation.values import Difference, Expected, Kind

Document = Mapping[str, Any]

# What the platform makes beside what it migrates, in the group of a cloud service or of a network (azure.md 4.1, 4.2).
_BESIDE_SERVICE = frozenset({"microsoft.network/loadbalancers", "microsoft.keyvault/vaults"})
_BESIDE_LOOSE_MACHINES = frozenset({"microsoft.network/virtualnetworks"})
_BESIDE_GATEWAY = frozenset({"microsoft.network/localnetworkgateways", "microsoft.network/connections"})
_LOCK = "microsoft.authorization/locks"  # the platform's own lock, whose name may be wrong (azure.md 2.9 [D] cs-err)


def new_id(classic_id: str, arm_documents: Iterable[Document], before: Iterable[Resource] = ()) -> str | None:
    """The Resource Manager id that took the place of a classic one, as written in the documents of the `-migrated`
    groups; None when none of them is it or nothing tells two apart. `before`: what was read before Prepare; with it
    namesakes, portal-made networks, reserved addresses and cloud services of machines are told apart. For many ids
    build one `migrator.counterparts.Counterparts`."""
    return Counterparts(before, arm_documents).new_id(classic_id)


def resource_group_candidates(unit_id: str, members: Iterable[str] = ()) -> tuple[str, ...]:
    """Names, lower case, of the groups in which the counterparts of a unit and its members may be (azure.md 2.8):
    `{cs}-migrated`, `{network}-migrated` or `group-{rg}-{network}-migrated`, `{account}-migrated`. Compare the names of
    existing groups with them without regard to case; nothing here says that a group exists."""
    names = [name for resource_id in (unit_id, *members) for name in group_names(resource_id)]
    return tuple(dict.fromkeys(names))


def expected(before: Sequence[Resource]) -> list[Expected]:
    """The rows that should be found after Prepare. `before`: the unit and its members as read before Prepare
    (`migrator.gateway.wire.resources` of their snapshots)."""
    sides = Sides(_values(before), ())
    return [check.expected for check in _checks(sides)]


def compare(before: Sequence[Resource], found: Sequence[Document], *, subnet: str = "") -> list[Difference]:
    """Every row of `expected` beside what was found, and what was found though nobody expected it.

    `before`: values of `migrator.gateway.wire.resources`, the unit and all its members (cloud services with
    certificates, deployments, machines, networks, storage, and the settings captured). `found`: the documents of the
    `-migrated` groups as `AzureGateway.observe` gave them (`Observed.arm_documents`). Of a resource without any
    counterpart only that is said, not every field of it. `subnet`: id of the existing subnet that was asked for, for
    machines in no network. Raises TypeError for raw documents in `before`.
    """
    sides = Sides(_values(before), tuple(found), subnet)
    checks = list(_checks(sides))
    missing = {
        check.expected.classic_key
        for check in checks
        if check.expected.field == "resource" and check.seen is None and check.expected.kind is not Kind.DROPPED
    }
    absent = {(c.expected.classic_key, c.expected.field) for c in checks if c.seen is None}
    rows = [
        judged(check)
        for check in checks
        if not (check.of and (check.expected.classic_key, check.of) in absent)
        and (
            not _within(check.expected.classic_key, missing)
            or check.expected.field == "resource"
            or (check.expected.kind is Kind.DROPPED and check.seen is None)
        )
    ]
    return rows + [judged(check) for check in _left_over(sides, checks)] + _unreadable(found)


def _values(before: Sequence[Resource]) -> tuple[Resource, ...]:
    for item in before:
        if not isinstance(item, Resource):
            raise TypeError(
                f"before holds a {type(item).__name__}: read documents with migrator.gateway.wire.resources first."
            )
    return tuple({item.key: item for item in before}.values())


def _within(key: str, others: set[str]) -> bool:
    """Whether the key is one of the others or of something below one."""
    while key:
        if key in others:
            return True
        key = key.rpartition("/")[0]
    return False


def _checks(sides: Sides) -> Iterator[Check]:
    for resource in sides.before:
        yield from _of(resource, sides)


def _of(resource: Resource, sides: Sides) -> Iterator[Check]:
    match resource:
        case CloudService():
            yield from deployments.cloud_service(resource, sides)
        case Deployment():
            yield from deployments.deployment(resource, sides)
        case VirtualMachine():
            yield from machines.machine(resource, sides)
        case Network():
            yield from others.network(resource, sides)
        case NetworkSecurityGroup() | RouteTable():
            yield from others.cloned(resource, sides)
        case ReservedAddress():
            yield from others.reserved_address(resource, sides)
        case StorageAccount():
            yield from others.storage_account(resource, sides)
        case Disk():
            yield from others.disk(resource, sides)
        case Setting():
            yield from others.setting(resource, sides)
        case _:
            pass  # roles and gateways are rows of their parents; peerings block before; the rest does not migrate


# What nobody asked for


def _left_over(sides: Sides, checks: list[Check]) -> Iterator[Check]:
    """Documents no row explains: what the platform is documented to make beside the rest, and true surprises."""
    claimed = {check.arm_key for check in checks if check.seen is not None}
    claimed |= {claim for check in checks for claim in check.claims}
    claimed.discard("")
    # A machine service's row names its group; a group explains nothing that is in it.
    claimed = {key for key in claimed if key.count("/") > 4}
    for key, document in sides.counterparts.documents.items():
        if _within(key, claimed):
            continue
        kind = _kind(key)
        owner = _beside(key, kind, sides)
        if owner is not None:
            yield free(owner, document["id"], kind, None, document["id"], sources.COMPANION)
        else:
            yield surprise("", document["id"], "resource", document["id"])


def _unreadable(found: Sequence[Document]) -> list[Difference]:
    """Documents that are none: what was in them is not known."""
    wrong = [d for d in found if not isinstance(d, Mapping) or not isinstance(d.get("id"), str)]
    return [
        Difference(
            classic_key="",
            arm_key="",
            field="document",
            before=None,
            after=UNKNOWN,
            kind=Kind.UNREAD,
            why="A document without an id was found; nobody can say what it is (azure.md 1.3).",
        )
        for _ in wrong
    ]


def _kind(key: str) -> str:
    parts = key.split("/providers/", 1)[1].split("/")
    return resource_type("/".join([parts[0], *parts[1::2]])).lower()


def _beside(key: str, kind: str, sides: Sides) -> Resource | None:
    """The classic resource which explains a document the platform made on the side."""
    group = resource_group_of(key)
    for resource in sides.before:
        if isinstance(resource, Deployment) and group in group_names(resource.cloud_service_id):
            if kind in _BESIDE_SERVICE or kind == _LOCK:
                return resource
        elif isinstance(resource, VirtualMachine) and known(resource.cloud_service_id):
            if group in group_names(str(resource.cloud_service_id)) and (
                kind in _BESIDE_SERVICE
                or kind == _LOCK
                or (kind in _BESIDE_LOOSE_MACHINES and resource.virtual_network_id is None)
            ):
                return resource
        elif isinstance(resource, Network) and group in group_names(resource.id):
            held = known(resource.gateways) and bool(resource.gateways)
            if kind == _LOCK or (held and kind in _BESIDE_GATEWAY):
                return resource
        elif resource.type == ResourceType.STORAGE_ACCOUNT and group in group_names(resource.id) and kind == _LOCK:
            return resource
    return None
