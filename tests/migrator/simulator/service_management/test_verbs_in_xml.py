"""The four verbs for the six scopes, and everything that is refused (azure.md 2.5, 2.7, 2.10)."""

import base64

import pytest

from tests.migrator.simulator.service_management.asking import every, names, network_resource, text

SPRING, PROXY, DMZ = (
    "networking/reservedips/rip-spring-sale",
    "networking/routetables/rt-proxy-2015",
    "networking/networksecuritygroups/nsg-old-dmz",
)
ALONE = "hostedservices/newsletter/deployments/newsletter-production"
UNITS = {
    "deployment": (ALONE, "Microsoft.Compute/cloudServices/newsletter", "newsletter-migrated"),
    "network": (
        "networking/virtualnetwork/Group Bramble-Media media-net",
        "Microsoft.Network/virtualNetworks/group-bramble-media-media-net",
        "group-bramble-media-media-net-migrated",
    ),
    "security group": (DMZ, "Microsoft.Network/networkSecurityGroups/nsg-old-dmz", "nsg-old-dmz-migrated"),
    "reserved address": (SPRING, "Microsoft.Network/publicIPAddresses/rip-spring-sale", "rip-spring-sale-migrated"),
    "route table": (PROXY, "Microsoft.Network/routeTables/rt-proxy-2015", "rt-proxy-2015-migrated"),
    "storage account": (
        "storageservices/bramblestatic",
        "Microsoft.Storage/storageAccounts/bramblestatic",
        "bramblestatic-Migrated",
    ),
}
VERSIONS = {"cloudServices": "2024-11-04", "storageAccounts": "2024-01-01"}


def copy_of(azure, unit):
    """The Resource Manager copy of a unit, None when there is none."""
    _, kind, group = UNITS[unit]
    wanted = f"/resourcegroups/{group}/providers/{kind}".lower()
    return next((d for d in azure.documents() if d["id"].lower().endswith(wanted)), None)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_of_every_scope_goes_all_the_way(azure, unit):
    path = UNITS[unit][0]
    validated = azure.verb("validate", path)
    assert validated.status == 200
    messages = every(validated.root, "ValidationMessage")
    assert "Error" not in names(messages, "Category")

    submitted = azure.verb("prepare", path)
    assert (submitted.status, submitted.raw) == (202, b"")
    running = azure.status(submitted)
    assert (text(running, "Status"), text(running, "HttpStatusCode")) == ("InProgress", None)
    assert copy_of(azure, unit) is None
    azure.pass_time()
    ended = azure.status(submitted)
    assert (text(ended, "ID"), text(ended, "Status"), text(ended, "HttpStatusCode")) == (
        submitted.request_id,
        "Succeeded",
        "200",
    )
    assert copy_of(azure, unit) is not None

    [lock] = azure.control("state")["locks"].values()
    classic = lock["locked"][0]
    assert text(azure.finish("commit", path), "Status") == "Succeeded"
    assert classic not in azure.control("state")["classic"]
    assert copy_of(azure, unit) is not None
    assert azure.verb("commit", path).status == 404
    assert azure.violations() == []


@pytest.mark.parametrize("unit", UNITS)
def test_abort_takes_a_unit_of_every_scope_back(azure, unit):
    path, before = UNITS[unit][0], azure.documents()
    usages = azure.control("state")["usages"]
    assert text(azure.finish("prepare", path), "Status") == "Succeeded"
    assert azure.documents() != before
    assert text(azure.finish("abort", path), "Status") == "Succeeded"
    assert azure.documents() == before
    assert azure.control("state")["usages"] == usages
    assert azure.control("state")["locks"] == {}


def test_the_copies_of_what_was_left_over_can_be_read_over_resource_manager(azure):
    for path in (SPRING, PROXY, DMZ):
        azure.finish("prepare", path)
    base = f"/subscriptions/{azure.subscription}/resourceGroups"
    address = azure.arm(
        "GET",
        f"{base}/rip-spring-sale-migrated/providers/Microsoft.Network/publicIPAddresses/rip-spring-sale"
        "?api-version=2026-03-01",
    ).json
    classic = azure.document("reservedIps", "rip-spring-sale")
    assert address["properties"]["publicIPAllocationMethod"] == "Static"
    assert address["properties"]["ipAddress"] == classic["properties"]["ipAddress"]
    table = azure.arm(
        "GET",
        f"{base}/rt-proxy-2015-migrated/providers/Microsoft.Network/routeTables/rt-proxy-2015?api-version=2026-03-01",
    ).json
    [route] = table["properties"]["routes"]
    assert (route["name"], route["properties"]["nextHopIpAddress"]) == ("to-internet", "10.40.2.11")
    group = azure.arm(
        "GET",
        f"{base}/nsg-old-dmz-migrated/providers/Microsoft.Network/networkSecurityGroups/nsg-old-dmz"
        "?api-version=2026-03-01",
    ).json
    assert [rule["name"] for rule in group["properties"]["securityRules"]] == ["allow-https"]
    assert group["location"] == "westeurope"


def test_what_was_left_over_cannot_be_moved_over_resource_manager(azure):
    for kind, name in (("reservedIps", "rip-spring-sale"), ("networkSecurityGroups", "nsg-old-dmz")):
        resource = azure.document(kind, name)["id"]
        reply = azure.arm("POST", f"{resource}/prepareMigration?api-version=2016-11-01", {})
        assert reply.status in (404, 405), reply.raw
    table = azure.document("routeTables", "rt-proxy-2015")["id"]
    assert azure.arm("POST", f"{table}/prepareMigration?api-version=2016-11-01", {}).status in (404, 405)
    assert azure.control("state")["operations"] == []


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("networking/networksecuritygroups/nsg-web-front", "web-prod-net/front"),
        ("networking/routetables/rt-web-back", "web-prod-net/back"),
        ("networking/reservedips/rip-checkout", "bramble-checkout"),
    ],
)
def test_what_is_in_use_is_not_moved_alone(azure, path, user):
    [message] = every(azure.verb("validate", path).root, "ValidationMessage")
    assert text(message, "Category") == "Error"
    assert user in text(message, "Message")
    reply = azure.verb("prepare", path)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert user in reply.message


def test_a_network_takes_its_route_table_along_as_a_clone(azure):
    unit = "networking/virtualnetwork/web-prod-net"
    azure.finish("prepare", unit)
    [table] = [d for d in azure.documents() if d["type"] == "Microsoft.Network/routeTables"]
    assert [route["name"] for route in table["properties"]["routes"]] == ["to-internet", "to-stores"]
    refused = azure.sm("/services/networking/routetables/rt-web-back", "DELETE")
    assert (refused.status, refused.code) == (409, "RouteTableOperationFailed")
    azure.finish("commit", unit)
    left = azure.sm("/services/networking/routetables/rt-web-back")
    assert left.status == 200  # the classic one stays (azure.md 4.2), and can be moved alone now
    assert every(azure.verb("validate", "networking/routetables/rt-web-back").root, "ValidationMessage") == []


def test_migration_state_stands_on_machines_networks_and_accounts_only(azure):
    def shown():
        site = next(
            row
            for row in every(azure.sm("/services/networking/virtualnetwork").root, "VirtualNetworkSite")
            if text(row, "Name") == "erp-net"
        )
        deployment = azure.sm("/services/hostedservices/erp-apps/deploymentslots/Production").root
        roles = {text(role, "MigrationState") for role in every(deployment, "RoleList", "Role")}
        account = azure.sm("/services/storageservices/bramblestatic").root
        return text(site, "MigrationState"), roles, text(account, "MigrationState")

    assert shown() == (None, {None}, None)
    network, account = "networking/virtualnetwork/erp-net", "storageservices/bramblestatic"
    azure.verb("prepare", network)
    assert shown() == ("Preparing", {"Preparing"}, None)
    azure.pass_time()
    azure.finish("prepare", account)
    assert shown() == ("Prepared", {"Prepared"}, "Prepared")
    azure.verb("abort", network)
    assert shown() == ("Aborting", {"Aborting"}, "Prepared")
    azure.pass_time()
    azure.verb("commit", account)
    assert shown() == (None, {None}, "Committing")

    web = "networking/virtualnetwork/web-prod-net"
    azure.finish("prepare", web)
    deployment = azure.sm("/services/hostedservices/bramble-web/deploymentslots/Production").root
    assert {text(role, "MigrationState") for role in every(deployment, "RoleList", "Role")} == {None}  # roles show none


def test_validation_messages_have_the_documented_elements(azure):
    reply = azure.verb("validate", "networking/virtualnetwork/stock-net")
    assert reply.root.tag.endswith("}ValidationMessages")
    messages = every(reply.root, "ValidationMessage")
    assert names(messages, "Category") <= {"Error", "Warning", "Information"}
    errors = [m for m in messages if text(m, "Category") == "Error"]
    assert any("PaaS deployment" in text(m, "Message") for m in errors)
    assert all(text(m, "ResourceType") and text(m, "ResourceName") for m in messages)
    owner = azure.subscriptions["Bramble Logistics"]
    yard = azure.verb("validate", "networking/virtualnetwork/yard-net", subscription=owner).root
    assert "scale1" in names(every(yard, "ValidationMessage"), "VirtualMachine")
    assert azure.control("state")["operations"] == []


# What is refused


@pytest.mark.parametrize(
    "missing", ["DestinationVirtualNetwork", "ResourceGroupName", "VirtualNetworkName", "SubNetName"]
)
@pytest.mark.parametrize("verb", ["validate", "prepare"])
def test_the_four_values_of_a_deployment_must_be_present(azure, verb, missing):
    reply = azure.verb(verb, ALONE, body=network_resource(**{missing: None}))
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert missing in reply.message


@pytest.mark.parametrize(
    ("values", "fragment"),
    [
        ({"DestinationVirtualNetwork": "Default"}, "Default VNet destination option not implemented"),
        ({"DestinationVirtualNetwork": "Other"}, "DestinationVirtualNetwork must be set to one of"),
        ({"DestinationVirtualNetwork": "Existing"}, "virtual network name cannot be null or empty"),
        (
            {"DestinationVirtualNetwork": "Existing", "VirtualNetworkName": "hub-net"},
            "Subnet Name cannot be null or empty",
        ),
    ],
)
def test_the_destination_of_a_deployment_is_checked(azure, values, fragment):
    reply = azure.verb("validate", ALONE, body=network_resource(**values))
    assert reply.status == 400
    assert fragment in reply.message


def test_an_existing_network_can_be_the_destination_of_machines(azure):
    owner = azure.subscriptions["Bramble Logistics"]
    unit = "hostedservices/legacy-ftp/deployments/legacy-ftp-production"
    wish = {"DestinationVirtualNetwork": "Existing", "ResourceGroupName": "depot-hub"}
    wish |= {"VirtualNetworkName": "depot-hub-net"}
    submitted = azure.verb("prepare", unit, subscription=owner, body=network_resource(**wish, SubNetName="apps"))
    assert submitted.status == 202, submitted.raw
    azure.pass_time()
    assert text(azure.status(submitted, subscription=owner), "Status") == "Succeeded"
    [nic] = [d for d in azure.documents() if d["type"].endswith("networkInterfaces")]
    subnet = nic["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"]
    assert subnet.endswith("/depot-hub/providers/Microsoft.Network/virtualNetworks/depot-hub-net/subnets/apps")
    migrated = [d["type"] for d in azure.documents() if "/legacy-ftp-migrated/" in d["id"].lower()]
    assert migrated and not [kind for kind in migrated if kind.endswith("/virtualNetworks")]  # no network of its own


@pytest.mark.parametrize(
    ("group", "network", "subnet", "fragment"),
    [
        ("nowhere", "depot-hub-net", "apps", "virtual network depot-hub-net was not found"),
        ("depot-hub", "other-net", "apps", "virtual network other-net was not found"),
        ("depot-hub", "depot-hub-net", "none", "subnet none was not found"),
        ("", "depot-hub-net", "apps", "resource group name of the virtual network cannot be null"),
    ],
)
def test_an_existing_network_has_to_be_there(azure, group, network, subnet, fragment):
    owner = azure.subscriptions["Bramble Logistics"]
    unit = "hostedservices/legacy-ftp/deployments/legacy-ftp-production"
    wish = {"DestinationVirtualNetwork": "Existing", "ResourceGroupName": group}
    wish |= {"VirtualNetworkName": network, "SubNetName": subnet}
    for verb in ("validate", "prepare"):
        reply = azure.verb(verb, unit, subscription=owner, body=network_resource(**wish))
        assert reply.status == 400 and fragment in reply.message


def test_a_deployment_inside_a_network_is_not_moved_alone(azure):
    reply = azure.verb("prepare", "hostedservices/bramble-web/deployments/bramble-web-production")
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert "belongs to Virtual Network web-prod-net. Migrate Virtual Network web-prod-net" in reply.message


def test_a_portal_made_network_is_known_by_its_long_name_only(azure):
    reply = azure.verb("validate", "networking/virtualnetwork/media-net")
    assert (reply.status, reply.code) == (404, "ResourceNotFound")


@pytest.mark.parametrize("comp", ["", "Migrate", "validateMigration"])
def test_a_verb_that_does_not_exist_is_refused(azure, comp):
    reply = azure.verb(comp, SPRING)
    assert (reply.status, reply.code) == (400, "MissingOrInvalidRequiredQueryParameter")


@pytest.mark.parametrize(
    ("unit", "old"), [(ALONE, "2016-07-01"), (SPRING, "2016-03-01"), ("storageservices/bramblestatic", "2015-10-01")]
)
def test_a_version_older_than_the_verbs_of_its_family_is_refused(azure, unit, old):
    reply = azure.verb("validate", unit, version=old)
    assert (reply.status, reply.code) == (400, "BadRequest")
    newest = {"networking": "2016-07-01", "storageservices": "2016-03-01"}.get(unit.split("/")[0], "2017-01-01")
    assert azure.verb("validate", unit, version=newest).status == 200


def test_a_subscription_that_is_not_registered_cannot_move_anything(azure):
    owner = azure.subscriptions["Bramble Corporate IT"]
    reply = azure.verb("validate", "storageservices/itbackups", subscription=owner)
    assert (reply.status, reply.code, reply.message) == (
        400,
        "BadRequest",
        "Subscription is not registered for migration.",
    )


def test_a_shortage_of_quota_fails_prepare_and_leaves_the_lock(journey):
    unit = "hostedservices/pricing/deployments/pricing-production"
    operation = journey.finish("prepare", unit)
    assert (text(operation, "Status"), text(operation, "HttpStatusCode")) == ("Failed", "400")
    assert text(operation, "Error", "Code") == "QuotaExceeded"
    assert "is insufficient to complete migration. Current quota is" in text(operation, "Error", "Message")
    assert [lock["phase"] for lock in journey.control("state")["locks"].values()] == ["prepare failed"]
    assert text(journey.finish("abort", unit), "Status") == "Succeeded"
    assert journey.control("state")["locks"] == {}


def test_quota_of_what_is_left_over_is_drawn_and_refused(azure):
    owner, rows = azure.subscription, ("RouteTables", "StaticPublicIPAddresses", "NetworkSecurityGroups")

    def used():
        found = {
            row["name"]: row["currentValue"]
            for row in azure.control("state")["usages"]
            if row["subscriptionId"] == owner and row["location"] == "westeurope"
        }
        return [found[name] for name in rows]

    before = used()
    for unit in (PROXY, SPRING, DMZ):
        azure.finish("prepare", unit)
    assert [now - then for now, then in zip(used(), before, strict=True)] == [1, 1, 1]

    estate = azure.control("estate")
    for row in estate["usages"]:
        if row["name"] == "RouteTables":
            row["limit"] = row["currentValue"]
    estate["resources"] = [d for d in estate["resources"] if "-migrated/" not in d["id"].lower()]
    azure.control("reset", {"estate": estate})
    operation = azure.finish("prepare", PROXY)
    assert text(operation, "Error", "Code") == "QuotaExceeded"


@pytest.mark.parametrize("second", ["prepare", "abort", "commit"])
@pytest.mark.parametrize("unit", [ALONE, PROXY])
def test_a_second_submit_while_one_runs_is_refused_and_counted(azure, unit, second):
    azure.verb("prepare", unit)
    reply = azure.verb(second, unit, x_ms_client_request_id="again-1")
    assert (reply.status, reply.code) == (409, "ConflictError")
    [breach] = azure.control("violations")["value"]
    assert (breach["kind"], breach["verb"], breach["client_request_id"]) == ("second submit", second, "again-1")


@pytest.mark.parametrize("unit", [ALONE, SPRING])
def test_commit_of_what_is_not_prepared_is_refused_and_counted(azure, unit):
    reply = azure.verb("commit", unit)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert "has not been prepared for Migration" in reply.message
    assert azure.violations() == ["commit without prepare"]


def test_after_a_commit_was_attempted_there_is_no_abort(azure):
    azure.finish("prepare", SPRING)
    azure.fault("operation-fails", verb="commit", code="E25")
    failed = azure.finish("commit", SPRING)
    assert text(failed, "Status") == "Failed"
    assert text(failed, "Error", "Code") == "UnknownExceptionInEndExecute"
    assert text(failed, "HttpStatusCode") == "500"
    reply = azure.verb("abort", SPRING)
    assert (reply.status, reply.code) == (409, "ConflictError")
    assert azure.violations() == ["abort after commit"]
    assert text(azure.finish("commit", SPRING), "Status") == "Succeeded"


def test_prepare_and_abort_are_idempotent(azure):
    azure.finish("prepare", DMZ)
    usages = azure.control("state")["usages"]
    assert text(azure.finish("prepare", DMZ), "Status") == "Succeeded"
    assert azure.control("state")["usages"] == usages
    assert text(azure.finish("abort", DMZ), "Status") == "Succeeded"
    assert text(azure.finish("abort", DMZ), "Status") == "Succeeded"
    assert azure.violations() == []


def test_an_operation_is_known_in_its_own_subscription_only(azure):
    submitted = azure.verb("prepare", SPRING)
    other = azure.subscriptions["Bramble Logistics"]
    assert azure.sm(f"/operations/{submitted.request_id}", subscription=other).status == 404
    assert azure.sm(f"/operations/{submitted.request_id}").status == 200


def test_what_never_ends_fails_after_a_day(azure):
    azure.fault("stuck", verb="prepare")
    submitted = azure.verb("prepare", PROXY)
    azure.pass_time(23 * 3600)
    assert text(azure.status(submitted), "Status") == "InProgress"
    azure.pass_time(2 * 3600)
    operation = azure.status(submitted)
    assert (text(operation, "Status"), text(operation, "Error", "Code")) == ("Failed", "OperationTimedOut")


# Locks (azure.md 2.9)


def test_classic_writes_are_refused_while_prepared_and_free_before_and_after(azure):
    configuration = base64.b64encode(b"<ServiceConfiguration/>").decode()
    body = (
        '<ChangeConfiguration xmlns="http://schemas.microsoft.com/windowsazure">'
        f"<Configuration>{configuration}</Configuration></ChangeConfiguration>"
    ).encode()
    change = "/services/hostedservices/newsletter/deployments/newsletter-production/?comp=config"
    done = azure.sm(change, "POST", body)
    assert done.status == 202
    assert text(azure.status(done), "Status") == "Succeeded"
    deployment = azure.sm("/services/hostedservices/newsletter/deploymentslots/Production").root
    assert text(deployment, "Configuration") == configuration

    for unit in (ALONE, SPRING, PROXY, DMZ, "storageservices/bramblestatic"):
        azure.finish("prepare", unit)
    for path, method, code in (
        (change, "POST", "ChangeDeploymentConfigurationOperationFailed"),
        (f"/services/{ALONE}", "DELETE", "ChangeDeploymentConfigurationOperationFailed"),
        ("/services/hostedservices/newsletter", "DELETE", "ClassicOperationFailed"),
        (f"/services/{SPRING}", "DELETE", "ReservedIPOperationFailed"),
        (f"/services/{PROXY}", "DELETE", "RouteTableOperationFailed"),
        (f"/services/{DMZ}", "DELETE", "NetworkSecurityGroupOperationFailed"),
        ("/services/storageservices/bramblestatic", "DELETE", "StorageAccountOperationFailed"),
    ):
        reply = azure.sm(path, method, body if method == "POST" else None)
        assert (reply.status, reply.code) == (409, code), path
        assert "in the process of being migrated and hence cannot be changed" in reply.message
    azure.finish("abort", SPRING)
    assert azure.sm(f"/services/{SPRING}", "DELETE").status == 202
    assert azure.sm(f"/services/{SPRING}").status == 404


def test_the_new_side_of_what_was_left_over_can_only_be_read_until_commit(azure):
    azure.finish("prepare", PROXY)
    table = next(d["id"] for d in azure.documents() if d["type"] == "Microsoft.Network/routeTables")
    url = f"{table}?api-version=2026-03-01"
    refused = azure.arm("PATCH", url, {"tags": {"a": "b"}})
    assert (refused.status, refused.json["error"]["code"]) == (409, "OperationNotAllowed")
    azure.finish("commit", PROXY)
    assert azure.arm("PATCH", url, {"tags": {"a": "b"}}).status == 200


def test_deleting_what_is_in_use_or_holds_something_is_refused(azure):
    for path in ("networking/routetables/rt-web-back", "networking/reservedips/rip-checkout"):
        reply = azure.sm(f"/services/{path}", "DELETE")
        assert (reply.status, reply.code) == (400, "BadRequest")
        assert "is in use by" in reply.message
    full = azure.sm("/services/hostedservices/newsletter", "DELETE")
    assert (full.status, full.code) == (409, "ConflictError")
    assert azure.sm("/services/hostedservices/old-blog", "DELETE").status == 202
    assert azure.sm("/services/hostedservices/old-blog").status == 404
