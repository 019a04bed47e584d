"""Bramble Logistics: depots and tracking, East US and West Europe; tight on one family in East US."""

from migrator.simulator.estates.builder import Area, Document, EstateBuilder, role, rule
from migrator.simulator.estates.company import (
    DEPOTS,
    HOOK,
    MAIL,
    OFFICE_ONLY,
    machine_service,
    simple_service,
    tags,
    without,
)

EUS, WE = "eastus", "westeurope"
ELSEWHERE = "9d1f6a0e-2a3f-4a57-8a43-5d8f0c1b7e66"  # a circuit in somebody else's subscription


def build(builder: EstateBuilder) -> None:
    area = builder.area(
        "Bramble Logistics",
        [EUS, WE],
        limits={(EUS, "standardDv2Family"): 60, (EUS, "cores"): 120, (EUS, "StaticPublicIPAddresses"): 20},
        used={(EUS, "standardDv2Family"): 38, (EUS, "cores"): 44, (WE, "cores"): 8},
    )
    area.administrator("cloud-account" + MAIL, "ServiceAdministrator;AccountAdministrator")
    vhds = area.storage("depot-storage", "depotdisks", EUS, tags=tags(DEPOTS))
    _tracking(area)
    _plain_networks(area)
    _alone(area)
    _machines(area, vhds)
    _blocked_services(area)
    _blocked_gateways(area, vhds)
    _blocked_machines(area, vhds)
    _undecided(area, vhds)
    area.storage("depot-storage", "depotarchive", EUS, kind="Standard-GRS", tags=tags(DEPOTS))
    area.storage("depot-storage", "depotlabels", WE, tags=tags(DEPOTS))
    area.reserved("depot-edge", "rip-old-edge", EUS)
    area.reserved("depot-edge", "rip-broker", WE)
    area.security_group("depot-edge", "nsg-handhelds-2016", EUS)
    area.route_table(
        "rt-depot-firewall", EUS, {"to-head-office": ("10.0.0.0/8", "10.60.0.250"), "out": ("0.0.0.0/0", "Internet")}
    )


def _network(area: Area, name: str, third: int, region: str = EUS, **more: object) -> Document:
    subnets = {"apps": f"10.{third}.0.0/24", **dict(more.pop("subnets", {}))}  # type: ignore[call-overload]
    group = more.pop("group", "depot-apps")
    space = f"10.{third}.0.0/16"
    return area.network(str(group), name, region, space=space, subnets=subnets, tags=tags(DEPOTS), **more)  # type: ignore[arg-type]


def _tracking(area: Area) -> None:
    network = _network(area, "tracking-net", 60, group="depot-tracking")
    web = simple_service(
        area,
        "depot-tracking",
        "parcel-tracking",
        EUS,
        DEPOTS,
        size="Standard_D2",
        count=4,
        role_name="Tracking",
        network=network,
        subnets=["apps"],
        certificates=1,
    )
    simple_service(
        area,
        "depot-tracking",
        "parcel-events",
        EUS,
        DEPOTS,
        size="Standard_D1",
        count=3,
        network=network,
        subnets=["apps"],
    )
    target = f"{web['id']}/roles/Tracking"
    rules = [
        rule(target, "Percentage CPU", "GreaterThanOrEqual", 60, 2),
        rule(target, "Percentage CPU", "LessThanOrEqual", 25, -1),
    ]
    area.autoscale(
        "depot-tracking", "tracking-scale", target, EUS, rules, capacity=(3, 4, 10), emails=["depots" + MAIL]
    )
    area.alert("depot-tracking", "tracking-cpu", target, EUS, emails=["depots" + MAIL], webhook=HOOK)
    area.alert(
        "depot-tracking",
        "tracking-network",
        target,
        EUS,
        metric="Network In",
        threshold=1e9,
        aggregation="Total",
        enabled=False,
    )
    area.grant(web["id"].partition("/slots/")[0], "Contributor", "depot-operators")


def _plain_networks(area: Area) -> None:
    depot = _network(area, "depot-net", 61)
    for name in ("depot-portal", "depot-sync"):
        simple_service(area, "depot-apps", name, EUS, DEPOTS, size="Standard_D2", network=depot, subnets=["apps"])
    routing = _network(area, "routing-net", 62, group="depot-routing")  # needs 64 of a family with 22 left
    engine = {"size": "Standard_D4_v2", "count": 8, "role_name": "Solver", "network": routing, "subnets": ["apps"]}
    simple_service(area, "depot-routing", "route-solver", EUS, DEPOTS, **engine)
    returns = _network(area, "returns-net", 63, WE)
    simple_service(area, "depot-apps", "returns-portal", WE, DEPOTS, network=returns, subnets=["apps"])
    simple_service(area, "depot-apps", "returns-labels", WE, DEPOTS, network=returns, subnets=["apps"])


def _alone(area: Area) -> None:
    simple_service(area, "depot-apps", "label-printer", EUS, DEPOTS, size="Standard_A2_v2")
    simple_service(area, "depot-apps", "driver-app", EUS, DEPOTS, size="Standard_D2", count=3, certificates=1)
    simple_service(area, "depot-apps", "tyre-pressure", WE, DEPOTS, count=1)
    simple_service(
        area, "depot-apps", "weighbridge", WE, DEPOTS, extensions={"PaaSAntimalware-weighbridge-20210330": "Enable"}
    )


def _machines(area: Area, vhds: Document) -> None:
    network = _network(area, "print-net", 64)
    host = machine_service(area, "depot-apps", "print-farm", EUS, DEPOTS, network)
    for number in (1, 2):
        private = f"10.64.0.{3 + number}"
        area.machine(host, f"print{number}", "Medium", account=vhds, network=network, subnets=["apps"], private=private)
    ftp = machine_service(
        area, "depot-edge", "legacy-ftp", EUS, DEPOTS
    )  # in no network: stopped and started by Prepare
    area.machine(ftp, "ftp1", "Basic_A2", account=vhds, endpoints={"ftp": 21}, system="Linux", private="10.77.12.4")
    address = area.reserved(
        "depot-edge", "rip-scanner", EUS, attached_to=ftp["id"].replace("legacy-ftp", "scanner-gateway")
    )
    apps = {"name": "apps", "properties": {"addressPrefix": "10.60.1.0/28", "provisioningState": "Succeeded"}}
    body = {"addressSpace": {"addressPrefixes": ["10.60.0.0/16"]}, "subnets": [apps], "virtualNetworkPeerings": []}
    area.arm("depot-hub", "Microsoft.Network/virtualNetworks", "depot-hub-net", EUS, body)  # where they may go
    scanner = machine_service(area, "depot-edge", "scanner-gateway", EUS, DEPOTS, reserved=address)
    area.machine(
        scanner, "scanner1", "Small", account=vhds, endpoints={"mqtt": 8883}, system="Linux", private="10.77.12.9"
    )


def _blocked_services(area: Area) -> None:
    tariffs = area.service("depot-apps", "tariffs", EUS, tags=tags(DEPOTS))  # older than default networks
    area.slot(tariffs, [role("Rates", "Standard_D1", 2, endpoints={"http": 80})], created="2013-06-20T10:02:11Z")
    eta = area.service("depot-apps", "eta-predictor", EUS, tags=tags(DEPOTS))
    upgrade = {"upgradeType": "Auto", "currentUpgradeDomainState": "During", "currentUpgradeDomain": 2}
    area.slot(eta, [role("Predict", "Standard_D2", 2, endpoints={"https": 443})], state="Updating", upgrade=upgrade)
    handheld = _network(area, "handheld-net", 65)
    simple_service(area, "depot-apps", "handheld-api", EUS, DEPOTS, network=handheld)  # a role in no subnet
    fleet = _network(area, "fleet-net", 66, affinity_group="fleet-affinity")
    service = area.service("depot-apps", "fleet-manager", EUS, tags=tags(DEPOTS), affinity_group="fleet-affinity")
    area.slot(service, [role("Fleet", "Standard_D1", 2, subnets=["apps"], endpoints={"https": 443})], network=fleet)
    hosting = _network(area, "booking-net", 67, subnets={"ase": "10.67.8.0/24"})
    simple_service(area, "depot-apps", "booking-core", EUS, DEPOTS, network=hosting, subnets=["apps"])
    profile = {"id": hosting["id"], "type": "Microsoft.ClassicNetwork/virtualNetworks", "subnet": "ase"}
    area.arm(
        "depot-apps", "Microsoft.Web/hostingEnvironments", "booking-ase", EUS, {"virtualNetwork": profile}, kind="ASEV1"
    )


def _blocked_gateways(area: Area, vhds: Document) -> None:
    border = _network(area, "border-net", 68, subnets={"GatewaySubnet": "10.68.255.0/27"})
    simple_service(area, "depot-apps", "customs-bridge", EUS, DEPOTS, network=border, subnets=["apps"])
    area.gateway(border, "ExpressRoute", circuit=area.subscription)
    area.cross_connection("depot-edge", "border-circuit", EUS, bandwidth=200)
    both = _network(area, "harbour-net", 69, subnets={"GatewaySubnet": "10.69.255.0/27"})
    host = machine_service(area, "depot-apps", "harbour-hosts", EUS, DEPOTS, both)
    area.machine(host, "crane1", "Standard_D2", account=vhds, network=both, subnets=["apps"], private="10.69.0.4")
    area.gateway(both, "Vpn", connections={"to-harbour": "NotConnected"})
    area.gateway(both, "ExpressRoute", circuit=ELSEWHERE)


def _blocked_machines(area: Area, vhds: Document) -> None:
    """Eight machines, each with its own flaw."""
    network = _network(area, "yard-net", 70, subnets={"cameras": "10.70.1.0/24"})
    common = {"account": vhds, "network": network}

    def host(name: str) -> Document:
        return machine_service(area, "depot-yard", name, EUS, DEPOTS, network)

    gate = host("yard-gate")
    area.machine(gate, "gate1", "Small", subnets=["apps"], endpoints={"rdp": 3389}, endpoint_acl=OFFICE_ONLY, **common)
    scale = host("yard-scales")
    area.machine(scale, "scale1", "Small", subnets=["apps"], extensions={"BGInfo": "1.*"}, **common)
    area.machine(scale, "scale2", "Small", subnets=["apps"], extensions={"VMSnapshot": "1.0"}, **common)
    camera = host("yard-cameras")
    area.machine(camera, "camera1", "Medium", subnets=["apps"], extra_nics=["cameras"], **common)
    area.machine(camera, "camera2", "Medium", subnets=[], **common)
    crew = host("yard-crew")
    area.machine(
        crew,
        "crew1",
        "Standard_D2",
        subnets=["apps"],
        availability_set="crew-a",
        extensions={"IaaSAntimalware": "1.3"},
        agent="NotReady",
        **common,
    )
    area.machine(
        crew, "crew2", "Standard_D2", subnets=["apps"], availability_set="crew-b", blob="old/crew2-os.vhd", **common
    )
    pumps = host("yard-pumps")
    area.machine(
        pumps,
        "pump1",
        "Standard_DS2",
        subnets=["apps"],
        premium=True,
        boot_diagnostics=True,
        license_type="Windows_Server",
        **common,
    )


def _undecided(area: Area, vhds: Document) -> None:
    customs = _network(area, "customs-net", 71)
    paper = simple_service(area, "depot-apps", "customs-papers", EUS, DEPOTS, network=customs, subnets=["apps"])
    without(paper, "configuration")
    cold = _network(area, "cold-chain-net", 72, subnets={"GatewaySubnet": "10.72.255.0/27"})
    host = machine_service(area, "depot-apps", "cold-chain", EUS, DEPOTS, cold)
    area.machine(host, "fridge1", "Small", account=vhds, network=cold, subnets=["apps"], private="10.72.0.4")
    without(area.gateway(cold, "Vpn"), "gatewayType", "connections")
    cctv = _network(area, "cctv-net", 73)
    eyes = machine_service(area, "depot-apps", "cctv", EUS, DEPOTS, cctv)
    recorder = area.machine(
        eyes, "recorder1", "Standard_D2", account=vhds, network=cctv, subnets=["apps"], endpoints={"rtsp": 554}
    )
    del recorder["properties"]["networkProfile"]["inputEndpoints"][0]["endpointAcl"]
    without(recorder, "networkProfile.networkInterfaces", "hardwareProfile.availabilitySetName")
    without(_network(area, "spare-net", 74), "affinityGroup", "siteName", "subnets")
    pallets = simple_service(area, "depot-apps", "pallet-pool", WE, DEPOTS)
    without(pallets, "virtualIps", "configuration")
    tolls = simple_service(area, "depot-apps", "toll-roads", WE, DEPOTS)
    without(tolls, "slotType")
    fuel = simple_service(area, "depot-apps", "fuel-cards", WE, DEPOTS)
    without(fuel, "configuration", "status", "state", "createdTime")
    scans = area.storage("depot-storage", "depotscans", WE, tags=tags(DEPOTS))
    without(scans, "affinityGroup", "status")
    without(area.security_group("depot-edge", "nsg-forklifts", EUS), "associations", "state")
