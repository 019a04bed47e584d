"""Bramble Retail: the web shop and the stores, West and North Europe."""

from migrator.simulator.estates.builder import Area, Document, EstateBuilder, role, rule, security_rule
from migrator.simulator.estates.company import (
    HOOK,
    MAIL,
    OFFICE_ONLY,
    ORDERS,
    STORES,
    WEB,
    machine_service,
    simple_service,
    tags,
    without,
)

WE, NE = "westeurope", "northeurope"


def build(builder: EstateBuilder) -> None:
    area = builder.area(
        "Bramble Retail",
        [WE, NE],
        limits={(WE, "standardDv2Family"): 200, (NE, "standardDFamily"): 16},
        used={(WE, "cores"): 42, (WE, "standardDv2Family"): 30, (WE, "LoadBalancers"): 4, (NE, "cores"): 12},
    )
    area.administrator("cloud-account" + MAIL, "ServiceAdministrator;AccountAdministrator")
    area.administrator("priya.raman" + MAIL)
    area.administrator("m.okafor@shopfitters.example")
    vhds = area.storage("retail-storage", "brambledisks", WE, kind="Standard-GRS", tags=tags(STORES))
    _web(area)
    _catalogue(area)
    _media(area)
    _orders(area)
    _alone(area)
    _slots(area)
    _machines(area, vhds)
    _blocked_networks(area, vhds)
    _storage_and_leftovers(area)
    _undecided(area, vhds)


def _web(area: Area) -> None:
    """The shop itself: three services, autoscale with two profiles, alerts by mail and webhook, grants, a reserved
    address."""
    guard = area.security_group(
        "retail-web",
        "nsg-web-front",
        WE,
        ["front"],
        [
            security_rule("allow-https", 200, source="INTERNET", port="443"),
            security_rule("allow-http", 210, source="INTERNET", port="80"),
            security_rule("deny-all-in", 4000, source="INTERNET", action="Deny", protocol="*"),
        ],
    )
    network = area.network(
        "retail-web",
        "web-prod-net",
        WE,
        space="10.40.0.0/16",
        subnets={"front": "10.40.0.0/24", "api": "10.40.1.0/24", "back": "10.40.2.0/24"},
        tags=tags(WEB, criticality="high"),
        dns=["10.40.2.4", "10.40.2.5"],
        security_groups={"front": guard},
        route_tables={"back": "rt-web-back"},
    )
    through = {"to-internet": ("0.0.0.0/0", "10.40.2.10"), "to-stores": ("10.43.0.0/16", "VPNGateway")}
    area.route_table("rt-web-back", WE, through, ["web-prod-net/back"])
    web = area.service(
        "retail-web", "bramble-web", WE, label="shop front", tags=tags(WEB, criticality="high"), certificates=2
    )
    front = role(
        "WebFront",
        "Standard_D3_v2",
        4,
        subnets=["front"],
        endpoints={"http": 80, "https": 443},
        extensions={"PaaSAntimalware-webfront-20200114": "Enable"},
    )
    # the reference says no more than its name and state, as azsk saw it; what it is of stands in the definition
    area.extension(web, "PaaSAntimalware-webfront-20200114", "Microsoft.Azure.Security", "PaaSAntimalware", "1.*")
    api = role("Api", "Standard_D2_v2", 3, subnets=["api"], endpoints={"api": 8443})
    slot = area.slot(web, [front, api], network=network, label="shop 2026.46")
    reference = area.builder.by_id[f"{slot['id']}/roles/WebFront/extensionReferences/PaaSAntimalware-webfront-20200114"]
    without(reference, "publisher", "type", "version")
    address = area.reserved(
        "retail-web", "rip-checkout", WE, attached_to=web["id"].replace("bramble-web", "bramble-checkout")
    )
    checkout = area.service("retail-web", "bramble-checkout", WE, tags=tags(WEB, criticality="high"), certificates=2)
    pay = role("Checkout", "Standard_D2_v2", 3, subnets=["front"], endpoints={"https": 443})
    area.slot(checkout, [pay], network=network, reserved=address)
    search = area.service("retail-web", "bramble-search", WE, tags=tags(WEB))
    index = role("Index", "Standard_D12_v2", 2, subnets=["back"], endpoints={"admin": 9200}, acl=OFFICE_ONLY)
    area.slot(search, [index], network=network, acl={"admin": "203.0.113.0/24"})
    _web_settings(area, web, slot, network)


def _web_settings(area: Area, web: Document, slot: Document, network: Document) -> None:
    front, api = f"{slot['id']}/roles/WebFront", f"{slot['id']}/roles/Api"
    _web_scaling(area, front, api)
    oncall = ["web-oncall" + MAIL]
    area.alert("retail-web", "web-front-cpu", front, WE, threshold=90, emails=oncall, webhook=HOOK + "/alert")
    area.alert(
        "retail-web",
        "web-front-network-out",
        front,
        WE,
        metric="Network Out",
        threshold=5e9,
        aggregation="Total",
        emails=oncall,
    )
    area.alert(
        "retail-web",
        "web-api-disk",
        api,
        WE,
        metric="Disk Write Bytes/Sec",
        threshold=20_000_000,
        window="PT5M",
        webhook=HOOK,
    )
    restart = "Microsoft.ClassicCompute/domainNames/slots/roles/roleInstances/restart/action"
    area.activity_log_alert("retail-web", "web-restarted", web["id"], restart)
    area.traffic("retail-web", "bramble-front", web)
    area.grant(web["id"], "Contributor", "web-operators")
    area.grant(network["id"], "Classic Network Contributor", "network-team")
    area.grant(f"/subscriptions/{area.subscription}/resourceGroups/retail-web", "Reader", "audit-readers")
    area.grant(f"/subscriptions/{area.subscription}", "Owner", "platform-owners")


def _web_scaling(area: Area, target: str, api: str) -> None:
    """Usual load, evenings and the winter sale; network traffic beside the processors."""
    rules = [
        rule(target, "Percentage CPU", "GreaterThan", 70, 2),
        rule(target, "Percentage CPU", "LessThan", 30, -1, cooldown="PT20M"),
        rule(target, "Network In", "GreaterThan", 2_000_000_000, 2, aggregation="Total"),
    ]
    evenings = {
        "name": "Evenings",
        "capacity": {"minimum": "6", "default": "6", "maximum": "12"},
        "rules": [rule(target, "Percentage CPU", "GreaterThan", 65, 2)],
        "recurrence": {
            "frequency": "Week",
            "schedule": {
                "timeZone": "W. Europe Standard Time",
                "days": ["Friday", "Saturday", "Sunday"],
                "hours": [17],
                "minutes": [30],
            },
        },
    }
    sale = {
        "name": "Winter sale",
        "capacity": {"minimum": "10", "default": "10", "maximum": "20"},
        "rules": [],
        "fixedDate": {
            "timeZone": "W. Europe Standard Time",
            "start": "2026-12-26T06:00:00Z",
            "end": "2027-01-06T23:00:00Z",
        },
    }
    area.autoscale(
        "retail-web",
        "web-front-scale",
        target,
        WE,
        rules,
        capacity=(3, 4, 12),
        more_profiles=[evenings, sale],
        emails=["web-oncall" + MAIL],
        webhook=HOOK + "/scale",
    )
    area.autoscale(
        "retail-web", "web-api-scale", api, WE, [rule(api, "Percentage CPU", "GreaterThan", 75, 1)], capacity=(2, 3, 8)
    )


def _catalogue(area: Area) -> None:
    subnets = {"apps": "10.41.0.0/24"}
    network = area.network(
        "retail-catalogue", "catalogue-net", WE, space="10.41.0.0/20", subnets=subnets, tags=tags(WEB)
    )
    for name, size, count in (
        ("catalogue-api", "Standard_D2_v2", 3),
        ("catalogue-import", "Standard_D1_v2", 2),
        ("catalogue-images", "Standard_A2_v2", 2),
    ):
        simple_service(
            area,
            "retail-catalogue",
            name,
            WE,
            WEB,
            size=size,
            count=count,
            network=network,
            subnets=["apps"],
            role_name="Worker",
        )


def _media(area: Area) -> None:
    """A network made in the portal: `Group rg name` in service management."""
    subnets = {"encode": "10.42.0.0/24"}
    network = area.network(
        "Bramble-Media",
        "media-net",
        WE,
        space="10.42.0.0/16",
        subnets=subnets,
        tags=tags(WEB),
        site_name="Group Bramble-Media media-net",
    )
    extensions = {"RDP-encoder-20190611": "Enable"}
    simple_service(
        area,
        "Bramble-Media",
        "media-encoder",
        WE,
        WEB,
        size="Standard_F8",
        network=network,
        subnets=["encode"],
        extensions=extensions,
    )


def _orders(area: Area) -> None:
    subnets = {"orders": "10.43.0.0/24", "batch": "10.43.1.0/24"}
    network = area.network("retail-orders", "orders-net", NE, space="10.43.0.0/16", subnets=subnets, tags=tags(ORDERS))
    more = {"network": network, "subnets": ["orders"], "certificates": 1}
    slot = simple_service(
        area, "retail-orders", "orders-api", NE, ORDERS, size="Standard_D2_v2", count=3, role_name="Orders", **more
    )
    batch = area.service("retail-orders", "orders-batch", NE, tags=tags(ORDERS))
    night = role("Nightly", "Standard_D3_v2", 2, subnets=["batch"])
    area.slot(batch, [night], network=network)
    target = f"{slot['id']}/roles/Orders"
    rules = [
        rule(
            target, "Disk Read Bytes/Sec", "GreaterThan", 8_000_000, 1
        ),  # a rate here, a total afterwards (azure.md 6.1)
        rule(target, "Percentage CPU", "LessThan", 20, -1),
    ]
    area.autoscale("retail-orders", "orders-scale", target, NE, rules, emails=["orders" + MAIL])
    area.alert("retail-orders", "orders-cpu", target, NE, threshold=80, emails=["orders" + MAIL])
    area.grant(slot["id"].partition("/slots/")[0], "Contributor", "orders-operators")


def _alone(area: Area) -> None:
    """Services in their hidden default networks."""
    simple_service(area, "retail-marketing", "newsletter", WE, WEB, label="newsletter 5")
    gifts = simple_service(area, "retail-marketing", "giftcards", WE, WEB, size="Standard_D2_v2", certificates=1)
    target = f"{gifts['id']}/roles/Web"
    area.autoscale(
        "retail-marketing", "giftcards-scale", target, WE, [rule(target, "Percentage CPU", "GreaterThan", 80, 1)]
    )
    simple_service(area, "retail-stores", "store-locator", NE, STORES, count=1)  # restarts after Commit: an outage
    simple_service(area, "retail-stores", "click-collect", NE, STORES, size="Standard_D2_v2", count=3)
    simple_service(area, "retail-marketing", "product-reviews", WE, WEB, size="Standard_D11_v2")
    simple_service(area, "retail-stores", "loyalty-points", NE, STORES, size="Small", count=3)  # a legacy size
    disabled = {"PaaSDiagnostics-size-guide-20180402": "Disable"}
    simple_service(area, "retail-marketing", "size-guide", WE, WEB, extensions=disabled)


def _slots(area: Area) -> None:
    """What two slots, one slot and no slot do."""
    campaign = area.service("retail-marketing", "campaign-site", WE, tags=tags(WEB))
    for slot in ("Production", "Staging"):
        area.slot(campaign, [role("Site", "Standard_D1_v2", 2, endpoints={"https": 443})], slot=slot)
    address = area.reserved(
        "retail-marketing", "rip-vouchers", WE, attached_to=f"{campaign['id'].rpartition('/')[0]}/vouchers"
    )
    vouchers = area.service("retail-marketing", "vouchers", WE, tags=tags(WEB))
    area.slot(vouchers, [role("Codes", "Standard_D1_v2", 2, endpoints={"https": 443})], reserved=address)
    area.slot(vouchers, [role("Codes", "Standard_D1_v2", 1, endpoints={"https": 443})], slot="Staging")
    preview = area.service("retail-marketing", "preview-site", WE, tags=tags(WEB, "test"))
    area.slot(preview, [role("Site", "Standard_D1_v2", 2, endpoints={"https": 443})], slot="Staging")
    area.service("retail-marketing", "old-blog", WE, tags=tags(WEB, "retired"))  # empty


def _machines(area: Area, vhds: Document) -> None:
    """Networks of virtual machines that can move."""
    guard = area.security_group(
        "retail-erp",
        "nsg-erp",
        NE,
        ["data", "erp-sql"],
        [
            security_rule("allow-sql-from-apps", 200, source="10.44.0.0/24", port="1433"),
            security_rule("allow-rdp-from-office", 300, source="203.0.113.0/24", port="3389"),
        ],
    )
    network = area.network(
        "retail-erp",
        "erp-net",
        NE,
        space="10.44.0.0/16",
        subnets={"apps": "10.44.0.0/24", "data": "10.44.1.0/24"},
        tags=tags(ORDERS, criticality="high"),
        security_groups={"data": guard},
    )
    erp = machine_service(area, "retail-erp", "erp-apps", NE, ORDERS, network)
    store = area.storage("retail-erp", "brambleerp", NE, kind="Standard-LRS", tags=tags(ORDERS))
    for number in (1, 2):
        area.machine(
            erp,
            f"erp-app{number}",
            "Standard_D3",
            account=store,
            network=network,
            subnets=["apps"],
            private=f"10.44.0.{3 + number}",
            endpoints={"https": 443},
            availability_set="erp-apps-set",
            balanced="erp-https",
            tags=tags(ORDERS),
        )
    data = machine_service(area, "retail-erp", "erp-data", NE, ORDERS, network)
    database = area.machine(
        data,
        "erp-sql",
        "Standard_D13",
        account=store,
        network=network,
        subnets=["data"],
        private="10.44.1.10",
        static=True,
        security_group=guard,
        data_disks=3,
        tags=tags(ORDERS),
    )
    area.alert("retail-erp", "erp-sql-cpu", database["id"], NE, threshold=95, emails=["dba" + MAIL])
    area.grant(database["id"], "Classic Virtual Machine Contributor", "dba")
    area.jit("retail-erp", database, 3389)
    area.key_vault("retail-keys", "bramble-keys", NE, {"head-office": "c0rn-flower!meadow-83"})
    vault = area.vault("retail-backup", "bramble-vault", NE)
    area.backup(vault, database, "ledger-nightly")
    area.replication(vault, database)
    area.lock(database["id"], "keep-erp-sql", "CanNotDelete", "The ledger lives here.")
    subnets = {"files": "10.45.0.0/24", "GatewaySubnet": "10.45.255.0/27"}
    files = area.network("retail-stores", "files-net", NE, space="10.45.0.0/16", subnets=subnets, tags=tags(STORES))
    door = area.gateway(files, "Vpn", connections={"to-head-office": "Connected"})
    area.client_certificate(door, "Bramble Stores VPN Root 2022", expires="2032-04-01T00:00:00Z")
    area.client_certificate(door, "store-0417 laptop", expires="2027-01-31T00:00:00Z", revoked=True)
    host = machine_service(area, "retail-stores", "store-files", NE, STORES, files)
    area.machine(
        host,
        "file1",
        "Small",
        account=vhds,
        network=files,
        subnets=["files"],
        private="10.45.0.4",
        endpoints={"rdp": 3389},
    )


def _blocked_networks(area: Area, vhds: Document) -> None:
    subnets = {"stock": "10.46.0.0/24"}
    mixed = area.network("retail-stores", "stock-net", NE, space="10.46.0.0/16", subnets=subnets, tags=tags(STORES))
    simple_service(area, "retail-stores", "stock-api", NE, STORES, network=mixed, subnets=["stock"], role_name="Stock")
    host = machine_service(area, "retail-stores", "stock-db", NE, STORES, mixed)
    area.machine(host, "stock-sql", "Standard_D3", account=vhds, network=mixed, subnets=["stock"], private="10.46.0.9")
    partner = area.network(
        "retail-partners", "partner-net", WE, space="10.47.0.0/16", subnets={"edge": "10.47.0.0/24"}, tags=tags(WEB)
    )
    simple_service(
        area, "retail-partners", "partner-api", WE, WEB, network=partner, subnets=["edge"], role_name="Gateway"
    )
    body = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [], "virtualNetworkPeerings": []}
    link = {"remoteVirtualNetwork": {"id": partner["id"]}, "peeringState": "Connected"}
    body["virtualNetworkPeerings"] = [{"name": "to-partner-net", "properties": link}]
    hub = area.arm("retail-hub", "Microsoft.Network/virtualNetworks", "hub-net", WE, body)
    area.peering(partner, hub)
    area.peering_proxy(partner, hub)


def _storage_and_leftovers(area: Area) -> None:
    static = area.storage("retail-storage", "bramblestatic", WE, tags=tags(WEB))
    area.grant(static["id"], "Classic Storage Account Contributor", "web-operators")
    area.storage("retail-storage", "bramblelogs", NE, kind="Standard-RAGRS", tags=tags(ORDERS))
    images = area.storage("retail-storage", "brambleimages", WE, tags=tags(STORES))
    area.image(images, "till-2014")
    area.image(images, "kiosk-gold", "vmImages")
    area.disk(images, "till-master-copy")
    area.reserved("retail-web", "rip-spring-sale", WE)
    area.security_group("retail-web", "nsg-old-dmz", WE)
    area.route_table("rt-proxy-2015", WE, {"to-internet": ("0.0.0.0/0", "10.40.2.11")})


def _undecided(area: Area, vhds: Document) -> None:
    """Facts are missing: nobody can say yet."""
    till = simple_service(area, "retail-stores", "pos-sync", NE, STORES, size="Standard_D2_v2")
    without(till, "configuration", "createdTime")
    feed = simple_service(area, "retail-catalogue", "price-feed", WE, WEB)
    without(feed, "status", "state", "upgradeStatus")
    without(area.builder.resources[-1], "instanceSize", "instanceCount")
    subnets = {"apps": "10.48.0.0/24"}
    intranet = area.network(
        "retail-stores", "intranet-net", NE, space="10.48.0.0/16", subnets=subnets, tags=tags(STORES)
    )
    host = machine_service(area, "retail-stores", "intranet", NE, STORES, intranet)
    wiki = area.machine(host, "wiki1", "Medium", account=vhds, network=intranet, subnets=["apps"], private="10.48.0.4")
    without(wiki, "instanceView.guestAgentStatus", "extensions", "debugProfile")
    without(area.reserved("retail-stores", "rip-kiosk", NE), "inUse", "attachedTo")
