"""Fixes of virtual networks and of machines in them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrator.fixes.making import I_DELETE, XML_EXTENSIONS, Documents, are, counted, deletion, gone, name_of, there
from migrator.fixes.values import NoFix, Plan
from migrator.resources import (
    Dependent,
    Estate,
    Extension,
    Network,
    Peering,
    Resource,
    ResourceType,
    VirtualMachine,
    known,
)


def delete_peerings(rule_id: str, about: Resource, estate: Estate, documents: Documents) -> Plan | NoFix:
    """Both sides: the network's own peerings, those classic networks have with it, and those of Resource Manager
    networks, which keep theirs inside their own document."""
    if not isinstance(about, Network) or not known(about.peerings):
        return NoFix(why="It is not known which peerings the network has; sync, and look again.")
    classic: dict[str, Peering] = {one.key: one for one in about.peerings}  # type: ignore[union-attr]
    for one in estate.all(Peering):
        if known(one.remote_network_id) and str(one.remote_network_id).lower() == about.key:
            classic[one.key] = one
    proxies = [one for one in classic.values() if one.type == ResourceType.PEERING_PROXY]
    own = [one for one in classic.values() if one.type != ResourceType.PEERING_PROXY]
    far = _peerings_of_resource_manager(about, estate, documents)
    if not own and not far:
        return NoFix(why="The other side of the peering is not in what this product may read; delete it there.")
    steps = [
        deletion(one, f"peering {one.name} of {name_of(one.network_id)}", there(about, f"{about.name} is there."))
        for one in own
    ]
    steps += [
        deletion(peering_id, f"peering {name_of(peering_id)} of {peering_id.rsplit('/', 3)[-3]}", mark="")
        for peering_id in far
    ]
    for one in proxies:  # what the other side's deletion takes away by itself
        last = steps[-1]
        after = (*last.after, gone(one, f"What {about.name} knew of the other side is gone."))
        steps[-1] = replace(last, after=after, removes=(*last.removes, one.id))
    partners = sorted({name_of(p.network_id) for p in own if p.network_id.lower() != about.key})
    partners += sorted({name_of(str(p.remote_network_id)) for p in own if p.network_id.lower() == about.key})
    partners += sorted({one.rsplit("/", 3)[-3] for one in far})
    names = ", ".join(dict.fromkeys(partners))
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Delete the peerings of {about.name}",
        does=(
            f"{counted(len(steps), 'peering')} between {about.name} and {names} {are(steps)} deleted, on both sides.",
        ),
        loses=("The peerings with their switches (forwarded traffic, gateway transit); their documents are kept.",),
        final=("Nothing: a peering can be made again, also before the move.",),
        cut_off=(f"Everything that talks between {about.name} and {names}, from now until it is peered again.",),
        again=(f"Make the peering with {names} anew on both sides, and see it Connected.",),
        sources=("cs-td", "vm-ov", "rbac-ops: virtualNetworkPeerings/delete"),
        steps=tuple(steps),
    )


def _peerings_of_resource_manager(about: Resource, estate: Estate, documents: Documents) -> list[str]:
    found = []
    for one in estate.all(Dependent):
        if one.type.lower() != "microsoft.network/virtualnetworks" or about.key not in one.network_ids:
            continue
        listed = (documents.get(one.key, {}).get("properties") or {}).get("virtualNetworkPeerings")
        for row in listed if isinstance(listed, list) else ():
            remote = ((row.get("properties") or {}).get("remoteVirtualNetwork") or {}).get("id", "")
            if str(remote).lower() == about.key and row.get("name"):
                found.append(str(row.get("id") or f"{one.id}/virtualNetworkPeerings/{row['name']}"))
    return found


def extensions(rule_id: str, about: Resource, _estate: Estate, documents: Documents) -> Plan | NoFix:
    backup = rule_id == "VM-BACKUP-EXT"
    wanted = _of_backup if backup else _of_xml
    if not isinstance(about, VirtualMachine) or not known(about.extensions):
        return NoFix(why="It is not known which extensions the machine has; sync, and look again.")
    found = [one for one in about.extensions if wanted(one)]  # type: ignore[union-attr]
    if not found:
        return NoFix(why="Which extension it is could not be told; sync, and look again.")
    references = _references(documents.get(about.key, {}))
    steps = []
    for one in found:
        path = f"{about.id}/extensions/{references.get(one.name.lower(), one.name)}"
        steps.append(deletion(path, f"extension {one.name} of {about.name}", mark=I_DELETE))
    names = ", ".join(one.name for one in found)
    first = (
        "Stop the backup of this machine in its vault first, keeping the data: this fix does not, and while backup is "
        "on the extension comes back.",
    )
    return Plan(
        rule_id=rule_id,
        resource_key=about.key,
        title=f"Take {names} off {about.name}",
        does=(f"The extension {names} is uninstalled from {about.name}. The machine keeps running.", *first[:backup]),
        loses=("The settings of the extension; what Azure shows of them is kept.",),
        final=("Protected settings cannot be read, and have to be given again where it is installed anew.",),
        cut_off=(("No new recovery point of this machine is made until it is protected again.",) if backup else ()),
        again=(
            ("Protect the new machine; the old recovery points stay in the vault.",)
            if backup
            else (f"Install an extension of the new kind in place of {names}, where it is needed.",)
        ),
        sources=("vm-ov", "rbac-ops: virtualMachines/extensions"),
        steps=tuple(steps),
    )


def _of_backup(one: Extension) -> bool:
    return "vmsnapshot" in f"{one.name} {one.type if known(one.type) else ''}".lower()


def _of_xml(one: Extension) -> bool:
    """As the rule looks for them (azure.md 3.4): by name; BGInfo in its versions 1.* only."""
    name = f"{one.name} {one.type if known(one.type) else ''}".lower()
    name = name.replace(" ", "").replace("-", "").replace("_", "")
    if "bginfo" in name:
        return known(one.version) and str(one.version).startswith("1")
    return any(each in name for each in XML_EXTENSIONS)


def _references(document: Mapping[str, Any]) -> dict[str, str]:
    """referenceName by the extension's lower-case name: what a request addresses it by [I]."""
    listed = (document.get("properties") or {}).get("extensions")
    rows = listed if isinstance(listed, list) else []
    return {
        str(row.get("extension")).lower(): str(row["referenceName"])
        for row in rows
        if isinstance(row, Mapping) and row.get("referenceName")
    }
