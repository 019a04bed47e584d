"""A deployment as service management tells it: its roles, its instances with their sizes, its addresses (azure.md 1.4).

What a document leaves out is left out here, too. Facts no document holds but which only decorate (names of
instances, their domains and private addresses) follow from the names [I].
"""

import ipaddress
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from xml.etree.ElementTree import Element

from migrator.simulator import scope as scopes
from migrator.simulator.cscfg import configuration, instances
from migrator.simulator.scope import properties
from migrator.simulator.service_management import machines, names, xml
from migrator.simulator.store import Document, Store


def deployment(store: Store, home: Document, slot: Document) -> Element:
    """`Deployment`, of web and worker roles or of virtual machines."""
    facts, web = properties(slot), scopes.is_web(slot)
    network = store.get(scopes.network_of(slot)) if scopes.network_of(slot) else None
    hosts = machines.of_service(store, home) if not web else []
    if network is None:
        network = next((n for m in hosts if scopes.network_of(m) and (n := store.get(scopes.network_of(m)))), None)
    upgrade = facts.get("upgradeStatus")
    if web:
        roles = store.children(slot["id"], scopes.ROLE)
        running = xml.some("RoleInstanceList", _instances(store, slot, roles, network))
        listed = xml.some("RoleList", (_role(slot, role) for role in roles))
    else:
        running = xml.some("RoleInstanceList", (machines.instance(machine) for machine in hosts))
        listed = xml.some("RoleList", (machines.role(store, machine) for machine in hosts))
    return xml.node(
        "Deployment",
        ("Name", names.deployment(home, slot)),
        ("DeploymentSlot", slot["name"]),
        ("PrivateID", facts.get("deploymentId")),
        ("Status", facts.get("status") or facts.get("state")),
        ("Label", xml.packed(facts.get("deploymentLabel"))),
        ("Url", facts.get("uri")),
        ("Configuration", xml.packed(facts.get("configuration") or None)),
        running,
        _upgrade(upgrade) if isinstance(upgrade, Mapping) else None,
        ("UpgradeDomainCount", facts.get("upgradeDomainCount")),
        listed,
        ("SdkVersion", facts.get("sdkVersion")),
        ("Locked", facts.get("locked")),
        ("RollbackAllowed", facts.get("rollbackAllowed")),
        ("VirtualNetworkName", names.site(network) if network else None),
        ("CreatedTime", facts.get("createdTime")),
        ("LastModifiedTime", facts.get("lastModifiedTime")),
        _addresses(facts),
        _extensions(store, slot) if web else None,
    )


def _upgrade(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "UpgradeStatus",
        ("UpgradeType", facts.get("upgradeType")),
        ("CurrentUpgradeDomainState", facts.get("currentUpgradeDomainState")),
        ("CurrentUpgradeDomain", facts.get("currentUpgradeDomain")),
    )


def _addresses(facts: Document) -> Element | None:
    listed = facts.get("virtualIps")
    if listed is None:
        return None
    return xml.listed(
        "VirtualIPs",
        (
            xml.node(
                "VirtualIP",
                ("Address", vip.get("address")),
                ("IsDnsProgrammed", vip.get("isDnsProgrammed")),
                ("Name", vip.get("name")),
                ("ReservedIPName", vip.get("reservedIpName")),
            )
            for vip in listed
        ),
    )


# Web and worker roles


def _instances(store: Store, slot: Document, roles: list[Document], network: Document | None) -> Iterator[Element]:
    """`RoleInstance` for each instance. Where neither role nor configuration gives a count, there are none to list."""
    status = str(properties(slot).get("status") or properties(slot).get("state") or "")
    for role in roles:
        facts = properties(role)
        for number in range(instances(slot, role)):
            name = f"{role['name']}_IN_{number}"
            yield xml.node(
                "RoleInstance",
                ("RoleName", role["name"]),
                ("InstanceName", name),
                ("InstanceStatus", {"Running": "ReadyRole", "Suspended": "StoppedVM"}.get(status)),
                ("InstanceUpgradeDomain", number % 5),
                ("InstanceFaultDomain", number % 2),
                ("InstanceSize", facts.get("instanceSize")),
                ("IpAddress", _private(slot, role, number, network)),
                xml.some(
                    "InstanceEndpoints", (machines.instance_endpoint(e) for e in facts.get("inputEndpoints") or ())
                ),
                ("PowerState", {"Running": "Started", "Suspended": "Stopped"}.get(status)),
                ("HostName", "RD" + sha256(f"{slot['id']}/{name}".lower().encode()).hexdigest()[:12].upper()),
            )


def _private(slot: Document, role: Document, number: int, network: Document | None) -> str | None:
    """An address in the role's subnet; none when the network or the subnet is not known."""
    read = configuration(slot)
    wanted = next(iter(read.subnets.get(str(role["name"]).lower(), ())), "") if read else ""
    for subnet in properties(network).get("subnets") or ():
        if str(subnet.get("name", "")).lower() == wanted.lower() != "":
            try:
                room = ipaddress.ip_network(str(subnet.get("addressPrefix")))
            except ValueError:
                return None
            start = sha256(str(role["id"]).lower().encode()).digest()[0]
            return str(room[4 + (start + number) % max(1, room.num_addresses - 5)]) if room.num_addresses > 8 else None
    return None


def _role(slot: Document, role: Document) -> Element:
    """`Role` of a web or worker role: no RoleType, and its size stands with its instances [S]."""
    facts, read = properties(role), configuration(slot)
    subnets = read.subnets.get(str(role["name"]).lower(), []) if read else []
    return xml.node(
        "Role",
        ("RoleName", role["name"]),
        ("OsVersion", facts.get("osVersion")),
        xml.listed(
            "ConfigurationSets",
            [
                xml.node(
                    "ConfigurationSet",
                    ("ConfigurationSetType", "NetworkConfiguration"),
                    xml.some("InputEndpoints", (machines.endpoint(e) for e in facts.get("inputEndpoints") or ())),
                    xml.some("SubnetNames", (xml.text("SubnetName", subnet) for subnet in subnets)),
                )
            ],
        ),
    )


def _extensions(store: Store, slot: Document) -> Element | None:
    """`ExtensionConfiguration`: which extension is on for which role."""
    rows = []
    for role in store.children(slot["id"], scopes.ROLE):
        references = store.children(role["id"], scopes.EXTENSION)
        if not references:
            continue
        listed = (
            xml.node(
                "Extension",
                ("Id", properties(r).get("name") or r["name"]),
                ("State", properties(r).get("state")),
            )
            for r in references
        )
        rows.append(xml.node("Role", ("RoleName", role["name"]), xml.listed("Extensions", listed)))
    return xml.node("ExtensionConfiguration", xml.listed("NamedRoles", rows)) if rows else None
