"""The four verbs: what each does, what is refused, what is recorded (azure.md 2)."""

import pytest

CLOUD, NET = "2024-11-04", "2026-03-01"


def test_a_network_goes_all_the_way_with_everything_in_it(journey, shop):
    assert journey.verb("validate", shop).body == {"validationMessages": [], "status": "Succeeded"}
    submitted = journey.verb("prepare", shop)
    assert submitted.status == 202
    assert submitted.headers["location"] == submitted.headers["azure-asyncoperation"]
    assert int(submitted.headers["retry-after"]) >= 1
    assert journey.shown(shop) == "Preparing"
    assert journey.poll(submitted).body["status"] == "InProgress"

    journey.pass_time(3600)
    assert journey.poll(submitted).body["status"] == "Succeeded"
    assert journey.shown(shop) == "Prepared"
    assert journey.shown(f"{journey.id('domainNames', 'shop-web')}/slots/Production") == "Prepared"
    assert {"shop-net-migrated", "shop-web-migrated", "shop-jobs-migrated"} <= journey.groups()

    assert journey.finish("commit", shop)["status"] == "Succeeded"
    assert journey.get(shop).status == 404
    assert not [key for key in journey.control("state")["classic"] if "shop-web" in key or "shop-jobs" in key]
    assert journey.control("violations")["count"] == 0


def test_abort_takes_everything_back(journey, shop):
    before = journey.control("state?documents=1")
    journey.finish("prepare", shop)
    assert journey.control("state")["usages"] != before["usages"]
    assert journey.finish("abort", shop)["status"] == "Succeeded"
    after = journey.control("state?documents=1")
    for part in ("documents", "usages", "locks", "groups"):
        assert after[part] == before[part], part


def test_prepare_and_abort_are_idempotent(journey, shop):
    journey.finish("prepare", shop)
    state = journey.control("state")
    assert journey.finish("prepare", shop)["status"] == "Succeeded"
    assert journey.control("state")["usages"] == state["usages"]
    journey.finish("abort", shop)
    assert journey.finish("abort", shop)["status"] == "Succeeded"
    assert journey.control("violations")["count"] == 0


@pytest.mark.parametrize("second", ["prepare", "abort", "commit"])
def test_a_second_submit_while_one_runs_is_refused_and_recorded(journey, shop, second):
    journey.verb("prepare", shop)
    reply = journey.verb(second, shop, x_ms_client_request_id="again-1")
    assert (reply.status, reply.code) == (409, "ConflictError")
    recorded = journey.control("violations")["value"]
    assert [(row["kind"], row["verb"], row["client_request_id"]) for row in recorded] == [
        ("second submit", second, "again-1")
    ]


def test_while_a_commit_or_an_abort_runs_the_answer_says_which(journey, shop):
    journey.finish("prepare", shop)
    journey.verb("abort", shop)
    assert "in the process of being aborted and cannot be changed" in journey.verb("abort", shop).message
    journey.pass_time(3600)
    journey.finish("prepare", shop)
    journey.verb("commit", shop)
    assert "in the process of being committed and cannot be changed" in journey.verb("commit", shop).message


def test_commit_of_something_not_prepared_is_refused_and_recorded(journey, shop):
    reply = journey.verb("commit", shop)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert "has not been prepared for Migration" in reply.message
    assert journey.control("violations")["value"][0]["kind"] == "commit without prepare"


def test_after_a_commit_was_attempted_there_is_no_abort(journey, shop):
    journey.finish("prepare", shop)
    journey.fault("operation-fails", verb="commit", code="E26", partial=True)
    assert journey.finish("commit", shop)["error"]["code"] == "XrpVirtualNetworkMigrationError"
    for verb in ("abort", "prepare"):
        assert journey.verb(verb, shop).status == 409
    assert [row["kind"] for row in journey.control("violations")["value"]] == [
        "abort after commit",
        "prepare after commit",
    ]
    assert journey.finish("commit", shop)["status"] == "Succeeded"
    assert journey.get(shop).status == 404


def test_a_deployment_inside_a_network_is_not_moved_alone(journey):
    slot = f"{journey.id('domainNames', 'shop-web')}/slots/Production"
    for verb in ("validate", "prepare"):
        reply = journey.verb(verb, slot)
        assert reply.status == 400
        assert "belongs to Virtual Network shop-net" in reply.message
        assert "Migrate Virtual Network shop-net" in reply.message


def test_the_older_name_of_slots_is_understood(small):
    slot = f"{small.id('domainNames', 'small-tool')}/deploymentSlots/production"
    assert small.verb("validate", slot, body={"destinationVirtualNetwork": "New"}).status == 200


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ({}, "DestinationVirtualNetwork must be set to one of"),
        ({"destinationVirtualNetwork": "Default"}, "Default VNet destination option not implemented"),
        ({"destinationVirtualNetwork": "Existing"}, "virtual network name cannot be null or empty"),
        (
            {"destinationVirtualNetwork": "Existing", "virtualNetworkName": "v"},
            "Subnet Name cannot be null or empty",
        ),
        (
            {"destinationVirtualNetwork": "Existing", "virtualNetworkName": "v", "subnetName": "s"},
            "cannot be migrated into an existing",
        ),
    ],
)
def test_the_body_of_a_slot_is_checked(small, body, fragment):
    slot = f"{small.id('domainNames', 'small-tool')}/slots/Production"
    assert fragment in small.verb("prepare", slot, body=body).message


def test_a_default_network_service_gets_a_network_of_its_own(small):
    slot = f"{small.id('domainNames', 'small-tool')}/slots/Production"
    validated = small.verb("validate", slot).body
    assert validated["status"] == "Succeeded"
    assert [m["category"] for m in validated["validationMessages"]] == ["Information"]
    small.finish("prepare", slot)
    group = f"/subscriptions/{small.subscription}/resourceGroups/small-tool-migrated"
    listed = small.ask("GET", f"{group}/resources?api-version=2025-04-01").body["value"]
    assert {row["name"] for row in listed} == {
        "small-tool",
        "LB-small-tool",
        "small-toolContractContract",
        "VNet-small-tool",
    }


def test_a_storage_account_moves_and_its_grants_follow(demo):
    account = demo.id("Microsoft.ClassicStorage/storageAccounts", "bramblestatic")
    demo.finish("prepare", account)
    assert demo.finish("commit", account)["status"] == "Succeeded"
    grants = [scope for scope in demo.control("state")["role_assignments"] if "bramblestatic" in scope.lower()]
    assert len(grants) == 1
    assert "/providers/Microsoft.Storage/storageAccounts/bramblestatic/" in grants[0]


def test_what_was_prepared_carries_sizes_addresses_and_counts_over(journey, shop):
    classic = journey.get(f"{journey.id('domainNames', 'shop-web')}/slots/Production").body["properties"]
    journey.finish("prepare", shop)
    base = f"/subscriptions/{journey.subscription}/resourceGroups/shop-web-migrated/providers"
    service = journey.get(f"{base}/Microsoft.Compute/cloudServices/shop-web", CLOUD).body["properties"]
    assert service["roleProfile"]["roles"] == [
        {"name": "WebFront", "sku": {"name": "Standard_D2_v2", "tier": "Standard", "capacity": 3}}
    ]
    assert len(service["osProfile"]["secrets"][0]["vaultCertificates"]) == 1
    address = journey.get(f"{base}/Microsoft.Network/publicIPAddresses/shop-webContractContract", NET).body
    assert address["properties"]["ipAddress"] == classic["virtualIps"][0]["address"]
    assert (address["sku"]["name"], address["properties"]["publicIPAllocationMethod"]) == ("Basic", "Dynamic")
    network_id = f"{base}/Microsoft.Network/virtualNetworks/shop-net".replace("shop-web-migrated", "shop-net-migrated")
    assert f'<VirtualNetworkSite name="{network_id}"' in service["configuration"]
    network = journey.get(network_id, NET).body["properties"]
    assert network["addressSpace"] == {"addressPrefixes": ["10.20.0.0/16"]}
    assert {s["name"]: s["properties"]["addressPrefix"] for s in network["subnets"]} == {
        "web": "10.20.0.0/24",
        "jobs": "10.20.1.0/24",
    }


def test_names_follow_the_table(demo):
    media = demo.id("virtualNetworks", "media-net")
    demo.finish("prepare", media)
    assert "group-bramble-media-media-net-migrated" in demo.groups() | _all_groups(demo)
    web = demo.id("virtualNetworks", "web-prod-net")
    demo.finish("prepare", web)
    arm = demo.control("state")["arm"]
    assert any(key.endswith("/publicipaddresses/rip-checkout") for key in arm)
    assert any(key.endswith("/networksecuritygroups/nsg-web-front") for key in arm)
    assert any(key.endswith("/routetables/rt-web-back") for key in arm)


def _all_groups(azure):
    return set(azure.control("state")["groups"])


def test_some_groups_come_back_in_capitals(demo):
    service = f"{demo.id('domainNames', 'weighbridge')}/slots/Production"
    assert demo.finish("prepare", service)["status"] == "Succeeded"
    assert "WEIGHBRIDGE-MIGRATED" in _all_groups(demo)


def test_legacy_sizes_of_machines_get_their_new_names(demo):
    demo.finish("prepare", demo.id("virtualNetworks", "print-net"))
    new = [
        d
        for d in demo.control("state?documents=1")["documents"]
        if d["type"] == "Microsoft.Compute/virtualMachines" and d["name"] == "print1"
    ]
    assert [d["properties"]["hardwareProfile"]["vmSize"] for d in new] == ["Standard_A2"]


def test_commit_drops_what_hung_on_the_classic_side(journey, shop):
    journey.finish("prepare", shop)
    held = journey.control("state")
    assert held["autoscale_settings"] and held["alert_rules"] and held["role_assignments"]
    journey.finish("commit", shop)
    after = journey.control("state")
    assert not after["autoscale_settings"] and not after["alert_rules"] and not after["role_assignments"]
    assert len(after["committed"][0]["dropped"]) == 3


def test_a_subscription_without_registration_is_refused_until_it_is_registered(demo):
    demo.subscription = next(
        key for key, row in demo.platform.subscriptions.items() if row["displayName"] == "Bramble Corporate IT"
    )
    account = demo.id("Microsoft.ClassicStorage/storageAccounts", "itbackups")
    assert demo.verb("validate", account).message == "Subscription is not registered for migration."
    provider = f"/subscriptions/{demo.subscription}/providers/Microsoft.ClassicInfrastructureMigrate"
    posted = demo.ask("POST", f"{provider}/register?api-version=2025-04-01")
    assert (posted.status, posted.body["registrationState"]) == (200, "Registering")
    assert demo.verb("validate", account).status == 400
    demo.pass_time(300)
    assert demo.get(provider, "2025-04-01").body["registrationState"] == "Registered"
    assert demo.verb("validate", account).status == 200
    slot = f"{demo.id('domainNames', 'tax-simulation')}/slots/Production"
    texts = [m["message"] for m in demo.verb("validate", slot).body["validationMessages"]]
    assert "Missing feature(s): Microsoft.Compute/CloudServices" in texts[0]


def test_a_read_only_lock_refuses_the_verbs(demo):
    provider = "Microsoft.ClassicInfrastructureMigrate"
    network = demo.id("virtualNetworks", "hr-net")
    demo.platform._register(network.split("/")[2], provider, "Registered", None)
    reply = demo.verb("prepare", network)
    assert (reply.status, reply.code) == (409, "ScopeLocked")


def test_quota_that_is_short_fails_prepare_with_both_numbers_and_leaves_the_lock(journey):
    slot = f"{journey.id('domainNames', 'pricing')}/slots/Production"
    assert journey.verb("validate", slot).body["status"] == "Succeeded"
    ended = journey.finish("prepare", slot)
    assert ended["status"] == "Failed"
    assert "Current quota is 10, additional needed is 6" in ended["error"]["message"]
    assert journey.control("state")["locks"]
    assert journey.verb("commit", slot).status == 400
    assert journey.finish("abort", slot)["status"] == "Succeeded"
    assert not journey.control("state")["locks"]


def test_what_validate_passes_prepare_may_still_refuse(demo):
    account = demo.id("Microsoft.ClassicStorage/storageAccounts", "brambleimages")
    assert demo.verb("validate", account).body["status"] == "Succeeded"
    ended = demo.finish("prepare", account)
    assert "has disks or images" in ended["error"]["message"]


def test_prepare_takes_longer_with_more_instances_and_the_same_time_in_every_run(demo, demo_estate, serve):
    def length(azure, name):
        operation = azure.verb("prepare", azure.id("virtualNetworks", name)).headers["location"].rpartition("/")[2]
        row = azure.platform.operations[operation.partition("?")[0]]
        return round(row.ends_at - row.started_at, 3)

    big, little = length(demo, "web-prod-net"), length(demo, "media-net")
    assert big > little
    assert length(serve(demo_estate), "web-prod-net") == big
    assert length(serve(demo_estate, seed=2), "web-prod-net") != big


def test_every_unit_of_the_demo_that_passes_validate_can_be_prepared_and_taken_back(demo):
    from migrator.simulator import scope

    demo.control("settings", {"throttle": 0})
    for row in demo.platform.registrations.values():
        row.state = "Registered"
    documents = [d for d in demo.platform.store.all() if d["type"].lower() in scope.MOVABLE]
    before = {d["id"]: d for d in demo.platform.store.all()}
    ended = {"Succeeded": 0, "Failed": 0, "refused": 0}
    for document in documents:
        answer = demo.verb("validate", document["id"])
        if answer.status != 200 or answer.body["status"] != "Succeeded":
            ended["refused"] += 1
            continue
        ended[demo.finish("prepare", document["id"])["status"]] += 1
        assert demo.finish("abort", document["id"])["status"] == "Succeeded"
    assert {d["id"]: d for d in demo.platform.store.all()} == before
    assert ended["Succeeded"] >= 35 and ended["Failed"] >= 2 and ended["refused"] >= 15
    assert demo.control("violations")["count"] == 0


def test_the_platform_knows_what_the_estate_leaves_out(demo):
    for name, count in (("toll-roads", 2), ("price-feed", 2)):
        demo.finish("prepare", f"{demo.id('domainNames', name)}/slots/Production")
        arm = next(
            d for d in demo.platform.store.all() if d["type"] == "Microsoft.Compute/cloudServices" and d["name"] == name
        )
        assert arm["properties"]["roleProfile"]["roles"][0]["sku"]["capacity"] == count


def test_machines_of_a_network_bring_their_addresses_disks_and_sets(demo):
    demo.finish("prepare", demo.id("virtualNetworks", "erp-net"))
    documents = {d["id"].rpartition("/")[2]: d for d in demo.platform.store.all() if "-migrated/" in d["id"].lower()}
    machine = documents["erp-sql"]["properties"]
    assert machine["hardwareProfile"] == {"vmSize": "Standard_D13"}
    assert len(machine["storageProfile"]["dataDisks"]) == 3
    configuration = documents["erp-sql-PrimaryNic"]["properties"]["ipConfigurations"][0]["properties"]
    assert (configuration["privateIPAddress"], configuration["privateIPAllocationMethod"]) == ("10.44.1.10", "Static")
    assert configuration["subnet"]["id"].endswith("/erp-net/subnets/data")
    assert documents["erp-app1"]["properties"]["availabilitySet"]["id"].endswith("/erp-apps-set")
    assert "LB-erp-apps" in documents and "LB-erp-data" not in documents  # an address moves only with an endpoint
    assert demo.finish("commit", demo.id("ClassicNetwork/virtualNetworks", "erp-net"))["status"] == "Succeeded"
    state = demo.control("state")
    assert any("/jitnetworkaccesspolicies/" in key.lower() for key in state["committed"][0]["dropped"])
    assert not [key for key in state["classic"] if "erp-sql" in key]  # its disk objects became implicit
    assert any(key.endswith("/networksecuritygroups/nsg-erp") for key in state["classic"])  # cloned: the old one stays
