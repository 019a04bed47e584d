"""Microsoft's own command-line client reads from the simulator what it reads from Azure: the real `az`, with TLS and a
managed identity's token service in front (front.py).

azure-cli is 700 MB and no part of the locked environment: `TRACKER_TEST_AZ` names it, or it is found on the PATH;
without it this module is skipped, and says so.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from migrator.simulator import running
from migrator.simulator.running import Running
from tests.contract.front import Front, front

AZ = os.environ.get("TRACKER_TEST_AZ") or shutil.which("az") or ""
CLASSIC = "2016-11-01"
EXPECTED = {"ResourceNotFound", "ResourceGroupNotFound", "NoRegisteredProviderFound", "ConflictError", ""}
NETWORK = "Microsoft.ClassicNetwork/virtualNetworks"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not AZ,
        reason="needs the Azure command-line client: install azure-cli in a venv of its own and set TRACKER_TEST_AZ to "
        "its `az`; the SDKs' half of the contract runs without it",
    ),
]


class Refused(RuntimeError):
    """`az` ended with an error; the text is what it printed."""


class CommandLine:
    """`az` on one simulator."""

    def __init__(self, azure: Running, before: Front) -> None:
        self.azure = azure
        self.url = before.url
        system = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environment = {**system, **before.environment, "AZURE_CORE_NO_COLOR": "true"}

    def __call__(self, *arguments: str) -> Any:
        """What it printed, read as JSON. Raises Refused."""
        ended = subprocess.run(
            [AZ, *arguments, "--only-show-errors", "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if ended.returncode:
            raise Refused(ended.stderr.strip())
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    def documents(self, kind: str = "", subscription: str = "") -> list[dict[str, Any]]:
        """The simulator's own documents of a type, in a subscription."""
        rows = self.azure.control("state?documents=1")["documents"]
        return [
            row
            for row in rows
            if row["type"].lower().startswith(kind.lower()) and subscription.lower() in row["id"].lower()
        ]

    def exactly(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.documents(kind, self.subscription) if row["type"].lower() == kind.lower()]

    @property
    def subscription(self) -> str:
        """The one with most in it: it is made the client's default."""
        return self.azure.control("state")["registrations"][0]["subscription"]


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    directory = tmp_path_factory.mktemp("az")
    with running.simulator(scenario="demo", speed=0) as azure, front(azure.base_url, directory) as before:
        made = CommandLine(azure, before)
        made("cloud", "register", "--name", "Simulator", "--endpoint-resource-manager", made.url)
        made("cloud", "set", "--name", "Simulator")
        made("login", "--identity")
        made("account", "set", "--subscription", made.subscription)
        yield made


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"].lower() for row in rows)


def classic_network(az: CommandLine, name: str) -> str:
    (found,) = [row["id"] for row in az.exactly(NETWORK) if row["name"] == name]
    return found


def test_the_cloud_is_read_from_its_address_alone(az: CommandLine) -> None:
    cloud = az("cloud", "show", "--name", "Simulator")
    assert cloud["isActive"] and cloud["endpoints"]["resourceManager"] == az.url
    assert cloud["endpoints"]["activeDirectoryResourceId"] == az.url


def test_accounts_groups_and_places(az: CommandLine) -> None:
    known = {row["subscription"] for row in az.azure.control("state")["registrations"]}
    assert {row["id"] for row in az("account", "list")} == known
    groups = az("group", "list")
    assert ids(groups) == ids(az.exactly("Microsoft.Resources/resourceGroups"))
    assert az("group", "exists", "--name", groups[0]["name"].upper()) is True
    assert az("group", "exists", "--name", "no-such-group-7d1c") is False
    assert az("group", "show", "--name", groups[0]["name"])["id"] == groups[0]["id"]
    assert {row["location"] for row in groups} <= {row["name"] for row in az("account", "list-locations")}


def test_resources_by_type_and_by_tag_on_every_size_of_page(az: CommandLine) -> None:
    networks = ids(az.exactly(NETWORK))
    assert networks
    try:
        for size in (2, 100):
            az.azure.control("settings", {"page_size": size})
            assert ids(az("resource", "list", "--resource-type", NETWORK)) == networks
    finally:
        az.azure.control("settings", {"page_size": 100})
    everything = az("resource", "list")
    assert set(networks) <= set(ids(everything))
    tag, value = next((name, value) for row in everything for name, value in (row["tags"] or {}).items())
    tagged = [row for row in everything if (row["tags"] or {}).get(tag) == value]
    assert ids(az("resource", "list", "--tag", f"{tag}={value}")) == ids(tagged)


def test_a_classic_network_is_shown_whole(az: CommandLine) -> None:
    (wanted,) = [row for row in az.exactly(NETWORK) if row["name"] == "orders-net"]
    for version in ([], ["--api-version", CLASSIC]):  # without one the client looks it up at the provider
        shown = az("resource", "show", "--ids", wanted["id"], *version)
        assert (shown["id"], shown["type"]) == (wanted["id"], wanted["type"])
        assert shown["properties"]["addressSpace"] == wanted["properties"]["addressSpace"]
        assert shown["properties"]["subnets"] == wanted["properties"]["subnets"]


def test_providers_and_features(az: CommandLine) -> None:
    state = {
        row["name"]: row["state"]
        for row in az.azure.control("state")["registrations"]
        if row["subscription"] == az.subscription
    }
    listed = {row["namespace"]: row["registrationState"] for row in az("provider", "list")}
    assert listed["Microsoft.ClassicNetwork"] == "Registered"
    for name in (name for name in state if "/" not in name and name in listed):
        assert listed[name] == state[name]
    shown = az("provider", "show", "--namespace", "Microsoft.ClassicInfrastructureMigrate")
    assert shown["registrationState"] == state["Microsoft.ClassicInfrastructureMigrate"]
    feature = az("feature", "show", "--namespace", "Microsoft.Compute", "--name", "CloudServices")
    assert feature["properties"]["state"] == state["Microsoft.Compute/CloudServices"]


def test_grants_and_locks(az: CommandLine) -> None:
    held = az.azure.control("state")["role_assignments"]
    mine = sorted(key.lower() for key in held if az.subscription in key)
    assert mine and ids(az("role", "assignment", "list", "--all", "--fill-principal-name", "false")) == mine
    before = az.documents("Microsoft.Authorization/locks", az.subscription)
    assert ids(az("lock", "list")) == ids(before)
    group = az.exactly("Microsoft.Resources/resourceGroups")[0]["name"]
    az("lock", "create", "--name", "keep", "--lock-type", "CanNotDelete", "--resource-group", group)
    after = az.documents("Microsoft.Authorization/locks", az.subscription)
    assert len(after) == len(before) + 1 and ids(az("lock", "list")) == ids(after)
    az("lock", "delete", "--name", "keep", "--resource-group", group)
    assert az.documents("Microsoft.Authorization/locks", az.subscription) == before


def test_monitor(az: CommandLine) -> None:
    settings = az.exactly("Microsoft.Insights/autoscaleSettings")
    for group in {row["id"].split("/")[4] for row in settings}:
        wanted = [row for row in settings if row["id"].split("/")[4] == group]
        assert ids(az("monitor", "autoscale", "list", "--resource-group", group)) == ids(wanted)
    assert ids(az("monitor", "metrics", "alert", "list")) == ids(az.exactly("Microsoft.Insights/metricAlerts"))
    alerts = az.exactly("Microsoft.Insights/activityLogAlerts")
    assert ids(az("monitor", "activity-log", "alert", "list")) == ids(alerts)


def test_usages_and_quota(az: CommandLine) -> None:
    rows = [row for row in az.azure.control("state")["usages"] if row["subscriptionId"] == az.subscription]
    region = rows[0]["location"]

    def held(provider: str) -> dict[str, tuple[int, int]]:
        return {
            row["name"]: (row["currentValue"], row["limit"])
            for row in rows
            if row["location"] == region and row["provider"] == provider
        }

    for provider, command in (("Microsoft.Compute", "vm list-usage"), ("Microsoft.Network", "network list-usages")):
        told = az(*command.split(), "--location", region)
        shown = {row["name"]["value"]: (int(row["currentValue"]), int(row["limit"])) for row in told}
        assert held(provider) and held(provider).items() <= shown.items()
    scope = f"/subscriptions/{az.subscription}/providers/Microsoft.Compute/locations/{region}"
    path = f"{scope}/providers/Microsoft.Quota/quotas?api-version=2025-09-01"
    limits = {
        row["name"]: row["properties"]["limit"]["value"]
        for row in az("rest", "--method", "get", "--url", az.url + path)["value"]
    }
    assert {name: limit for name, (_, limit) in held("Microsoft.Compute").items()}.items() <= limits.items()


def test_an_error_is_shown_with_its_code(az: CommandLine) -> None:
    there = classic_network(az, "orders-net")
    with pytest.raises(Refused, match=r"ResourceNotFound.*no-such-net-7d1c") as missing:
        az("resource", "show", "--ids", there.replace("orders-net", "no-such-net-7d1c"), "--api-version", CLASSIC)
    assert "Code: ResourceNotFound" in str(missing.value)
    with pytest.raises(Refused, match="ResourceGroupNotFound"):
        az("group", "show", "--name", "no-such-group-7d1c")
    with pytest.raises(Refused, match="NoRegisteredProviderFound"):
        az("resource", "show", "--ids", there, "--api-version", "2009-01-01")


@pytest.mark.parametrize("name", ["orders-net", "partner-net"])
def test_validate_answers_with_its_messages_and_changes_nothing(az: CommandLine, name: str) -> None:
    unit, before = classic_network(az, name), az.azure.control("state")
    told = az("rest", "--method", "post", "--url", f"{az.url}{unit}/validateMigration?api-version={CLASSIC}")
    errors = [row for row in told["validationMessages"] if row["category"] == "Error"]
    assert bool(errors) == (name == "partner-net") == (told["status"] == "Failed")
    # The client reads what an action answers as a resource and leaves out what no resource has: no messages here.
    az("resource", "invoke-action", "--action", "validateMigration", "--ids", unit, "--api-version", CLASSIC)
    assert [row["verb"] for row in az.azure.control("log")["value"]][-2:] == ["validate", "validate"]
    after = az.azure.control("state")
    assert (after["operations"], after["locks"]) == (before["operations"], before["locks"])


def test_a_network_is_moved_and_then_read_as_resource_manager_shows_it(az: CommandLine) -> None:
    """Prepare is answered with an operation that is followed by hand; Commit by the client's own waiting."""
    unit = classic_network(az, "erp-net")
    az("rest", "--method", "post", "--url", f"{az.url}{unit}/prepareMigration?api-version={CLASSIC}")
    (operation,) = az.azure.control("state")["operations"]
    number = operation.get("operation_id") or operation["operationId"]
    status = f"{az.url}{unit}/operationStatuses/{number}?api-version={CLASSIC}"
    assert az("rest", "--method", "get", "--url", status)["status"] == "InProgress"
    with pytest.raises(Refused, match="ConflictError"):  # a second one while it runs
        az("resource", "invoke-action", "--action", "prepareMigration", "--ids", unit, "--api-version", CLASSIC)
    az.azure.control("clock", {"advance": 86_000})
    assert az("rest", "--method", "get", "--url", status)["status"] == "Succeeded"
    az.azure.control("clock", {"speed": 100_000})
    try:
        az("resource", "invoke-action", "--action", "commitMigration", "--ids", unit, "--api-version", CLASSIC)
    finally:
        az.azure.control("clock", {"speed": 0})
    assert unit.lower() not in az.azure.control("state")["classic"]
    (moved,) = [row for row in az.exactly("Microsoft.Network/virtualNetworks") if row["name"] == "erp-net"]
    group = moved["id"].split("/")[4]
    shown = az("network", "vnet", "show", "--resource-group", group, "--name", "erp-net")
    assert shown["id"] == moved["id"]
    assert shown["addressSpace"]["addressPrefixes"] == moved["properties"]["addressSpace"]["addressPrefixes"]
    assert {row["name"] for row in shown["subnets"]} == {row["name"] for row in moved["properties"]["subnets"]}
    assert ids(az("storage", "account", "list")) == ids(az.exactly("Microsoft.Storage/storageAccounts"))
    assert ids(az("network", "vnet", "list")) == ids(az.exactly("Microsoft.Network/virtualNetworks"))
    with pytest.raises(Refused, match="ResourceNotFound"):
        az("resource", "show", "--ids", unit, "--api-version", CLASSIC)
    inside = [
        row for row in az.documents("", az.subscription) if f"/resourcegroups/{group}/".lower() in row["id"].lower()
    ]
    kinds = {row["type"] for row in inside}
    for kind, command in (
        ("Microsoft.Network/networkInterfaces", "network nic list"),
        ("Microsoft.Network/loadBalancers", "network lb list"),
        ("Microsoft.Network/publicIPAddresses", "network public-ip list"),
        ("Microsoft.Network/networkSecurityGroups", "network nsg list"),
        ("Microsoft.Compute/virtualMachines", "vm list"),
    ):
        if kind in kinds:
            wanted = [row for row in inside if row["type"] == kind]
            assert ids(az(*command.split(), "--resource-group", group)) == ids(wanted)


def test_every_command_was_answered_as_azure_would(az: CommandLine) -> None:
    """Refused in the whole log is only what the tests above ask to be refused."""
    log = az.azure.control("log")["value"]
    assert log and {row["code"] for row in log if row["status"] >= 400} <= EXPECTED
