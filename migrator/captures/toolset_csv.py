"""The CSV of AsmMetadataParser in Microsoft's field toolset → entries: one virtual machine a line.

Columns: the README of the toolset's AsmToArmMigrationApiToolset, Appendix B, and the header its program writes [S]. The
file names neither subscription nor network nor resource groups: a person names the first two, the groups are inferred
from how service management makes them [K]. The program lists machines of one network only; it leaves BGInfo out of the
extensions, and says the kind of the first data disk only. What a cell does not say stays unknown.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from migrator.captures.estate_json import wrong_id
from migrator.captures.text import unstorable
from migrator.captures.values import SOURCE, Contents, Entry, FileRefused, Hints, Kind, Limits
from migrator.gateway.protocol import SubscriptionInfo
from migrator.gateway.wire import clean
from migrator.gateway.wire.service_management import Ids, account_of
from migrator.resources import ResourceType

NEEDED = ("vmname", "csname")
# fmt: off
COLUMNS = (
    "vmname", "csname", "reservedip", "cscleanup", "availset", "mixedmodeas", "lbendpointname", "lbport", "lbvip",
    "lbtype", "size", "agent", "running", "status", "osdisktype", "datadisks", "datadiskstype", "os", "ip", "subnet",
    "secondarynics", "secondarysubnet", "mixedmodenics", "extensions", "osdiskname", "datadisknames",
    "osdiskstorageaccount", "newstorageaccount", "newsaresourcegroup", "osdiskvhd", "datadiskvhds", "endpoints",
)
# fmt: on
_ENDPOINT = ("set", "private", "public", "name", "protocol", "vip", "direct", "balancer", "kind")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_FORMULA = ("=", "+", "-", "@", "\t")
_STOPPED = ("stoppeddeallocated", "stoppedvm")
MOST_DISKS = 64
INFERRED = "Resource groups the inventory does not know are inferred from how service management makes them."

Cells = Mapping[str, str]


class _Wrong(ValueError):
    """What is wrong with one line."""


def read(text: str, name: str, limits: Limits, hints: Hints) -> Contents:
    """The contents of a toolset CSV. Raises FileRefused."""
    if not hints.subscription_id:
        raise FileRefused(f"{name}: a CSV does not name its subscription; choose the subscription it is about.")
    header, rows = _table(text, name, limits)
    notes = [
        f"{name}: the column {column[:60]!r} is none of the toolset's and was not read."
        for column in header
        if column not in COLUMNS and column
    ]
    if not hints.network:
        notes.append(f"{name}: no virtual network was named, so each machine's network stays unknown.")
    notes.append(f"{name}: it names no resource groups. {INFERRED}")
    ids = Ids(subscription=hints.subscription_id.lower())
    for (kind, lower), resource_id in hints.known.items():
        ids.known.update({(member, lower): resource_id for member in ResourceType if member.lower() == kind})
    entries = tuple(_lines(rows, header, name, limits, hints, ids))
    if not entries:
        raise FileRefused(f"{name}: a header and no line below it; nothing to import.")
    info = SubscriptionInfo(subscription_id=ids.subscription, display_name=ids.subscription, state="")
    return Contents(kind=Kind.CSV, entries=entries, subscriptions=(info,), notes=tuple(notes))


# The table


def _table(text: str, name: str, limits: Limits) -> tuple[list[str], "_Rows"]:
    lines = text.removeprefix("\ufeff").split("\n", 2)
    start = 0
    if lines[0].startswith(("#TYPE", '"#TYPE')):  # as Export-Csv writes above the header
        start = 1
    body = "\n".join(lines[start:])
    first = body.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = _Rows(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True), name, start)
    header = [cell.strip().lower() for cell in next(iter(rows), (0, []))[1]]
    if len(header) > limits.columns:
        raise FileRefused(f"{name}: {len(header):,} columns; at most {limits.columns} are read.")
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise FileRefused(
            f"{name}, line {start + 1}: no column {missing[0]!r}. This reads the CSV of AsmMetadataParser, which "
            f"begins with {', '.join(COLUMNS[:3])}."
        )
    if twice := sorted({column for column in header if column and header.count(column) > 1}):
        raise FileRefused(f"{name}, line {start + 1}: the column {twice[0][:60]!r} stands twice; keep one of them.")
    return header, rows


class _Rows:
    """(line number, cells), with the errors of the format as sentences."""

    def __init__(self, reader: Any, name: str, before: int) -> None:
        self.reader, self.name, self.before = reader, name, before

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line = self.reader.line_num + 1 + self.before
            try:
                cells = next(self.reader)
            except StopIteration:
                return
            except csv.Error as error:
                said = "a quote is never closed" if "end of data" in str(error) else str(error)
                raise FileRefused(f"{self.name}, line {line}: {said}. Correct the line.") from None
            yield line, cells


def _lines(rows: _Rows, header: list[str], name: str, limits: Limits, hints: Hints, ids: Ids) -> Iterator[Entry]:
    seen: dict[str, str] = {}
    services: set[str] = set()
    count = 0
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > limits.rows:
            raise FileRefused(f"{name}, line {line}: more than {limits.rows:,} lines; split the file.")
        place = f"line {line}"
        try:
            row = _cells(cells, header, limits)
            machine = _machine(row, ids, hints)
            if (before := seen.setdefault(machine["id"].lower(), place)) is not place:
                raise _Wrong(f"{row['vmname']} in {row['csname']} is also {before}; keep one of them.")
        except _Wrong as error:
            yield Entry(place=place, name=(cells[0] if cells else "")[:80], refused=str(error))
            continue
        service = row["csname"].lower()
        if service not in services:
            services.add(service)
            for document in _service(row, ids, hints):
                yield Entry(place=place, name=document["name"], document=_whole(document), partial=True)
        yield Entry(place=place, name=row["vmname"], document=_whole(machine), partial=True)


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    return {**clean(document), "source": SOURCE}


def _cells(cells: list[str], header: list[str], limits: Limits) -> dict[str, str]:
    if len(cells) != len(header):
        raise _Wrong(f"It has {len(cells)} cells where the header has {len(header)}; a comma too many or too few?")
    row = {}
    for column, cell in zip(header, cells, strict=True):
        if len(cell) > limits.cell:
            raise _Wrong(f"The cell {column!r} has {len(cell):,} characters; at most {limits.cell:,} are read.")
        if column in COLUMNS and cell.startswith(_FORMULA):
            raise _Wrong(
                f"The cell {column!r} begins with {cell[0]!r} like a formula; the toolset writes no such thing."
            )
        if unstorable(cell) or not cell.replace("\t", "").isprintable():
            raise _Wrong(f"The cell {column!r} holds control characters; correct it.")
        row[column] = cell.strip()
    for column, what in (("vmname", "virtual machine"), ("csname", "cloud service")):
        if not _NAME.fullmatch(row[column]):
            said = f"{row[column][:60]!r} is no name of a {what}" if row[column] else f"the {what} has no name"
            raise _Wrong(f"In the cell {column!r}: {said}.")
    return row


# Documents


def _group(resource_id: str) -> str:
    return resource_id.partition("/providers/")[0]


def _service_id(row: Cells, ids: Ids) -> str:
    return ids.of(ResourceType.CLOUD_SERVICE, row["csname"], row["csname"])


def _network(ids: Ids, hints: Hints) -> dict[str, str]:
    if not hints.network:
        return {}
    network_id = ids.of(ResourceType.NETWORK, hints.network)
    return {"id": network_id, "name": network_id.rsplit("/", 1)[-1]}


def _document(resource_id: str, kind: ResourceType, hints: Hints, properties: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1], "type": kind.value}
    if hints.region:
        document["location"] = hints.region
    return {**document, "properties": properties}


def _service(row: Cells, ids: Ids, hints: Hints) -> list[dict[str, Any]]:
    """The cloud service of a machine and its production deployment: the toolset asks for that slot only."""
    service_id = _service_id(row, ids)
    slot: dict[str, Any] = {"slotType": "VirtualMachine"}
    if hints.network:
        slot["virtualNetwork"] = _network(ids, hints)
    if row.get("reservedip"):
        slot["virtualIps"] = [{"address": row["reservedip"], "isReserved": True}]
    return [
        _document(service_id, ResourceType.CLOUD_SERVICE, hints, {}),
        _document(f"{service_id}/slots/Production", ResourceType.DEPLOYMENT, hints, slot),
    ]


def _machine(row: Cells, ids: Ids, hints: Hints) -> dict[str, Any]:
    service_id = _service_id(row, ids)
    place = f"{_group(service_id)}/providers/{ResourceType.VIRTUAL_MACHINE}/{row['vmname']}"
    if wrong := wrong_id(place, {ids.subscription}):
        raise _Wrong(wrong)
    hardware = _said(row, size="size")
    if "availset" in row:
        hardware["availabilitySetName"] = row["availset"] or None
    view: dict[str, Any] = _said(row, powerState="running", status="status", privateIpAddress="ip")
    if row.get("agent"):
        view["guestAgentStatus"] = {"status": row["agent"]}
    properties: dict[str, Any] = {
        "domainName": {"id": service_id, "name": row["csname"], "type": ResourceType.CLOUD_SERVICE.value},
        "hardwareProfile": hardware,
        "instanceView": view,
        "networkProfile": _network_profile(row, ids, hints),
        "storageProfile": _storage_profile(row, ids),
    }
    if "extensions" in row:
        listed = [one for one in row["extensions"].split("|") if one]
        properties["extensions"] = [{"referenceName": one} for one in listed]
    return _document(place, ResourceType.VIRTUAL_MACHINE, hints, properties)


def _said(row: Cells, **columns: str) -> dict[str, Any]:
    """The properties whose cells hold something."""
    return {name: row[column] for name, column in columns.items() if row.get(column)}


def _network_profile(row: Cells, ids: Ids, hints: Hints) -> dict[str, Any]:
    member: dict[str, Any] = _network(ids, hints)
    if row.get("subnet"):
        member["subnetNames"] = [row["subnet"]]
    profile: dict[str, Any] = {"virtualNetwork": member}
    if "endpoints" in row:
        profile["inputEndpoints"] = [_endpoint(one) for one in row["endpoints"].split(";") if one]
    if "secondarynics" in row:
        addresses = [one for one in row["secondarynics"].split("|") if one]
        if addresses or row.get("status", "").lower() not in _STOPPED:  # a deallocated machine shows no interfaces
            subnet = row.get("secondarysubnet")
            profile["networkInterfaces"] = [
                {"privateIpAddress": one, **({"subnetName": subnet} if subnet else {})} for one in addresses
            ]
    return profile


def _endpoint(text: str) -> dict[str, Any]:
    parts = text.split("|")
    if len(parts) != len(_ENDPOINT):
        raise _Wrong(f"In the cell 'endpoints': {text[:80]!r} has {len(parts)} parts where the toolset writes 9.")
    said = dict(zip(_ENDPOINT, parts, strict=True))
    return {
        "endpointName": said["name"],
        "protocol": said["protocol"],
        "publicPort": _number(said["public"], "endpoints", 65_535),
        "privatePort": _number(said["private"], "endpoints", 65_535),
        "loadBalancedEndpointSetName": said["set"] or None,
        "enableDirectServerReturn": said["direct"].lower() == "true",
        **({"publicIpAddress": said["vip"]} if said["vip"] else {}),
    }


def _number(text: str, column: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= most):
        raise _Wrong(f"In the cell {column!r}: {text[:40]!r} is no whole number from 0 to {most:,}.")
    return int(text)


def _storage_profile(row: Cells, ids: Ids) -> dict[str, Any]:
    system = _said(row, diskName="osdiskname", ioType="osdisktype", operatingSystem="os", vhdUri="osdiskvhd")
    if row.get("osdiskstorageaccount"):
        system["storageAccount"] = _account(row["osdiskstorageaccount"], ids)
    profile: dict[str, Any] = {"operatingSystemDisk": system} if system else {}
    names = [one for one in row.get("datadisknames", "").split("|") if one]
    links = [one for one in row.get("datadiskvhds", "").split("|") if one]
    count = _number(row.get("datadisks") or str(len(names)), "datadisks", MOST_DISKS)
    if "datadisknames" in row and count != len(names):
        raise _Wrong(f"The cell 'datadisks' says {count}, but 'datadisknames' names {len(names)}.")
    if links and len(links) != len(names):
        raise _Wrong(f"'datadisknames' names {len(names)} disks and 'datadiskvhds' {len(links)}.")
    if "datadisknames" in row or row.get("datadisks") == "0":
        disks: list[dict[str, Any]] = [{"diskName": one} for one in names]
        for disk, link in zip(disks, links, strict=False):
            disk["vhdUri"] = link
            if account := account_of(link):
                disk["storageAccount"] = _account(account, ids)
        if disks and row.get("datadiskstype"):
            disks[0]["ioType"] = row["datadiskstype"]
        profile["dataDisks"] = disks
    return profile


def _account(name: str, ids: Ids) -> dict[str, str]:
    if not _NAME.fullmatch(name):
        raise _Wrong(f"{name[:60]!r} is no name of a storage account.")
    return {"id": ids.of(ResourceType.STORAGE_ACCOUNT, name), "name": name}
