"""Cases of the rules about networks, virtual machines and storage (azure.md 3.3 to 3.5)."""

from typing import Any

from migrator.readiness import DEPENDENTS
from migrator.resources import Category, ResourceType
from tests.migrator.readiness.cases_base import (
    EARLY,
    PREPARED,
    STORE,
    VALIDATED,
    VMS,
    WEB,
    attested,
    of,
    refused,
    unlisted,
    with_machine,
)
from tests.migrator.readiness.cases_services import ACL, GUARDED, NOSUBNETS, ROUTED
from tests.migrator.readiness.documents import (
    OTHER,
    Document,
    S,
    account,
    account_id,
    alert,
    assignment,
    certificate,
    dependent,
    disk,
    drop,
    endpoint,
    gateway,
    group,
    image,
    machine,
    machine_extension,
    machine_id,
    machine_slot,
    network,
    peering,
    put,
    reserved,
    role,
    service,
    slot,
    slot_id,
    table,
    vip,
)

# 3.3 networks

VPN, ER = [*WEB, gateway()], [*WEB, gateway("ExpressRoute")]
VMVPN, VMER = [*VMS, gateway()], [*VMS, gateway("ExpressRoute")]
NOGATEWAYS = drop(WEB, 0, "read:gateways")
of(
    "VNET-VPN-GW",
    yes=[VPN, VMVPN],
    no=[WEB, ER],
    unknown=[NOGATEWAYS, drop(VPN, 4, "gatewayType"), drop(VPN, 2, "slotType")],
)
of("VNET-ER-GW", yes=[ER, VMER], no=[WEB, VPN], unknown=[NOGATEWAYS, drop(ER, 4, "gatewayType")])
XSUB = put(VMER, 5, "circuitSubscriptionId", OTHER)
of(
    "VNET-ER-GW-XSUB",
    yes=XSUB,
    no=[VMER, WEB, put(VMER, 5, "circuitSubscriptionId", S)],
    unknown=[drop(XSUB, 5, "circuitSubscriptionId"), NOGATEWAYS],
)
of("VNET-ER-CIRCUIT", unknown=[VMER, NOGATEWAYS], no=[WEB, VPN], yes=(VMER, attested("VNET-ER-CIRCUIT", S, True)))
of("VNET-ER-COEXIST", yes=VMER, no=WEB)
TWO_GATEWAYS = [*VMS, gateway(), gateway("ExpressRoute", "er")]
of("VNET-ER-AND-VPN", yes=TWO_GATEWAYS, no=[VMVPN, VMS], unknown=[drop(TWO_GATEWAYS, 5, "gatewayType"), NOGATEWAYS])
DOWN = put(VMVPN, 5, "connections.0.connectivityState", "NotConnected")
of(
    "VNET-GW-DISCONNECTED",
    yes=DOWN,
    no=VMVPN,
    unknown=[drop(DOWN, 5, "connections"), drop(DOWN, 5, "connections.0.connectivityState"), NOGATEWAYS],
)
SITES = put(VMVPN, 5, "connections", [{"name": n, "connectivityState": "Connected"} for n in "ab"])
of("VNET-TRANSIT-VPN", unknown=[SITES, NOGATEWAYS], no=VMVPN, yes=(SITES, attested("VNET-TRANSIT-VPN", S, True)))
of(
    "VNET-CIDR",
    yes=[
        put(WEB, 0, "addressSpace.addressPrefixes", ["10.0.0.1/16"]),
        put(WEB, 0, "subnets.1.addressPrefix", "10.0.0.128/25"),
        put(WEB, 0, "subnets.1.addressPrefix", "192.168.0.0/24"),
        put(WEB, 0, "subnets.1.addressPrefix", "ten"),
    ],
    no=WEB,
    unknown=[drop(WEB, 0, "addressSpace"), drop(WEB, 0, "subnets.1.addressPrefix"), NOSUBNETS],
)
of(
    "VNET-PEERING",
    yes=[
        [*WEB, peering()],
        [*WEB, dependent("Microsoft.Network/virtualNetworks")],
        [*WEB, network("hub"), peering("hub", "net")],
    ],
    no=WEB,
    unknown=[drop(WEB, 0, "read:virtualNetworkPeerings"), (WEB, unlisted(DEPENDENTS))],
)
for rule, type_ in {
    "VNET-ASE": "Microsoft.Web/hostingEnvironments",
    "VNET-HDI": "Microsoft.HDInsight/clusters",
    "VNET-APIM": "Microsoft.ApiManagement/service",
    "VNET-OK-AADDS": "Microsoft.AAD/domainServices",
}.items():
    of(
        rule,
        yes=[*WEB, dependent(type_)],
        no=[WEB, [*WEB, dependent("Microsoft.Cache/redis")]],
        unknown=(WEB, unlisted(DEPENDENTS)),
    )
of("VNET-BATCH", yes=[*WEB, dependent("Microsoft.Batch/batchAccounts")], no=(WEB, VALIDATED), unknown=WEB)
E47 = "Virtual network net contains non-gateway PaaS deployments"
of(
    "VNET-APPGW",
    yes=[[*WEB, dependent("Microsoft.Network/applicationGateways")], (WEB, refused(E47))],
    no=(WEB, VALIDATED),
    unknown=WEB,
)
of("VNET-DYNLCS", unknown=VMS, yes=(VMS, attested("VNET-DYNLCS", S, True)), no=(VMS, attested("VNET-DYNLCS", S, False)))
SPACED = put(WEB, 0, "subnets.0.name", "front end")
of("VNET-SUBNET-SPACES", unknown=[SPACED, NOSUBNETS], no=[WEB, (SPACED, VALIDATED)])
of("VNET-LB-RULES", unknown=WEB, no=(WEB, PREPARED))
CLASH = [network(), service("iaas"), machine_slot(), machine("vm1"), machine("vm2", power="StoppedDeallocated")]
for index in (3, 4):
    CLASH = put(CLASH, index, "networkProfile.virtualNetwork.staticIpAddress", "10.0.1.9")
of(
    "VNET-PRIVATE-IP-CLASH",
    yes=CLASH,
    no=[VMS, put(CLASH, 4, "networkProfile.virtualNetwork.staticIpAddress", "10.0.1.8")],
    unknown=drop(CLASH, 4, "networkProfile.virtualNetwork.staticIpAddress"),
)
of("VNET-NSG-LOCK", yes=[GUARDED, ROUTED], no=WEB, unknown=NOSUBNETS)
MANY = [*WEB, service("blog"), slot("blog"), role("blog")]
of("VNET-OK-MULTI-CS", yes=MANY, no=WEB, unknown=drop(drop(MANY, 5, "virtualNetwork"), 5, "configuration"))
PORTAL = put(WEB, 0, "siteName", "Group shop-rg net")
for rule in ("VNET-OK-PORTAL", "VNET-PORTAL-NAME-404"):
    of(rule, yes=PORTAL, no=WEB, unknown=drop(WEB, 0, "siteName"))
SPREAD = [
    network(),
    service(),
    slot(roles=("web", "job"), subnets={"web": "front", "job": "back"}),
    role(),
    role(role="job"),
]
of("VNET-OK-MULTI-SUBNET", yes=SPREAD, no=WEB, unknown=drop(WEB, 2, "configuration"))

# 3.4 virtual machines

OUT = [service("iaas"), machine_slot(network=None), machine(network=None)]
NOPLACE = drop(OUT, 2, "networkProfile")
of("VM-NOT-IN-VNET", yes=OUT, no=VMS, unknown=NOPLACE)
of("VM-IN-VNET", yes=VMS, no=OUT, unknown=NOPLACE)


def avsets(*names: str | None) -> list[Document]:
    return [network(), service("iaas"), machine_slot(), *(machine(f"vm{i}", avset=n) for i, n in enumerate(names))]


of(
    "VM-MULTI-AVSET",
    yes=avsets("a", "b"),
    no=[avsets("a", "A"), avsets(None, None), avsets("a")],
    unknown=drop(avsets("a", "b"), 4, "hardwareProfile.availabilitySetName"),
)
of(
    "VM-MIXED-AVSET",
    yes=avsets("a", None),
    no=[avsets("a", "a"), avsets(None, None)],
    unknown=drop(avsets("a", None), 4, "hardwareProfile.availabilitySetName"),
)
DIAG = put(
    with_machine(debugProfile={"bootDiagnosticsEnabled": True}),
    3,
    "storageProfile.operatingSystemDisk.ioType",
    "Provisioned",
)
of(
    "VM-BOOTDIAG",
    yes=DIAG,
    no=[VMS, with_machine(debugProfile={"bootDiagnosticsEnabled": True})],
    unknown=[
        drop(DIAG, 3, "debugProfile"),
        drop(DIAG, 3, "storageProfile.operatingSystemDisk.ioType"),
        drop(DIAG, 3, "storageProfile"),
    ],
)
of("VM-HUB-LICENSE", yes=with_machine(licenseType="Windows_Server"), no=VMS, unknown=drop(VMS, 3, "licenseType"))
VMACL = put(VMS, 3, "networkProfile.inputEndpoints", [endpoint("ssh", "10.0.0.0/8")])
of(
    "VM-ENDPOINT-ACL",
    yes=VMACL,
    no=VMS,
    silent=ACL,
    unknown=[
        drop(VMACL, 3, "networkProfile.inputEndpoints"),
        drop(VMACL, 3, "networkProfile.inputEndpoints.0.endpointAcl"),
    ],
)
NICS = put(VMS, 3, "networkProfile.networkInterfaces", [{"name": "nic2", "subnetName": "front"}])
of("VM-MULTI-SUBNET", yes=NICS, no=VMS, unknown=drop(VMS, 3, "networkProfile.virtualNetwork.subnetNames"))
NOSUB = put(VMS, 3, "networkProfile.virtualNetwork.subnetNames", [])
of("VM-NO-SUBNET", yes=NOSUB, no=[VMS, OUT], unknown=drop(NOSUB, 3, "networkProfile.virtualNetwork.subnetNames"))
of("VM-ALERTS", yes=[*VMS, alert(machine_id())], no=VMS, unknown=(VMS, unlisted(ResourceType.ALERT_RULE)))


def extended(name: str, publisher: str = "Microsoft.Compute", version: str = "1.*", **changes: Any) -> list[Document]:
    return with_machine(extensions=[machine_extension(name, publisher, version)], **changes)


NOEXT = drop(VMS, 3, "extensions")
of(
    "VM-EXT-XML",
    yes=[
        extended("BGInfo"),
        extended("WebDeployForVSDevTest"),
        (VMS, refused("VM vm1 contains Extension BGInfo which isn't supported in Azure Resource Manager", vm="vm1")),
    ],
    no=[extended("BGInfo", version="2.1"), VMS],
    unknown=[NOEXT, drop(extended("BGInfo"), 3, "extensions.0.version")],
)
of(
    "VM-DEFENDER-EXT",
    yes=[
        extended("Monitoring", "Microsoft.Azure.Security"),
        extended("MicrosoftMonitoringAgent", "Microsoft.EnterpriseCloud.Monitoring"),
    ],
    no=[extended("BGInfo"), VMS],
    unknown=[NOEXT, drop(extended("Monitoring", "Microsoft.Azure.Security"), 3, "extensions.0.publisher")],
)
of("VM-BACKUP-EXT", yes=[extended("VMSnapshot"), extended("VMSnapshotLinux")], no=VMS, unknown=NOEXT)
of(
    "VM-ASR-EXT",
    yes=extended("SiteRecovery-Windows", "Microsoft.Azure.RecoveryServices.SiteRecovery"),
    no=VMS,
    unknown=NOEXT,
)
SICK = extended("CustomScript", agent="NotReady")
of(
    "VM-AGENT",
    yes=[SICK, put(SICK, 3, "instanceView.guestAgentStatus", None)],
    no=[extended("CustomScript"), VMS, extended("CustomScript", agent="NotReady", power="StoppedDeallocated")],
    unknown=[
        drop(SICK, 3, "instanceView.guestAgentStatus"),
        drop(SICK, 3, "extensions"),
        drop(SICK, 3, "instanceView.powerState"),
    ],
)
of(
    "VM-STATE",
    yes=[with_machine(power="Starting"), with_machine(status="RoleStateUnknown")],
    no=[VMS, with_machine(power="StoppedDeallocated", status="StoppedDeallocated")],
    unknown=[
        drop(VMS, 3, "instanceView.powerState"),
        drop(with_machine(status="RoleStateUnknown"), 3, "instanceView.status"),
    ],
)
of(
    "VM-PROVISION-TIMEOUT",
    yes=with_machine(status="ProvisioningTimeout"),
    no=VMS,
    unknown=drop(VMS, 3, "instanceView.status"),
)
SLASH = put(
    VMS, 3, "storageProfile.operatingSystemDisk.vhdUri", "https://vmdisks.blob.core.windows.net/vhds/old/vm1.vhd"
)
of(
    "VM-BLOB-SLASH",
    yes=SLASH,
    no=VMS,
    unknown=[drop(SLASH, 3, "storageProfile.operatingSystemDisk.vhdUri"), drop(SLASH, 3, "storageProfile")],
)
E43 = "VM vm1: physical blob size 10 doesn't match the VM Data Disk logical size 20"
of("VM-DISK-SIZE", yes=(VMS, refused(E43, category=Category.WARNING)), no=(VMS, VALIDATED), unknown=VMS)
of(
    "VM-DISK-MISSING",
    yes=(VMS, refused("A storage exception occurred while validating data disk d1")),
    no=(VMS, VALIDATED),
    unknown=VMS,
)
of(
    "VM-REGIONAL-SCOPE",
    yes=(VMS, refused("Deployment iaas isn't in the regional scope")),
    no=(VMS, VALIDATED),
    unknown=VMS,
)
of("VM-NEW-CLUSTER", yes=(VMS, refused("The fabric cluster does not exist")), no=(VMS, PREPARED), unknown=VMS)
of("VM-CERT-KV", yes=[*VMS, certificate("iaas")], no=VMS, unknown=drop(VMS, 1, "read:serviceCertificates"))
of("VM-OSPROFILE", yes=VMS, silent=WEB)
SILENT = put(put(VMS, 3, "networkProfile.inputEndpoints", []), 4, "networkProfile.inputEndpoints", [])
of("VM-VIP-NEEDS-ENDPOINT", yes=SILENT, no=VMS, unknown=drop(SILENT, 3, "networkProfile.inputEndpoints"))
of(
    "VM-WARNING-RESERVE-IP",
    yes=OUT,
    no=[VMS, put(OUT, 1, "virtualIps", vip()), [*drop(OUT, 1, "virtualIps"), reserved("r", True, slot_id("iaas"))]],
    unknown=[drop(OUT, 1, "virtualIps"), drop(OUT[:1] + OUT[2:], 0, "read:slots")],
)
of("VM-PAAS-ROLE", yes=WEB, no=VMS)

# 3.5 storage and unattached

VMDISKS = account("vmdisks")
of(
    "STG-ORDER",
    yes=[[*VMS, VMDISKS], [account(), disk(attached="vm9")]],
    no=[STORE, [*VMS, account()]],
    unknown=[[account(), *drop(VMS, 3, "storageProfile")], drop([account(), disk(attached="vm9")], 1, "attachedTo")],
)
of(
    "STG-DISK-ARTIFACTS",
    yes=[[account(), disk()], [account(), image()]],
    no=[STORE, [account(), disk(attached="vm9")]],
    unknown=[drop(STORE, 0, "read:disks"), drop(STORE, 0, "read:vmImages"), drop([account(), disk()], 1, "attachedTo")],
)
of(
    "VM-DISK-UNATTACHED",
    yes=[account(), disk()],
    no=[STORE, [account(), disk(attached="vm9")]],
    unknown=[drop(STORE, 0, "read:disks"), drop([account(), disk()], 1, "attachedTo")],
)
of("VM-IMAGES", yes=[account(), image()], no=STORE, unknown=drop(STORE, 0, "read:osImages"))
for rule in ("STG-2016", "STG-GPV1", "STG-KEYS", "STG-30DAYS", "STG-OWNER"):
    of(rule, yes=STORE, silent=WEB)
of(
    "STG-RBAC",
    yes=[*STORE, assignment(account_id())],
    no=STORE,
    unknown=(STORE, unlisted(ResourceType.ROLE_ASSIGNMENT)),
)
of("STG-READONLY-2024", unknown=STORE, no=[(STORE, VALIDATED), (STORE, {"now": EARLY})])
of(
    "NET-RIP-UNATTACHED",
    yes=[reserved()],
    silent=WEB,
    unknown=[[reserved(in_use=True)], drop([reserved()], 0, "inUse")],
)
of(
    "NET-NSG-UNATTACHED",
    yes=[group()],
    silent=WEB,
    unknown=[[group("nsg", "gone-subnet")], drop([group()], 0, "associations")],
)
of("NET-RT-UNATTACHED", yes=[table()], silent=WEB, unknown=drop([table()], 0, "associations"))
CAN, CANNOT = {"movable": True}, {"movable": False}
of(
    "NET-SM-ONLY",
    yes=[([reserved()], CANNOT), ([group()], CANNOT), ([table()], CANNOT)],
    no=[([reserved()], CAN), ([group()], CAN), ([table()], CAN)],
    unknown=[[reserved()], [group()], [table()]],
    silent=[(WEB, CANNOT), (STORE, CANNOT)],
)
