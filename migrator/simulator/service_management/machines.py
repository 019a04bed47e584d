"""Virtual machines as roles of their deployment: `Role` (PersistentVMRole) and its `RoleInstance` (azure.md 1.4)."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from migrator.simulator import scope as scopes
from migrator.simulator.scope import properties
from migrator.simulator.service_management import xml
from migrator.simulator.store import Document, Store, subscription_in


def of_service(store: Store, home: Document) -> list[Document]:
    """The virtual machines of a hosted service."""
    machines = store.grouped(subscription_in(home["id"]), scopes.MACHINE, scopes.service_of)
    return machines.get(str(home["id"]).lower(), [])


def instance(machine: Document) -> Element:
    """`RoleInstance` of a machine."""
    facts = properties(machine)
    view, profile = facts.get("instanceView") or {}, facts.get("networkProfile") or {}
    agent = view.get("guestAgentStatus")
    return xml.node(
        "RoleInstance",
        ("RoleName", machine["name"]),
        ("InstanceName", machine["name"]),
        ("InstanceStatus", view.get("status")),
        ("InstanceUpgradeDomain", view.get("updateDomain")),
        ("InstanceFaultDomain", view.get("faultDomain")),
        ("InstanceSize", (facts.get("hardwareProfile") or {}).get("size")),
        ("IpAddress", view.get("privateIpAddress")),
        xml.some("InstanceEndpoints", (instance_endpoint(e) for e in profile.get("inputEndpoints") or ())),
        _agent(agent) if isinstance(agent, Mapping) else None,
        xml.some("ResourceExtensionStatusList", (_extension_status(x) for x in facts.get("extensions") or ())),
        ("PowerState", view.get("powerState")),
        ("HostName", view.get("computerName")),
        xml.some(
            "NetworkInterfaces",
            (_interface(nic, "Address", nic.get("address")) for nic in profile.get("networkInterfaces") or ()),
        ),
    )


def instance_endpoint(facts: Mapping[str, Any]) -> Element:
    """`InstanceEndpoint` of a machine or of a role instance."""
    return xml.node(
        "InstanceEndpoint",
        ("Name", facts.get("endpointName")),
        ("Vip", facts.get("publicIpAddress")),
        ("PublicPort", facts.get("publicPort")),
        ("LocalPort", facts.get("privatePort")),
        ("Protocol", facts.get("protocol")),
    )


def _agent(facts: Mapping[str, Any]) -> Element:
    text = facts.get("formattedMessage") or {}
    return xml.node(
        "GuestAgentStatus",
        ("ProtocolVersion", facts.get("protocolVersion")),
        ("Timestamp", facts.get("timestamp")),
        ("GuestAgentVersion", facts.get("guestAgentVersion")),
        ("Status", facts.get("status")),
        xml.node("FormattedMessage", ("Language", text.get("language")), ("Message", text.get("message"))),
    )


def _extension_status(facts: Mapping[str, Any]) -> Element:
    """What the agent reports of an extension. An estate that does not say is taken to report Ready [I]."""
    publisher, title = facts.get("publisher"), facts.get("extension")
    return xml.node(
        "ResourceExtensionStatus",
        ("HandlerName", f"{publisher}.{title}" if publisher else title),
        ("Version", facts.get("version")),
        ("Status", facts.get("handlerStatus") or "Ready"),
    )


def role(store: Store, machine: Document) -> Element:
    """`Role` of a machine, with its endpoints, network, extensions, disks and MigrationState."""
    facts = properties(machine)
    hardware, storage = facts.get("hardwareProfile") or {}, facts.get("storageProfile") or {}
    system = storage.get("operatingSystemDisk") or {}
    debug = facts.get("debugProfile")
    made = xml.node(
        "Role",
        ("RoleName", machine["name"]),
        ("RoleType", "PersistentVMRole"),
        xml.listed("ConfigurationSets", [_network(store, facts)]),
        xml.some("ResourceExtensionReferences", (_reference(x) for x in facts.get("extensions") or ())),
        ("AvailabilitySetName", hardware.get("availabilitySetName")),
        xml.some("DataVirtualHardDisks", (_data_disk(disk) for disk in storage.get("dataDisks") or ())),
        _system_disk(system) if system else None,
        ("RoleSize", hardware.get("size")),
        ("ProvisionGuestAgent", hardware.get("platformGuestAgent")),
        xml.node("DebugSettings", ("BootDiagnosticsEnabled", debug.get("bootDiagnosticsEnabled")))
        if isinstance(debug, Mapping)
        else None,
        ("LicenseType", facts.get("licenseType")),
        ("MigrationState", facts.get("migrationState")),
    )
    made.set("i:type", "PersistentVMRole")
    return made


def _network(store: Store, facts: Document) -> Element:
    profile = facts.get("networkProfile") or {}
    network = profile.get("virtualNetwork") or {}
    group = profile.get("networkSecurityGroup") or {}
    return xml.node(
        "ConfigurationSet",
        ("ConfigurationSetType", "NetworkConfiguration"),
        xml.some("InputEndpoints", (endpoint(e) for e in profile.get("inputEndpoints") or ())),
        xml.some("SubnetNames", (xml.text("SubnetName", subnet) for subnet in network.get("subnetNames") or ())),
        ("StaticVirtualNetworkIPAddress", network.get("staticIpAddress")),
        xml.some(
            "NetworkInterfaces",
            (_interface(n, "StaticVirtualNetworkIPAddress", None) for n in profile.get("networkInterfaces") or ()),
        ),
        ("NetworkSecurityGroup", group.get("name")),
        ("IPForwarding", profile.get("ipForwarding")),
    )


def _interface(facts: Mapping[str, Any], address_tag: str, address: object) -> Element:
    place = xml.node("IPConfiguration", ("SubnetName", facts.get("subnetName")), (address_tag, address))
    return xml.node("NetworkInterface", ("Name", facts.get("name")), xml.listed("IPConfigurations", [place]))


def endpoint(facts: Mapping[str, Any]) -> Element:
    """`InputEndpoint` of a machine or of a web or worker role, with its access list."""
    rules = (facts.get("endpointAcl") or {}).get("rules") or ()
    access = xml.some(
        "Rules",
        (
            xml.node(
                "Rule",
                ("Order", rule.get("order")),
                ("Action", rule.get("action")),
                ("RemoteSubnet", rule.get("remoteSubnet")),
                ("Description", rule.get("description")),
            )
            for rule in rules
        ),
    )
    return xml.node(
        "InputEndpoint",
        ("LoadBalancedEndpointSetName", facts.get("loadBalancedEndpointSetName")),
        ("LocalPort", facts.get("privatePort")),
        ("Name", facts.get("endpointName")),
        ("Port", facts.get("publicPort")),
        ("Protocol", facts.get("protocol")),
        ("Vip", facts.get("publicIpAddress")),
        ("EnableDirectServerReturn", facts.get("enableDirectServerReturn")),
        ("LoadBalancerName", facts.get("loadBalancerName")),
        xml.node("EndpointAcl", access) if access is not None else None,
        ("VirtualIPName", facts.get("virtualIpName")),
    )


def _reference(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "ResourceExtensionReference",
        ("ReferenceName", facts.get("referenceName")),
        ("Publisher", facts.get("publisher")),
        ("Name", facts.get("extension")),
        ("Version", facts.get("version")),
        ("State", facts.get("state")),
    )


def _data_disk(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "DataVirtualHardDisk",
        ("HostCaching", facts.get("caching")),
        ("DiskName", facts.get("diskName")),
        ("Lun", facts.get("lun")),
        ("LogicalDiskSizeInGB", facts.get("diskSize")),
        ("MediaLink", facts.get("vhdUri")),
        ("IOType", facts.get("ioType")),
    )


def _system_disk(facts: Mapping[str, Any]) -> Element:
    return xml.node(
        "OSVirtualHardDisk",
        ("HostCaching", facts.get("caching")),
        ("DiskName", facts.get("diskName")),
        ("MediaLink", facts.get("vhdUri")),
        ("SourceImageName", facts.get("sourceImageName")),
        ("OS", facts.get("operatingSystem")),
        ("IOType", facts.get("ioType")),
    )
