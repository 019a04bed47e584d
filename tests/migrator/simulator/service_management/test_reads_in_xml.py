"""Every read of azure.md 1.4: the elements of asm-js [S], filled from the same documents Resource Manager shows."""

import base64

import pytest

from tests.migrator.simulator.service_management.asking import Azure, at, every, names, text


def services(azure: Azure) -> dict[str, str]:
    """Name of each hosted service of the first subscription, with its resource group."""
    owner = azure.subscription
    kind = "Microsoft.ClassicCompute/domainNames"
    return {d["name"]: d["id"].split("/")[4] for d in azure.documents() if d["type"] == kind and owner in d["id"]}


def test_hosted_services_are_listed_with_their_group_and_region(azure):
    root = azure.sm("/services/hostedservices").root
    found = {
        text(row, "ServiceName"): {
            text(pair, "Name"): text(pair, "Value")
            for pair in every(row, "HostedServiceProperties", "ExtendedProperties", "ExtendedProperty")
        }
        for row in every(root, "HostedService")
    }
    assert {name: pairs["ResourceGroup"] for name, pairs in found.items()} == services(azure)
    assert found["bramble-web"]["ResourceLocation"] == "West Europe"
    web = next(row for row in every(root, "HostedService") if text(row, "ServiceName") == "bramble-web")
    assert text(web, "HostedServiceProperties", "Location") == "West Europe"
    assert base64.b64decode(text(web, "HostedServiceProperties", "Label")).decode() == "shop front"
    assert text(web, "Url").startswith(azure.server.base_url)
    old = next(row for row in every(root, "HostedService") if text(row, "ServiceName") == "old-blog")
    assert text(old, "HostedServiceProperties", "Label") is None


def test_one_service_brings_its_deployments_only_when_asked(azure):
    plain = azure.sm("/services/hostedservices/campaign-site").root
    assert at(plain, "Deployments") is None
    whole = azure.sm("/services/hostedservices/campaign-site?embed-detail=true").root
    assert names(every(whole, "Deployments", "Deployment"), "DeploymentSlot") == {"Production", "Staging"}
    empty = azure.sm("/services/hostedservices/old-blog?embed-detail=true").root
    assert every(empty, "Deployments", "Deployment") == []


def test_a_deployment_of_roles_tells_sizes_counts_endpoints_and_configuration(azure):
    root = azure.sm("/services/hostedservices/bramble-web/deploymentslots/production").root
    slot = azure.arm(
        "GET", f"{azure.document('domainNames', 'bramble-web')['id']}/slots/Production?api-version=2016-11-01"
    )
    facts = slot.json["properties"]
    assert text(root, "Name") == facts["deploymentName"] == "bramble-web-production"
    assert text(root, "PrivateID") == facts["deploymentId"]
    assert text(root, "Status") == "Running"
    assert base64.b64decode(text(root, "Label")).decode() == "shop 2026.46"
    assert base64.b64decode(text(root, "Configuration")).decode() == facts["configuration"]
    assert text(root, "VirtualNetworkName") == "web-prod-net"
    assert (text(root, "Locked"), text(root, "UpgradeDomainCount"), text(root, "SdkVersion")) == (
        "false",
        "5",
        "2.9.8699.20",
    )
    instances = every(root, "RoleInstanceList", "RoleInstance")
    sizes = [(text(row, "RoleName"), text(row, "InstanceSize")) for row in instances]
    assert sorted(sizes) == [("Api", "Standard_D2_v2")] * 3 + [("WebFront", "Standard_D3_v2")] * 4
    assert len(names(instances, "InstanceName")) == 7
    assert all(text(row, "IpAddress").startswith("10.40.") for row in instances)
    front = next(row for row in every(root, "RoleList", "Role") if text(row, "RoleName") == "WebFront")
    assert text(front, "RoleType") is None
    assert text(front, "MigrationState") is None
    [setting] = every(front, "ConfigurationSets", "ConfigurationSet")
    ports = {text(e, "Name"): text(e, "Port") for e in every(setting, "InputEndpoints", "InputEndpoint")}
    assert ports == {"http": "80", "https": "443"}
    assert [e.text for e in every(setting, "SubnetNames", "SubnetName")] == ["front"]
    [vip] = every(root, "VirtualIPs", "VirtualIP")
    assert text(vip, "Address") == facts["virtualIps"][0]["address"]
    assert (text(vip, "IsDnsProgrammed"), text(vip, "ReservedIPName")) == ("true", None)
    [role] = every(root, "ExtensionConfiguration", "NamedRoles", "Role")
    [extension] = every(role, "Extensions", "Extension")
    assert (text(role, "RoleName"), text(extension, "Id"), text(extension, "State")) == (
        "WebFront",
        "PaaSAntimalware-webfront-20200114",
        "Enable",
    )


def test_a_deployment_has_one_body_by_slot_and_by_name(azure):
    by_slot = azure.sm("/services/hostedservices/bramble-checkout/deploymentslots/Production")
    by_name = azure.sm("/services/hostedservices/bramble-checkout/deployments/bramble-checkout-production")
    assert by_slot.raw == by_name.raw
    [vip] = every(by_slot.root, "VirtualIPs", "VirtualIP")
    assert text(vip, "ReservedIPName") == "rip-checkout"


def test_access_lists_of_endpoints_are_told(azure):
    root = azure.sm("/services/hostedservices/bramble-search/deploymentslots/Production").root
    [role] = every(root, "RoleList", "Role")
    [setting] = every(role, "ConfigurationSets", "ConfigurationSet")
    [endpoint] = every(setting, "InputEndpoints", "InputEndpoint")
    [rule] = every(endpoint, "EndpointAcl", "Rules", "Rule")
    told = [text(rule, tag) for tag in ("Order", "Action", "RemoteSubnet", "Description")]
    assert told == ["100", "permit", "203.0.113.0/24", "office"]


def test_an_upgrade_under_way_is_told(azure):
    owner = azure.subscriptions["Bramble Logistics"]
    root = azure.sm("/services/hostedservices/eta-predictor/deploymentslots/Production", subscription=owner).root
    assert text(root, "UpgradeStatus", "CurrentUpgradeDomainState") == "During"


def test_what_an_estate_leaves_out_is_left_out_here(azure):
    feed = azure.sm("/services/hostedservices/price-feed/deploymentslots/Production").root
    assert text(feed, "Status") is None
    assert at(feed, "UpgradeStatus") is None
    instances = every(feed, "RoleInstanceList", "RoleInstance")
    assert [text(row, "InstanceSize") for row in instances] == [None, None]  # the count stands in the configuration
    owner = azure.subscriptions["Bramble Logistics"]
    pallets = azure.sm("/services/hostedservices/pallet-pool/deploymentslots/Production", subscription=owner).root
    assert (at(pallets, "VirtualIPs"), text(pallets, "Configuration")) == (None, None)


def test_virtual_machines_are_roles_of_their_deployment(azure):
    root = azure.sm("/services/hostedservices/erp-apps/deploymentslots/Production").root
    machine = azure.document("ClassicCompute/virtualMachines", "erp-app1")["properties"]
    role = next(row for row in every(root, "RoleList", "Role") if text(row, "RoleName") == "erp-app1")
    assert role.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "PersistentVMRole"
    assert text(role, "RoleType") == "PersistentVMRole"
    assert text(role, "RoleSize") == "Standard_D3"
    assert text(role, "AvailabilitySetName") == "erp-apps-set"
    assert text(role, "DebugSettings", "BootDiagnosticsEnabled") == "false"
    system, data = machine["storageProfile"]["operatingSystemDisk"], machine["storageProfile"]["dataDisks"]
    assert text(role, "OSVirtualHardDisk", "MediaLink") == system["vhdUri"]
    assert [text(d, "LogicalDiskSizeInGB") for d in every(role, "DataVirtualHardDisks", "DataVirtualHardDisk")] == [
        str(d["diskSize"]) for d in data
    ]
    instance = next(
        row for row in every(root, "RoleInstanceList", "RoleInstance") if text(row, "RoleName") == "erp-app1"
    )
    assert text(instance, "InstanceStatus") == "ReadyRole"
    assert text(instance, "PowerState") == "Started"
    assert text(instance, "GuestAgentStatus", "Status") == "Ready"
    assert text(instance, "IpAddress") == machine["instanceView"]["privateIpAddress"]
    assert text(root, "VirtualNetworkName") == "erp-net"


def test_a_static_address_and_more_interfaces_of_a_machine_are_told(azure):
    root = azure.sm("/services/hostedservices/erp-data/deploymentslots/Production").root
    [role] = every(root, "RoleList", "Role")
    [setting] = every(role, "ConfigurationSets", "ConfigurationSet")
    assert text(setting, "StaticVirtualNetworkIPAddress") == "10.44.1.10"
    owner = azure.subscriptions["Bramble Logistics"]
    root = azure.sm("/services/hostedservices/yard-cameras/deploymentslots/Production", subscription=owner).root
    camera = next(row for row in every(root, "RoleList", "Role") if text(row, "RoleName") == "camera1")
    [setting] = every(camera, "ConfigurationSets", "ConfigurationSet")
    [interface] = every(setting, "NetworkInterfaces", "NetworkInterface")
    [place] = every(interface, "IPConfigurations", "IPConfiguration")
    assert text(place, "SubnetName") == "cameras"


def test_machine_extensions_are_references_with_a_reported_status(azure):
    owner = azure.subscriptions["Bramble Logistics"]
    root = azure.sm("/services/hostedservices/yard-scales/deploymentslots/Production", subscription=owner).root
    role = next(row for row in every(root, "RoleList", "Role") if text(row, "RoleName") == "scale1")
    [reference] = every(role, "ResourceExtensionReferences", "ResourceExtensionReference")
    assert [text(reference, tag) for tag in ("ReferenceName", "Publisher", "Name", "Version", "State")] == [
        "BGInfo",
        "Microsoft.Compute",
        "BGInfo",
        "1.*",
        "Enable",
    ]
    [instance] = [r for r in every(root, "RoleInstanceList", "RoleInstance") if text(r, "RoleName") == "scale1"]
    [status] = every(instance, "ResourceExtensionStatusList", "ResourceExtensionStatus")
    assert text(status, "HandlerName") == "Microsoft.Compute.BGInfo"


def test_extensions_and_certificates_of_a_service(azure):
    [extension] = every(azure.sm("/services/hostedservices/bramble-web/extensions").root, "Extension")
    assert [text(extension, tag) for tag in ("ProviderNameSpace", "Type", "Id", "Version")] == [
        "Microsoft.Azure.Security",
        "PaaSAntimalware",
        "PaaSAntimalware-webfront-20200114",
        "1.*",
    ]
    prints = {
        d["properties"]["thumbprint"]
        for d in azure.documents()
        if d["type"].endswith("/serviceCertificates") and "/bramble-web/" in d["id"]
    }
    found = every(azure.sm("/services/hostedservices/bramble-web/certificates").root, "Certificate")
    assert names(found, "Thumbprint") == prints
    assert len(prints) == 2
    assert names(found, "ThumbprintAlgorithm") == {"sha1"}


def test_networks_carry_the_name_of_this_api(azure):
    sites = every(azure.sm("/services/networking/virtualnetwork").root, "VirtualNetworkSite")
    assert "Group Bramble-Media media-net" in names(sites)
    assert "media-net" not in names(sites)
    web = next(site for site in sites if text(site, "Name") == "web-prod-net")
    facts = azure.document("virtualNetworks", "web-prod-net")["properties"]
    assert text(web, "Id") == facts["siteId"]
    assert text(web, "Location") == "West Europe"
    assert [e.text for e in every(web, "AddressSpace", "AddressPrefixes", "AddressPrefix")] == ["10.40.0.0/16"]
    subnets = {text(s, "Name"): text(s, "NetworkSecurityGroup") for s in every(web, "Subnets", "Subnet")}
    assert subnets == {"front": "nsg-web-front", "api": None, "back": None}
    assert [text(s, "Address") for s in every(web, "Dns", "DnsServers", "DnsServer")] == ["10.40.2.4", "10.40.2.5"]
    assert text(web, "MigrationState") is None


def test_a_network_in_an_affinity_group_has_no_region(azure):
    owner = azure.subscriptions["Bramble Logistics"]
    sites = every(azure.sm("/services/networking/virtualnetwork", subscription=owner).root, "VirtualNetworkSite")
    fleet = next(site for site in sites if text(site, "Name") == "fleet-net")
    assert (text(fleet, "AffinityGroup"), text(fleet, "Location")) == ("fleet-affinity", None)
    spare = next(site for site in sites if text(site, "Name") == "spare-net")
    assert at(spare, "Subnets") is None


def test_gateways_and_their_connections(azure):
    gateway = azure.sm("/services/networking/files-net/gateway").root
    told = [text(gateway, tag) for tag in ("State", "GatewayType", "GatewaySize")]
    assert told == ["Provisioned", "DynamicRouting", "Standard"]
    [connection] = every(azure.sm("/services/networking/files-net/gateway/connections").root, "Connection")
    assert text(connection, "LocalNetworkSiteName") == "to-head-office"
    assert text(connection, "ConnectivityState") == "Connected"
    none = azure.sm("/services/networking/web-prod-net/gateway").root
    assert [child.tag.rpartition("}")[2] for child in none] == ["State"]
    assert text(none, "State") == "NotProvisioned"


def test_two_gateways_of_one_network_are_seen_in_the_list_of_gateways(azure):
    owner = azure.subscriptions["Bramble Logistics"]
    one = azure.sm("/services/networking/harbour-net/gateway", subscription=owner).root
    assert text(one, "GatewayType") == "DynamicRouting"
    site_id = azure.document("virtualNetworks", "harbour-net")["properties"]["siteId"]
    rows = every(
        azure.sm("/services/networking/virtualnetworkgateways", subscription=owner).root, "VirtualNetworkGateway"
    )
    kinds = {text(row, "GatewayType") for row in rows if text(row, "VnetId") == site_id}
    assert kinds == {"DynamicRouting", "Dedicated"}
    sites = every(azure.sm("/services/networking/virtualnetwork", subscription=owner).root, "VirtualNetworkSite")
    border = next(site for site in sites if text(site, "Name") == "border-net")
    [local] = every(border, "Gateway", "Sites", "LocalNetworkSite")
    assert [text(c, "Type") for c in every(local, "Connections", "Connection")] == ["Dedicated"]


def test_security_groups_tell_their_rules_when_asked(azure):
    listed = every(azure.sm("/services/networking/networksecuritygroups").root, "NetworkSecurityGroup")
    assert names(listed) == {"nsg-web-front", "nsg-erp", "nsg-old-dmz"}
    assert all(at(group, "Rules") is None for group in listed)
    short = azure.sm("/services/networking/networksecuritygroups/nsg-erp").root
    assert at(short, "Rules") is None
    full = azure.sm("/services/networking/networksecuritygroups/nsg-erp?detaillevel=Full").root
    office, apps = sorted(every(full, "Rules", "Rule"), key=lambda rule: text(rule, "Name") or "")
    shown = [text(apps, tag) for tag in ("Name", "Type", "Priority", "Action", "DestinationPortRange", "Protocol")]
    assert shown == ["allow-sql-from-apps", "Inbound", "200", "Allow", "1433", "TCP"]
    assert text(office, "SourceAddressPrefix") == "203.0.113.0/24"
    of_subnet = azure.sm("/services/networking/virtualnetwork/erp-net/subnets/data/networksecuritygroups").root
    assert text(of_subnet, "Name") == "nsg-erp"


def test_reserved_addresses_tell_who_uses_them(azure):
    rows = {text(r, "Name"): r for r in every(azure.sm("/services/networking/reservedips").root, "ReservedIP")}
    used = rows["rip-checkout"]
    assert text(used, "Address") == azure.document("reservedIps", "rip-checkout")["properties"]["ipAddress"]
    shown = [text(used, tag) for tag in ("InUse", "ServiceName", "DeploymentName")]
    assert shown == ["true", "bramble-checkout", "bramble-checkout-production"]
    free = rows["rip-spring-sale"]
    assert (text(free, "InUse"), text(free, "ServiceName")) == ("false", None)
    one = azure.sm("/services/networking/reservedips/rip-spring-sale").root
    assert text(one, "Address") == text(free, "Address")


def test_route_tables_are_seen_here_and_nowhere_in_resource_manager(azure):
    listed = every(azure.sm("/services/networking/routetables").root, "RouteTable")
    assert names(listed) == {"rt-web-back", "rt-proxy-2015"}
    assert all(at(table, "RouteList") is None for table in listed)
    full = azure.sm("/services/networking/routetables/rt-web-back?detailLevel=full").root
    routes = {
        text(r, "Name"): (text(r, "AddressPrefix"), text(r, "NextHopType", "Type"), text(r, "NextHopType", "IpAddress"))
        for r in every(full, "RouteList", "Route")
    }
    assert routes == {
        "to-internet": ("0.0.0.0/0", "VirtualAppliance", "10.40.2.10"),
        "to-stores": ("10.43.0.0/16", "VPNGateway", None),
    }
    association = azure.sm("/services/networking/virtualnetwork/web-prod-net/subnets/back/routetables").root
    assert text(association, "RouteTableName") == "rt-web-back"
    assert azure.sm("/services/networking/virtualnetwork/web-prod-net/subnets/front/routetables").status == 404

    owner = azure.subscription
    resources = azure.arm("GET", f"/subscriptions/{owner}/resources?api-version=2025-04-01&$top=1000").raw
    assert b"rt-web-back" not in resources
    groups = azure.arm("GET", f"/subscriptions/{owner}/resourcegroups?api-version=2025-04-01").raw
    assert b"Default-Networking" not in groups
    query = {"subscriptions": [owner], "query": "resources", "options": {"resultFormat": "objectArray", "$top": 1000}}
    graph = azure.arm("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01", query).json
    assert {row["type"] for row in graph["data"]} & {"microsoft.classicnetwork/routetables"} == set()
    assert len(graph["data"]) > 50


def test_storage_accounts_one_and_all(azure):
    rows = {text(r, "ServiceName"): r for r in every(azure.sm("/services/storageservices").root, "StorageService")}
    owner = azure.subscription
    kind = "Microsoft.ClassicStorage/storageAccounts"
    assert set(rows) == {d["name"] for d in azure.documents() if d["type"] == kind and owner in d["id"]}
    logs = rows["bramblelogs"]
    shown = [text(logs, "StorageServiceProperties", tag) for tag in ("Location", "AccountType", "Status")]
    assert shown == ["North Europe", "Standard_RAGRS", "Created"]
    pairs = {text(p, "Name"): text(p, "Value") for p in every(logs, "ExtendedProperties", "ExtendedProperty")}
    assert pairs["ResourceGroup"] == "retail-storage"
    assert text(logs, "MigrationState") is None
    one = azure.sm("/services/storageservices/bramblelogs").root
    assert every(one, "StorageServiceProperties", "Endpoints", "Endpoint")[0].text.startswith(
        "https://bramblelogs.blob."
    )


def test_disks_tell_what_they_are_attached_to(azure):
    rows = {text(r, "Name"): r for r in every(azure.sm("/services/disks").root, "Disk")}
    disk = rows["erp-data-erp-sql-os"]
    shown = [text(disk, "AttachedTo", tag) for tag in ("HostedServiceName", "DeploymentName", "RoleName")]
    assert shown == ["erp-data", "erp-data-production", "erp-sql"]
    assert (text(disk, "OS"), text(disk, "IsPremium"), text(disk, "IOType")) == ("Windows", "false", "Standard")
    assert text(rows["erp-data-erp-sql-data1"], "OS") is None
    free = rows["till-master-copy"]
    assert at(free, "AttachedTo") is None
    assert text(free, "Location") == "West Europe"


def test_images_of_both_kinds(azure):
    [image] = every(azure.sm("/services/images").root, "OSImage")
    assert (text(image, "Name"), text(image, "Category"), text(image, "OS")) == ("till-2014", "User", "Windows")
    [machine] = every(azure.sm("/services/vmimages").root, "VMImage")
    assert text(machine, "Name") == "kiosk-gold"
    assert text(machine, "OSDiskConfiguration", "MediaLink").endswith("/kiosk-gold.vhd")


@pytest.mark.parametrize(
    "path",
    [
        "/services/hostedservices/no-such-service",
        "/services/hostedservices/bramble-web/deploymentslots/Staging",
        "/services/hostedservices/bramble-web/deployments/other",
        "/services/hostedservices/no-such-service/extensions",
        "/services/networking/no-such-net/gateway",
        "/services/networking/media-net/gateway",  # made in the portal: known by its long name only (E33)
        "/services/networking/networksecuritygroups/none",
        "/services/networking/reservedips/none",
        "/services/networking/routetables/none",
        "/services/storageservices/none",
        "/operations/00000000000000000000000000000000",
        "/operations/not-an-id",
        "/services/nothing-like-this",
        "",
    ],
)
def test_what_is_not_there_is_404(azure, path):
    reply = azure.sm(path)
    assert (reply.status, reply.code) == (404, "ResourceNotFound")


def test_a_slot_that_cannot_be_is_a_bad_request(azure):
    reply = azure.sm("/services/hostedservices/bramble-web/deploymentslots/Preview")
    assert (reply.status, reply.code) == (400, "BadRequest")


def test_a_subscription_shows_only_its_own(azure):
    corporate = azure.subscriptions["Bramble Corporate IT"]
    root = azure.sm("/services/hostedservices", subscription=corporate).root
    assert names(every(root, "HostedService"), "ServiceName") == {
        "hr-portal",
        "badge-office",
        "tax-simulation",
        "timesheets",
    }
    assert every(azure.sm("/services/disks", subscription=corporate).root, "Disk") == []
