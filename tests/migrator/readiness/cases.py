"""For every rule the estates in which it says yes, no and unknown. Compared with the catalogue in test_rules.py."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from migrator.readiness import DEPENDENTS, Attestation, Shortfall, ValidationAnswer
from migrator.resources import Category, PlatformMessage, Registration, ResourceType
from tests.migrator.readiness.documents import (
    OTHER,
    RG,
    Document,
    S,
    account,
    account_id,
    alert,
    assignment,
    autoscale,
    certificate,
    dependent,
    disk,
    drop,
    endpoint,
    gateway,
    group,
    image,
    jit,
    lock,
    lone_service,
    machine,
    machine_extension,
    machine_id,
    machine_network,
    machine_slot,
    network,
    network_id,
    peering,
    put,
    reserved,
    role,
    role_extension,
    role_id,
    service,
    service_id,
    slot,
    slot_id,
    table,
    vip,
    web_network,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
PASSED = ValidationAnswer(NOW - timedelta(hours=1), True)
VALIDATED: dict[str, Any] = {"validation": PASSED}
PREPARED: dict[str, Any] = {"preparation": PASSED}
QUOTA: dict[str, Any] = {"shortfalls": ()}


def refused(text: str, *, category: Category = Category.ERROR, code: str = "", vm: str = "") -> dict[str, Any]:
    said = PlatformMessage(category=category, message=text, code=code, virtual_machine=vm)
    return {"validation": ValidationAnswer(NOW - timedelta(hours=1), False, (said,))}


def unlisted(*kinds: str) -> dict[str, Any]:
    return {"unread": frozenset((S, kind) for kind in kinds)}


def attested(rule: str, key: str, applies: bool) -> dict[str, Any]:
    return {"attestations": {(rule, key): Attestation(applies, "ann", NOW - timedelta(days=1), "looked")}}


@dataclass(frozen=True)
class Case:
    rule: str
    outcome: str  # yes, no, unknown; silent: the rule does not speak of such a unit
    documents: list[Document] = field(repr=False)
    context: dict[str, Any] = field(default_factory=dict, repr=False)


CASES: list[Case] = []


def of(rule: str, **outcomes: Any) -> None:
    """`of("X", yes=documents, no=(documents, context), unknown=…)`; a list of such for several estates."""
    for outcome, given in outcomes.items():
        several = given if isinstance(given, list) and given and isinstance(given[0], list | tuple) else [given]
        for one in several:
            documents, context = one if isinstance(one, tuple) else (one, {})
            CASES.append(Case(rule, outcome, documents, context))


WEB, VMS, LONE = web_network(), machine_network(), lone_service()
EMPTY = [service()]
STORE = [account()]


def two_slots(production: dict[str, Any], staging: dict[str, Any]) -> list[Document]:
    return [network(), service(), slot(**production), slot(slot="Staging", **staging), role(), role(slot="Staging")]


def with_machine(**changes: Any) -> list[Document]:
    return [network(), service("iaas"), machine_slot(), machine("vm1", **changes)]


def with_role(**changes: Any) -> list[Document]:
    return [network(), service(), slot(), role(**changes)]


# 3.1 subscription

BAD = (Registration(subscription=S, name="Microsoft.ClassicInfrastructureMigrate", state="NotRegistered"),)
BAD_FEATURE = (Registration(subscription=S, name="Microsoft.Compute/CloudServices", state="Pending"),)
of("SUB-REG-MIGRATE", yes=(WEB, {"registrations": BAD}), no=WEB, unknown=(WEB, {"registrations": ()}))
of("SUB-REG-MIGRATE", yes=(STORE, refused("Subscription is not registered for migration")))
of("SUB-REG-FEATURE", yes=(WEB, {"registrations": BAD_FEATURE}), no=WEB, unknown=(WEB, {"registrations": ()}))
of("SUB-COADMIN", no=(WEB, VALIDATED), unknown=WEB, yes=(WEB, attested("SUB-COADMIN", S, True)))
SHORT = {"shortfalls": (Shortfall("standardDv2Family", 8, 2),)}
SHORT_NET = {"shortfalls": (Shortfall("PublicIPAddresses", 8, 2, "Microsoft.Network"),)}
of("SUB-QUOTA-CORES", yes=(WEB, SHORT), no=[(WEB, QUOTA), (WEB, SHORT_NET)], unknown=WEB)
E28 = (
    "The current quota for standardDFamily is insufficient to complete migration. Current quota is 4, additional "
    "needed is 8"
)
of("SUB-QUOTA-CORES", yes=(WEB, {**QUOTA, **refused(E28)}))
of("SUB-QUOTA-NET", yes=(WEB, SHORT_NET), no=[(WEB, QUOTA), (WEB, SHORT)], unknown=WEB)
E06 = "Migration of deployment d1 is not supported because it is in region north. Allowed regions: westeurope"
of("SUB-REGION", yes=(WEB, refused(E06)), no=(WEB, VALIDATED), unknown=WEB)
of("SUB-THROTTLE", yes=[network(), *(machine(f"vm{i}") for i in range(401))], no=VMS)
of(
    "SUB-RBAC",
    yes=[[*WEB, assignment(slot_id("shop"))], [*WEB, assignment(RG)], [*VMS, assignment(machine_id())]],
    no=[[*WEB, assignment(f"/subscriptions/{S}")], [*STORE, assignment(account_id())]],
    unknown=[
        (WEB, unlisted(ResourceType.ROLE_ASSIGNMENT)),
        [*WEB, drop([assignment(slot_id("shop"))], 0, "top:properties")[0]],
    ],
)
of("SUB-TOOLING", unknown=WEB, yes=(WEB, attested("SUB-TOOLING", S, True)), no=(WEB, attested("SUB-TOOLING", S, False)))
of(
    "SUB-ARM-LOCK",
    yes=[[*WEB, lock(RG)], [*WEB, lock(service_id("shop"))], [*WEB, lock(f"/subscriptions/{S}")]],
    no=[WEB, [*WEB, lock(f"/subscriptions/{OTHER}/resourceGroups/shop-rg")]],
    unknown=[
        [*WEB, lock(RG, "CanNotDelete")],
        (WEB, unlisted(ResourceType.MANAGEMENT_LOCK)),
        [*WEB, drop([lock(RG)], 0, "level")[0]],
    ],
)
of(
    "SUB-AFFINITY",
    yes=[put(WEB, 0, "affinityGroup", "ag"), put(WEB, 1, "affinityGroup", "ag"), put(STORE, 0, "affinityGroup", "ag")],
    no=WEB,
    unknown=[drop(WEB, 0, "affinityGroup"), drop(STORE, 0, "affinityGroup")],
)
for rule in ("SUB-LOCK-WINDOW", "SUB-NO-TIME-LIMIT", "SUB-COMMIT-FINAL", "SUB-BACKUP-CONFIG", "SUB-RG-NAMES"):
    of(rule, yes=[WEB, STORE], silent=[group()])
for rule in ("SUB-OFF-HOURS", "SUB-TEST-FIRST"):
    of(rule, unknown=WEB, yes=(WEB, attested(rule, S, True)), no=(WEB, attested(rule, S, False)))
of("SUB-RETIRED", yes=[WEB, STORE, VMS], no=(WEB, {"now": EARLY}))

# 3.2 cloud services

BOTH = two_slots({}, {})
RIP = two_slots({"virtualIps": vip()}, {})
of(
    "CS-TWO-SLOTS-DYN",
    yes=[BOTH, (BOTH, refused("Deployment d1 in hosted service shop has two occupied slots"))],
    no=[WEB, RIP],
    silent=VMS,
    unknown=[drop(BOTH, 2, "slotType"), drop(WEB, 1, "read:slots"), drop(BOTH, 2, "virtualIps")],
)
of("CS-TWO-SLOTS-RIP", yes=RIP, no=[WEB, BOTH], unknown=[drop(RIP, 2, "virtualIps"), drop(RIP, 3, "slotType")])
APART = two_slots({}, {"network": "other", "virtualIps": vip()})
of(
    "CS-TWO-SLOTS-VNETS",
    yes=[APART, two_slots({}, {"network": None})],
    no=[WEB, BOTH],
    unknown=drop(drop(BOTH, 2, "virtualNetwork"), 2, "configuration"),
)
LONELY = [service(), slot(slot="Staging", network=None), role(slot="Staging")]
of("CS-STAGING-ONLY", yes=LONELY, no=[WEB, BOTH], unknown=[drop(LONELY, 0, "read:slots"), drop(LONELY, 1, "slotType")])
of("CS-EMPTY", yes=EMPTY, no=[WEB, VMS, [service("iaas"), machine(network=None)]], unknown=drop(EMPTY, 0, "read:slots"))
E05 = "Deployment d1 must be within a virtual network to be migrated"
E16 = "Deployment d1 uses features not yet supported for migration: Non-vnet deployment"
of("CS-NONVNET-LEGACY", yes=[(LONE, refused(E05)), (LONE, refused(E16))], no=(LONE, VALIDATED), unknown=LONE)
of("CS-DEFAULT-VNET", yes=(LONE, VALIDATED), no=(LONE, refused(E05)), unknown=[LONE, (LONE, refused(E06))])
BARE = [network(), service(), slot(subnets={}), role()]
of(
    "CS-NO-SUBNET",
    yes=[BARE, (WEB, refused("There are no subnets associated with the role(s) web"))],
    no=[WEB, LONE],
    unknown=[drop(WEB, 2, "configuration"), drop(BARE, 2, "slotType"), drop(WEB[:3], 2, "read:roles")],
)
of("CS-OTHER-VNET", yes=(WEB, attested("CS-OTHER-VNET", network_id().lower(), True)), no=WEB)
PLUGIN = {"Microsoft.WindowsAzure.Plugins.RemoteAccess.Enabled": "true"}
RDP = [network(), service(), slot(settings=PLUGIN), role(), role_extension("RDP")]
of(
    "CS-RDP-BOTH",
    yes=RDP,
    no=[RDP[:4], [*WEB, role_extension("RDP")], [*RDP[:4], role_extension("RDP", "Disable")]],
    unknown=[drop(RDP, 3, "read:extensionReferences"), drop(RDP, 2, "configuration"), drop(RDP, 4, "state")],
)
of("CS-PLUGIN-LEFT", yes=RDP, no=WEB, unknown=drop(WEB, 2, "configuration"))
of(
    "CS-EXT-DISABLED",
    yes=[*WEB, role_extension("BGInfo", "Disable")],
    no=[*WEB, role_extension("BGInfo")],
    unknown=drop(WEB, 3, "read:extensionReferences"),
)
of(
    "CS-EXT-XML",
    yes=[*WEB, role_extension("BGInfo")],
    no=[*WEB, role_extension("PaaSAntimalware")],
    unknown=drop(WEB, 3, "read:extensionReferences"),
)
SMALL, A9, SQL = with_role(instanceSize="Small"), with_role(instanceSize="A9"), with_role(instanceSize="SQLG7")
NOSIZE = drop(WEB, 3, "instanceSize")
of(
    "CS-LEGACY-SIZE",
    yes=[SMALL, with_role(instanceSize="ExtraLarge"), with_role(instanceSize="A5")],
    no=[WEB, A9],
    unknown=[NOSIZE, drop(WEB, 2, "read:roles")],
)
of("CS-SIZE-SPECIAL", yes=SQL, no=[WEB, SMALL], unknown=NOSIZE)
of("CS-SIZE-DEPRECATED", yes=[A9, with_role(instanceSize="Standard_A11")], no=[WEB, SMALL], unknown=NOSIZE)
MIXED = [*WEB, service("iaas"), machine_slot(), machine()]
for rule in ("CS-MIXED-VNET", "VNET-MIXED"):
    of(rule, yes=MIXED, unknown=[drop(MIXED, 2, "slotType"), [*MIXED[:-1], drop(MIXED[-1:], 0, "top:properties")[0]]])
of("CS-MIXED-VNET", no=WEB, silent=VMS)
of("VNET-MIXED", no=[WEB, VMS])
NONAME = put(WEB, 2, "virtualIps", vip(None, isReserved=True))
of(
    "CS-RIP-NONAME",
    yes=[NONAME, (WEB, refused("Deployment has reserved IP(s) but no reserved IP name"))],
    no=[WEB, put(WEB, 2, "virtualIps", vip())],
    unknown=[drop(NONAME, 2, "virtualIps.0.isReserved"), drop(NONAME, 2, "virtualIps.0.reservedIpName")],
)
DEAF = put(put(WEB, 2, "virtualIps", vip()), 3, "inputEndpoints", [])
of(
    "CS-RIP-NOENDPOINT",
    yes=DEAF,
    no=[WEB, put(WEB, 2, "virtualIps", vip())],
    unknown=[drop(DEAF, 3, "inputEndpoints"), drop(DEAF, 2, "virtualIps")],
)
of(
    "CS-BUSY",
    yes=[
        put(WEB, 2, "status", "Updating"),
        put(WEB, 2, "upgradeStatus", {"upgradeType": "Auto"}),
        (WEB, refused("Deployment is in intermediate state Deleting. Migration not allowed.")),
    ],
    no=[WEB, VMS],
    unknown=[drop(WEB, 2, "status"), drop(WEB, 2, "upgradeStatus"), drop(EMPTY, 0, "read:slots")],
)
of("CS-NO-CSPKG", yes=[(WEB, refused("The CSPKG isn’t available for deployment d1"))], no=(WEB, VALIDATED), unknown=WEB)
of(
    "CS-NAME-EQ-ROLE",
    yes=[network(), service(), slot(roles=("Shop",)), role(role="Shop")],
    no=WEB,
    unknown=drop(WEB, 2, "read:roles"),
)
FAR = [{**network(), "location": "East US"}, *WEB[1:]]
of("CS-SUBNET-REGION", yes=FAR, no=WEB, unknown=[drop(WEB, 0, "top:location"), drop(WEB, 1, "top:location")])
E08 = "Deployment requires at least one feature that not registered on the subscription. Missing feature(s): X"
of("CS-FEATURE-MISSING", yes=(WEB, refused(E08)), no=(WEB, VALIDATED), unknown=WEB)
of("CS-IN-VNET", yes=WEB, no=LONE, unknown=drop(drop(LONE, 1, "virtualNetwork"), 1, "configuration"))
of(
    "CS-SINGLE-INSTANCE",
    yes=with_role(instanceCount=1),
    no=WEB,
    unknown=drop(drop(WEB, 3, "instanceCount"), 2, "configuration"),
)
of("CS-STAGING-SUBNET-MIX", yes=WEB, silent=[LONE, VMS])
of(
    "CS-AUTOSCALE",
    yes=[[*WEB, autoscale(role_id("shop"))], [*WEB, autoscale(slot_id("shop"))]],
    no=[*WEB, autoscale(role_id("another"))],
    unknown=[
        (WEB, unlisted(ResourceType.AUTOSCALE_SETTING)),
        [*WEB, drop([autoscale(role_id("shop"))], 0, "top:properties")[0]],
    ],
)
of(
    "CS-ALERTS",
    yes=[*WEB, alert(role_id("shop"))],
    no=[*WEB, alert(role_id("another"))],
    silent=[*VMS, alert(machine_id())],
    unknown=(WEB, unlisted(ResourceType.ALERT_RULE)),
)
of("CS-JIT", yes=[*VMS, jit(machine_id())], no=VMS, unknown=(VMS, unlisted(ResourceType.JIT_POLICY)))
of(
    "CS-RBAC",
    yes=[*WEB, assignment(service_id("shop"))],
    no=[WEB, [*WEB, assignment(RG)]],
    unknown=(WEB, unlisted(ResourceType.ROLE_ASSIGNMENT)),
)
of("CS-CERT-KV", yes=[*WEB, certificate()], no=WEB, unknown=drop(WEB, 1, "read:serviceCertificates"))
of("CS-LB-READONLY", yes=WEB, no=put(WEB, 3, "inputEndpoints", []), unknown=drop(WEB, 3, "inputEndpoints"))
of("CS-PIP-BASIC", yes=WEB, no=put(WEB, 2, "virtualIps", []), unknown=drop(WEB, 2, "virtualIps"))
for rule in ("CS-DNS", "CS-CSCFG-VNET", "CS-SWAP-PREPARED", "CS-ES-RETIRING", "CS-OK-STORAGE", "CS-OK-DNS"):
    of(rule, yes=[WEB, LONE], silent=[VMS, STORE])
of("CS-LABEL-TAGS", yes=put(WEB, 2, "deploymentLabel", "release 7"), no=WEB, unknown=drop(WEB, 2, "deploymentLabel"))
of(
    "CS-VS-PUBLISH",
    unknown=WEB,
    yes=(WEB, attested("CS-VS-PUBLISH", S, True)),
    no=(WEB, attested("CS-VS-PUBLISH", S, False)),
)

GUARDED = put(WEB, 0, "subnets.0.networkSecurityGroup", {"name": "nsg"})
ROUTED = put(WEB, 0, "subnets.0.routeTable", {"name": "rt"})
NOSUBNETS = drop(WEB, 0, "subnets")
RESERVED = put(WEB, 2, "virtualIps", vip())
ACL = with_role(inputEndpoints=[endpoint("http", "10.0.0.0/8")])
of("CS-OK-VNET", yes=WEB, no=LONE, unknown=drop(drop(WEB, 2, "virtualNetwork"), 2, "configuration"))
of("CS-OK-NSG", yes=GUARDED, no=WEB, unknown=NOSUBNETS)
of("CS-OK-UDR", yes=ROUTED, no=WEB, unknown=NOSUBNETS)
of("CS-OK-RIP", yes=RESERVED, no=WEB, unknown=drop(WEB, 2, "virtualIps"))
of("CS-OK-DYNIP", yes=WEB, no=RESERVED, unknown=drop(WEB, 2, "virtualIps"))
of("CS-OK-ENDPOINT-ACL", yes=ACL, no=WEB, unknown=drop(WEB, 2, "read:roles"))
of("CS-OK-CERT", yes=[*WEB, certificate()], no=WEB, unknown=drop(WEB, 1, "read:serviceCertificates"))
of("CS-OK-EXT", yes=[[*WEB, role_extension("RDP")], RDP[:4]], no=WEB, unknown=drop(WEB, 3, "read:extensionReferences"))
of("CS-OK-SIZES", yes=WEB, no=SMALL, unknown=NOSIZE)
of("CS-OK-MULTIROLE", yes=WEB, no=[network(), service(), slot(roles=())], unknown=drop(WEB, 2, "read:roles"))
for rule in ("CS-OK-BASICLB", "CS-OK-ENDPOINTS"):
    of(rule, yes=WEB, no=put(WEB, 3, "inputEndpoints", []), unknown=drop(WEB, 3, "inputEndpoints"))
for rule in ("ILB", "STARTUP-TASKS", "ACCELNET", "MULTIVIP", "AZPIN", "DNG", "DSMS", "NETTRAFFIC", "HYPERNET"):
    of(
        f"CS-OK-{rule}",
        unknown=WEB,
        yes=(WEB, attested(f"CS-OK-{rule}", S, True)),
        no=(WEB, attested(f"CS-OK-{rule}", S, False)),
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
