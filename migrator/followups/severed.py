"""What was cut off before the move, or goes on naming what the move takes away: peerings, gateways, endpoints of
Traffic Manager, backups, classic administrators. From their documents to the bases of follow-ups (azure.md 6.5–6.8).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from migrator.counterparts import PUBLIC_ADDRESSES, Counterparts, Id
from migrator.followups import work
from migrator.followups.values import Kept, Kind
from migrator.resources import Deployment, ResourceType, Slot, known, resource_type, subscription_of

Document = Mapping[str, Any]
Basis = dict[str, Any]

NEW_PEERING: Final = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
_PEERINGS: Final = frozenset({ResourceType.PEERING.value, ResourceType.PEERING_PROXY.value, NEW_PEERING})
_CLIENTS: Final = frozenset({ResourceType.CLIENT_ROOT_CERTIFICATE.value, ResourceType.CLIENT_REVOKED_CERTIFICATE.value})
TYPES: Final = (
    _PEERINGS
    | _CLIENTS
    | {
        ResourceType.GATEWAY.value,
        ResourceType.TRAFFIC_MANAGER_PROFILE.value,
        ResourceType.BACKUP_ITEM.value,
        ResourceType.REPLICATION_ITEM.value,
        ResourceType.CLASSIC_ADMINISTRATOR.value,
    }
)
LAST_SEEN: Final = "lastSeen"  # in a captured document: the day it was last read, and nobody's fix removed it


class Sorter(Protocol):
    unit_id: str
    counterparts: Counterparts
    kept: list[Kept]

    def basis(self, kind: Kind, document: Document) -> Basis: ...


def type_of(document: Document) -> str:
    """The type of a document, in the spelling of this module."""
    said = str(document.get("type") or "")
    return NEW_PEERING if said.lower() == NEW_PEERING.lower() else resource_type(said)


def owed(sorter: Sorter, documents: Iterable[Document]) -> list[Basis]:
    """Gateways first: a peering may use one."""
    listed = [(type_of(document), document) for document in documents]
    by_type: dict[str, list[Document]] = {}
    for kind, document in listed:
        by_type.setdefault(kind, []).append(document)
    bases = list(_gateways(sorter, by_type.get(ResourceType.GATEWAY, []), _of(by_type, _CLIENTS)))
    bases += _peerings(sorter, _of(by_type, _PEERINGS))
    for profile in by_type.get(ResourceType.TRAFFIC_MANAGER_PROFILE, []):
        bases += _endpoints(sorter, profile)
    for item in by_type.get(ResourceType.BACKUP_ITEM, []):
        bases += _backup(sorter, item)
    for item in by_type.get(ResourceType.REPLICATION_ITEM, []):
        bases += _replication(sorter, item)
    for administrator in by_type.get(ResourceType.CLASSIC_ADMINISTRATOR, []):
        # Owed once per subscription, whichever unit is committed first: the key does not name the unit.
        unit = f"/subscriptions/{subscription_of(sorter.unit_id)}"
        bases.append(sorter.basis(Kind.ADMINISTRATOR, administrator) | {"unit": unit})
    return bases


def _of(by_type: Mapping[str, list[Document]], kinds: frozenset[str]) -> list[Document]:
    return [document for kind in sorted(kinds) for document in by_type.get(kind, ())]


# Gateways


def _gateways(sorter: Sorter, gateways: Iterable[Document], clients: Iterable[Document]) -> Iterator[Basis]:
    certificates = list(clients)
    prefixes = [str(client.get("id", "")).lower() for client in certificates]
    for certificate in certificates:
        sorter.kept.append(_kept(certificate, "It belongs to its gateway; the follow-up of that says what to do."))
    for gateway in gateways:
        key = str(gateway.get("id", "")).rstrip("/")
        network = key.rsplit("/", 2)[0]
        basis = sorter.basis(Kind.GATEWAY, gateway) | {
            "network": network,
            "clients": sum(prefix.startswith(key.lower() + "/") for prefix in prefixes),
            "doubt": doubt(gateway),
        }
        _name(sorter, basis, network)
        yield basis
        if str(_facts(gateway).get("gatewayType") or "").lower() != "expressroute":
            yield work.basis("vpn-device", sorter.unit_id, network.rsplit("/", 1)[-1], key)


def doubt(document: Document) -> str:
    """What to tell of something that went away by nobody's fix."""
    day = document.get(LAST_SEEN)
    return (
        f"It was last read on {day}, and no fix of this product removed it: if nobody misses it, leave this undone."
        if day
        else ""
    )


def _name(sorter: Sorter, basis: Basis, classic_id: str) -> None:
    """Put the counterpart of an id into a basis; an id of the unit without one is asked for, and may not stay."""
    key = classic_id.rstrip("/").lower()
    new = sorter.counterparts.new_id(classic_id)
    if new:
        basis["ids"][key] = new
        document = sorter.counterparts.document(new)
        if isinstance(document.get("location"), str):
            basis["locations"][new.lower()] = document["location"]
    if key in sorter.counterparts.before:
        basis["gone"] = sorted({*basis["gone"], key})


# Peerings


def _peerings(sorter: Sorter, documents: Iterable[Document]) -> Iterator[Basis]:
    """One basis for both sides of a pair. Of a pair's documents the switches of each side are used, and a proxy only
    for who the other one is."""
    pairs: dict[tuple[str, str], dict[str, Document]] = {}
    spelled: dict[str, str] = {}
    for document in documents:
        network = str(document.get("id", "")).rstrip("/").rsplit("/", 2)[0]
        remote = _facts(document).get("remoteVirtualNetwork")
        far = remote.get("id") if isinstance(remote, Mapping) else None
        if not isinstance(far, str) or not far.startswith("/"):
            sorter.kept.append(_kept(document, "It does not say which network it goes to."))
            continue
        for text in (network, far):
            spelled.setdefault(text.rstrip("/").lower(), text.rstrip("/"))
        ours = [key for key in (network.lower(), far.rstrip("/").lower()) if key in sorter.counterparts.before]
        if not ours:
            sorter.kept.append(_kept(document, "Neither of its networks is of this unit."))
            continue
        other = far.rstrip("/").lower() if ours[0] == network.lower() else network.lower()
        sides = pairs.setdefault((ours[0], other), {})
        side = "near" if ours[0] == network.lower() else "far"
        sides["any"] = sides.get("any", document)
        if type_of(document) != ResourceType.PEERING_PROXY:
            sides[side] = document
    for (network, remote), sides in sorted(pairs.items()):
        first = sides.get("near") or sides.get("far") or sides["any"]
        basis = sorter.basis(Kind.PEERING, first) | {
            "network": spelled[network],
            "remote": spelled[remote],
            "near": sides.get("near"),
            "far": sides.get("far"),
            "target": remote,
            "doubt": doubt(first),
        }
        _name(sorter, basis, spelled[network])
        _name(sorter, basis, spelled[remote])
        yield basis


# What goes on naming the classic thing


def _endpoints(sorter: Sorter, profile: Document) -> Iterator[Basis]:
    rows = _facts(profile).get("endpoints")
    found = False
    for row in rows if isinstance(rows, list) else ():
        target = _facts(row).get("targetResourceId") if isinstance(row, Mapping) else None
        if not isinstance(target, str) or target.rstrip("/").lower() not in _services(sorter):
            continue
        found = True
        address = _public_address(sorter, target.rstrip("/"))
        basis = sorter.basis(Kind.TRAFFIC_MANAGER, {key: profile[key] for key in ("id", "name", "type")})
        yield basis | {"endpoint": row, "address": address, "target": str(row.get("name") or "")}
    if not found:
        sorter.kept.append(_kept(profile, "None of its endpoints names a cloud service of this unit."))


def _services(sorter: Sorter) -> set[str]:
    """Cloud services of the unit: members themselves, or those whose deployments are."""
    found = set()
    for key, resource in sorter.counterparts.before.items():
        if resource.type == ResourceType.CLOUD_SERVICE:
            found.add(key)
        elif isinstance(resource, Deployment):
            found.add(resource.cloud_service_id.lower())
    return found


def _public_address(sorter: Sorter, service: str) -> str:
    """The public IP in the place of a cloud service: found by the address it kept; "" when none or several fit."""
    new = sorter.counterparts.new_id(service)
    parsed = Id.parse(new) if new else None
    if new and parsed and parsed.type.lower() == PUBLIC_ADDRESSES:
        return new
    found: dict[str, str] = {}
    for resource in sorter.counterparts.before.values():
        if not isinstance(resource, Deployment) or resource.cloud_service_id.lower() != service.lower():
            continue
        if resource.slot is Slot.STAGING or not known(resource.virtual_ips):
            continue
        for virtual in resource.virtual_ips:
            document = (
                sorter.counterparts.with_address(subscription_of(service), str(virtual.address))
                if known(virtual.address)
                else None
            )
            if document is not None:
                found[str(document["id"]).lower()] = str(document["id"])
    return next(iter(found.values())) if len(found) == 1 else ""


def _backup(sorter: Sorter, item: Document) -> Iterator[Basis]:
    machine = _machine(sorter, item, ("sourceResourceId", "virtualMachineId"))
    if machine:
        basis = sorter.basis(Kind.BACKUP, item) | {"machine": machine}
        _name(sorter, basis, machine)
        yield basis


def _replication(sorter: Sorter, item: Document) -> Iterator[Basis]:
    """Replication is made anew by people: where to, into which network, with which disks (azure.md 6.8)."""
    machine = _machine(sorter, item, ("fabricObjectId",))
    if machine:
        yield work.basis("recovery", sorter.unit_id, machine.rsplit("/", 1)[-1], machine)


def _machine(sorter: Sorter, item: Document, names: tuple[str, ...]) -> str:
    """The machine of the unit which a protected item is of; "" when it is none."""
    properties = _facts(item)
    inner = properties.get("providerSpecificDetails")
    for facts in (properties, inner if isinstance(inner, Mapping) else {}):
        for name in names:
            told = facts.get(name)
            if isinstance(told, str) and told.rstrip("/").lower() in sorter.counterparts.before:
                return told.rstrip("/")
    sorter.kept.append(_kept(item, "The machine it protects is not of this unit."))
    return ""


def _facts(document: Document) -> Mapping[str, Any]:
    found = document.get("properties")
    return found if isinstance(found, Mapping) else {}


def _kept(document: Document, why: str) -> Kept:
    return Kept(captured_id=str(document.get("id", "")), why=why)
