"""Every unit of the demo company through Validate, Prepare, comparison and Commit, by the real client over HTTP.

One simulator and one pass for the module; what is expected is read out of the estate's documents, not asked of
`migrator.translation` (azure.md 2.8, 4.1, 4.2).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from migrator import units
from migrator.gateway import wire
from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.protocol import ArmSide, ClassicSide, GatewayError, Observed, OperationStatus, Unreadable
from migrator.resources import Category, Verb
from migrator.simulator import running
from migrator.translation import Difference, Kind, compare
from migrator.units import Unit, UnitKind

Document = dict[str, Any]
LONG_ENOUGH = 3600.0  # simulated seconds after which every operation of this estate has ended

# Which units cannot be moved, and a part of what the platform says: the scenario wants each of them.
STOPPED = {
    "badge-office": "ScopeLocked",
    "booking-net": "App Service environment",
    "border-net": "ExpressRoute gateway",
    "brambledisks": "Migrate the VM first",
    "brambleimages": "has disks or images",
    "campaign-site": "two occupied slots",
    "depotdisks": "Migrate the VM first",
    "eta-predictor": "intermediate state",
    "fleet-net": "affinity group",
    "handheld-net": "no subnets associated",
    "harbour-net": "circuit of another subscription",
    "hr-net": "ScopeLocked",
    "nsg-forklifts": "only service management does",
    "nsg-handhelds-2016": "only service management does",
    "nsg-old-dmz": "only service management does",
    "old-blog": "only service management does",  # no deployment in it: nothing to send a verb to
    "partner-net": "peering",
    "rip-broker": "only service management does",
    "rip-kiosk": "only service management does",
    "rip-old-edge": "only service management does",
    "rip-spring-sale": "only service management does",
    "routing-net": "quota for cores",
    "stock-net": "beside virtual machines",
    "tariffs": "Non-vnet deployment",
    "tax-simulation": "deprecated",
    "timesheets": "ScopeLocked",
    "vouchers": "two occupied slots",
    "yard-net": "not supported for migration",
}
# What the estate leaves out on purpose, so that nobody can say whether it was kept. Nothing else may need a decision.
UNREAD = {
    "cctv-net": {"network interfaces", "availability set"},
    "cold-chain-net": {"gateways"},
    "intranet-net": {"extensions"},
    "pallet-pool": {"public addresses"},
    "price-feed": {"role Web size"},
    "spare-net": {"subnets"},
}


@dataclass
class Moved:
    """One unit that went all the way: what was there before, what was seen after each step."""

    unit: Unit
    before: list[Document]
    prepared: Observed
    locks: Mapping[str, Any]
    differences: list[Difference]
    committed: Observed
    left: list[str] = field(default_factory=list)  # classic keys of the unit which are still there

    def of(self, kind: str) -> list[Document]:
        return [d for d in self.before if d["type"].lower() == kind.lower()]

    def arm(self, kind: str) -> dict[str, Document]:
        """Documents of a type found after Prepare, by lower-case `group/name`."""
        return {
            f"{group(d)}/{d['name']}".lower(): d
            for d in self.prepared.arm_documents
            if d["type"].lower() == kind.lower()
        }


def group(document: Mapping[str, Any]) -> str:
    return str(document["id"]).split("/")[4].lower()


def facts(document: Mapping[str, Any]) -> dict[str, Any]:
    return document.get("properties") or {}


class Pass:
    """The one pass: `moved` by name, `stopped` by name with the sentence."""

    def __init__(self, azure: running.Running, gateway: ArmGateway) -> None:
        self.azure, self.gateway = azure, gateway
        self.moved: dict[str, Moved] = {}
        self.stopped: dict[str, str] = {}
        self.documents = self._read()
        for unit in units.resolve(wire.resources(list(self.documents.values()))):
            self._walk(unit)
        self.violations = azure.control("violations")["value"]
        self.locks = azure.control("state")["locks"]

    def _read(self) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for subscription in self.gateway.subscriptions():
            for name in ("Microsoft.ClassicInfrastructureMigrate", "Microsoft.Compute/CloudServices"):
                self.gateway.register(subscription.subscription_id, name)
            for item in self.gateway.inventory(subscription.subscription_id):
                assert not isinstance(item, Unreadable), item
                found[item["id"].lower()] = item
        self.azure.control("clock", {"advance": LONG_ENOUGH})
        return found

    def _walk(self, unit: Unit) -> None:
        members = tuple(member.resource_key for member in unit.members)
        roots = {unit.key, *members}
        before = [d for key, d in self.documents.items() if any(key == r or key.startswith(r + "/") for r in roots)]
        for verb in (Verb.VALIDATE, Verb.PREPARE):
            if said := self._send(verb, unit):
                self.stopped[unit.name] = said
                if verb is Verb.PREPARE:
                    assert self._send(Verb.ABORT, unit) == ""
                return
        prepared = self.gateway.observe(unit.id, members)
        locks = {key.lower(): row for key, row in self.azure.control("state")["locks"].items()}
        differences = compare(wire.resources(before), list(prepared.arm_documents))
        assert self._send(Verb.COMMIT, unit) == "", unit.name
        there = set(self.azure.control("state")["classic"])
        left = [d["id"].lower() for d in before if d["id"].lower() in there]
        committed = self.gateway.observe(unit.id, members)
        self.moved[unit.name] = Moved(unit, before, prepared, locks, differences, committed, left)

    def _send(self, verb: Verb, unit: Unit) -> str:
        """Empty when it went well; else what the platform or the client said."""
        try:
            answer = self.gateway.submit(verb, unit.id, client_request_id=f"{verb}-{unit.name}")
        except GatewayError as error:
            return str(error)
        if answer.status_url is None:
            return " ".join(m.message for m in answer.messages if m.category is Category.ERROR)
        self.azure.control("clock", {"advance": LONG_ENOUGH})
        ended = self.gateway.poll(answer.status_url)
        return "" if ended.status is OperationStatus.SUCCEEDED else f"{ended.status}: {ended.message}"


@pytest.fixture(scope="module")
def walked() -> Iterator[Pass]:
    with running.simulator(scenario="demo", speed=1) as azure:
        azure.control("settings", {"throttle": 0})
        with ArmGateway(azure.base_url, StaticToken("a-token"), deadline=10) as gateway:
            yield Pass(azure, gateway)


def test_what_can_be_moved_is_moved_and_what_cannot_says_why(walked: Pass) -> None:
    assert {name: text for name, text in walked.stopped.items() if STOPPED.get(name, "?") not in text} == {}
    assert set(walked.stopped) == set(STOPPED)
    assert len(walked.moved) >= 40
    assert {moved.unit.kind for moved in walked.moved.values()} == {
        UnitKind.NETWORK,
        UnitKind.DEPLOYMENT,
        UnitKind.STORAGE_ACCOUNT,
    }
    assert walked.violations == []
    assert walked.locks == {}


def test_after_prepare_both_sides_are_there_and_the_classic_one_is_locked(walked: Pass) -> None:
    for name, moved in walked.moved.items():
        assert (moved.prepared.classic, moved.prepared.arm) == (ClassicSide.PREPARED, ArmSide.PRESENT), name
        assert moved.prepared.unreadable == (), name
        [lock] = moved.locks.values()
        assert lock["phase"] == "prepared"
        # Disks of a machine that moved before its storage account are gone: they became its own (azure.md 4.2).
        classic = {d["id"].lower() for d in moved.before if d["type"].startswith("Microsoft.Classic")}
        assert {key for key in classic if "/disks/" not in key} <= set(lock["locked"]), name
        # `observe` reads what the simulator made, all of it and nothing else; groups are no resources.
        made = {key for key in lock["arm"] if "/providers/" in key}
        assert {d["id"].lower() for d in moved.prepared.arm_documents} == made, name


def test_after_prepare_the_groups_have_the_documented_names(walked: Pass) -> None:
    for name, moved in walked.moved.items():
        services = {d["name"] for d in moved.of("Microsoft.ClassicCompute/domainNames")}
        wanted = {f"{service}-migrated".lower() for service in services}
        if moved.unit.kind is UnitKind.STORAGE_ACCOUNT:
            wanted = {f"{name}-migrated"}
        if moved.unit.kind is UnitKind.NETWORK:
            [network] = moved.of("Microsoft.ClassicNetwork/virtualNetworks")
            wanted |= {f"{arm_name(network)}-migrated".lower()}
        assert {group(d) for d in moved.prepared.arm_documents} == wanted, name


def arm_name(network: Document) -> str:
    """azure.md 4.1: what the portal made is called `Group rg name` and becomes `group-rg-name`."""
    site = facts(network).get("siteName") or network["name"]
    return site.replace(" ", "-").lower() if site.startswith("Group ") else network["name"]


def test_every_deployment_of_roles_became_a_cloud_service_with_all_it_had(walked: Pass) -> None:
    looked = 0
    for name, moved in walked.moved.items():
        certificates = {
            d["id"].split("/")[8] for d in moved.of("Microsoft.ClassicCompute/domainNames/serviceCertificates")
        }
        for slot in moved.of("Microsoft.ClassicCompute/domainNames/slots"):
            if facts(slot).get("slotType") == "VirtualMachine":
                continue
            looked += 1
            service = slot["id"].split("/")[8]
            home = f"{service}-migrated".lower()
            found = moved.arm("Microsoft.Compute/cloudServices")[f"{home}/{service}".lower()]
            assert facts(found)["networkProfile"]["slotType"] == slot["name"], name
            roles = {
                d["name"]: d
                for d in moved.of("Microsoft.ClassicCompute/domainNames/slots/roles")
                if d["id"].startswith(slot["id"] + "/")
            }
            made = {row["name"]: row for row in facts(found)["roleProfile"]["roles"]}
            assert set(made) == set(roles) and roles, name
            for role, document in roles.items():
                count = facts(document).get("instanceCount")
                assert count is None or made[role]["sku"]["capacity"] == count, (name, role)
                assert made[role]["sku"]["name"].startswith("Standard_"), (name, role)
            assert f"{home}/LB-{service}".lower() in moved.arm("Microsoft.Network/loadBalancers"), name
            addresses = {
                facts(d)["ipAddress"]: facts(d)["publicIPAllocationMethod"]
                for key, d in moved.arm("Microsoft.Network/publicIPAddresses").items()
                if key.startswith(home + "/")
            }
            told = facts(slot).get("virtualIps")
            kept = {v["address"]: "Static" if v.get("reservedIpName") else "Dynamic" for v in told or ()}
            assert addresses == kept if told else len(addresses) == 1, name
            assert (f"{home}/KV-{service}".lower() in moved.arm("Microsoft.KeyVault/vaults")) == (
                service in certificates
            )
            if moved.unit.kind is UnitKind.DEPLOYMENT:  # the hidden default network becomes visible (CS-DEFAULT-VNET)
                assert list(moved.arm("Microsoft.Network/virtualNetworks")) == [f"{home}/VNet-{service}".lower()], name
    assert looked >= 30


def test_every_network_and_machine_and_account_has_its_counterpart(walked: Pass) -> None:
    networks = machines = accounts = 0
    for name, moved in walked.moved.items():
        for network in moved.of("Microsoft.ClassicNetwork/virtualNetworks"):
            networks += 1
            called = arm_name(network)
            found = facts(moved.arm("Microsoft.Network/virtualNetworks")[f"{called}-migrated/{called}".lower()])
            space = (facts(network).get("addressSpace") or {}).get("addressPrefixes")
            assert found["addressSpace"]["addressPrefixes"] == space, name
            subnets = {s["name"]: s["addressPrefix"] for s in facts(network).get("subnets") or ()}
            assert {s["name"]: facts(s)["addressPrefix"] for s in found["subnets"]} == subnets, name
            gateways = moved.of("Microsoft.ClassicNetwork/virtualNetworks/gateways")
            made = moved.arm("Microsoft.Network/virtualNetworkGateways").values()
            wanted = [facts(gateway).get("gatewayType") or "Vpn" for gateway in gateways]
            assert sorted(facts(d)["gatewayType"] for d in made) == sorted(wanted), name
        for machine in moved.of("Microsoft.ClassicCompute/virtualMachines"):
            machines += 1
            service = facts(machine)["domainName"]["name"]
            found = facts(
                moved.arm("Microsoft.Compute/virtualMachines")[f"{service}-migrated/{machine['name']}".lower()]
            )
            disks = facts(machine)["storageProfile"]
            assert found["storageProfile"]["osDisk"]["vhd"]["uri"] == disks["operatingSystemDisk"]["vhdUri"], name
            assert len(found["storageProfile"]["dataDisks"]) == len(disks.get("dataDisks") or ()), name
            extra = facts(machine)["networkProfile"].get("networkInterfaces") or ()
            assert len(found["networkProfile"]["networkInterfaces"]) == 1 + len(extra), name
        for account in moved.of("Microsoft.ClassicStorage/storageAccounts"):
            accounts += 1
            [(key, found)] = moved.arm("Microsoft.Storage/storageAccounts").items()
            assert (key, found["kind"]) == (f"{name}-migrated/{account['name']}".lower(), "Storage")
    assert (networks, machines, accounts) >= (15, 8, 6)


def test_the_comparison_finds_nothing_unexpected_and_only_the_doubts_the_estate_wants(walked: Pass) -> None:
    wrong = {
        (name, row.field, str(row.before), str(row.after), row.why)
        for name, moved in walked.moved.items()
        for row in moved.differences
        if row.kind is Kind.UNEXPECTED
    }
    assert wrong == set()
    unread = {
        name: {row.field for row in moved.differences if row.kind is Kind.UNREAD}
        for name, moved in walked.moved.items()
    }
    assert {name: fields for name, fields in unread.items() if fields} == UNREAD
    assert all(len([r for r in moved.differences if r.kind is Kind.SAME]) >= 2 for moved in walked.moved.values())


def test_after_commit_only_the_resource_manager_side_is_there(walked: Pass) -> None:
    for name, moved in walked.moved.items():
        assert (moved.committed.classic, moved.committed.arm) == (ClassicSide.ABSENT, ArmSide.PRESENT), name
        assert moved.committed.unreadable == (), name
        assert {d["id"] for d in moved.committed.arm_documents} == {d["id"] for d in moved.prepared.arm_documents}, name
        assert [key for key in moved.left if "/networksecuritygroups/" not in key] == [], name  # cloned: those stay
