"""Cases of the rules about the subscription and about cloud services (azure.md 3.1, 3.2)."""

from migrator.readiness import Shortfall
from migrator.resources import Registration, ResourceType
from tests.migrator.readiness.cases_base import (
    EARLY,
    EMPTY,
    LONE,
    PREPARED,
    QUOTA,
    STORE,
    VALIDATED,
    VMS,
    WEB,
    attested,
    cscfg,
    csdef,
    given,
    of,
    refused,
    two_slots,
    unlisted,
    with_role,
)
from tests.migrator.readiness.documents import (
    OTHER,
    RG,
    S,
    account_id,
    alert,
    assignment,
    autoscale,
    certificate,
    drop,
    endpoint,
    group,
    jit,
    lock,
    machine,
    machine_id,
    machine_slot,
    network,
    network_id,
    put,
    role,
    role_extension,
    role_id,
    service,
    service_id,
    slot,
    slot_id,
    vip,
)

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
SILENT = drop(WEB, 2, "configuration")
of("CS-CSCFG-VNET", no=(WEB, given(cscfg(network_site="/subscriptions/s/resourceGroups/g/x/v"))))
of(
    "CS-CSDEF-NAME-MISMATCH",
    yes=(WEB, given(cscfg(service_name="Shop"), csdef(definition_name="Store"))),
    no=[(WEB, given(cscfg(service_name="Shop"), csdef(definition_name="Shop"))), (WEB, PREPARED)],
    unknown=[WEB, (SILENT, given(csdef(definition_name="Shop"))), (SILENT, given(cscfg(service_name="Shop")))],
    silent=[VMS, STORE],
)
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
