"""Validate says what the documents show, in the words of the error catalogue (azure.md 2.10)."""

import pytest


def messages(azure, kind, name, category="Error"):
    unit = azure.id(kind, name)
    unit = f"{unit}/slots/Production" if kind == "domainNames" else unit
    return [m["message"] for m in azure.verb("validate", unit).body["validationMessages"] if m["category"] == category]


@pytest.mark.parametrize(
    ("kind", "name", "fragments"),
    [
        ("domainNames", "campaign-site", ["two occupied slots"]),
        ("domainNames", "vouchers", ["two occupied slots"]),
        ("domainNames", "tariffs", ["features not yet supported for migration: Non-vnet deployment"]),
        ("domainNames", "eta-predictor", ["is in intermediate state", "undergoing an update operation"]),
        ("virtualNetworks", "handheld-net", ["no subnets associated with the role(s) Web"]),
        ("virtualNetworks", "stock-net", ["because it's a PaaS deployment (Web/Worker)"]),
        ("virtualNetworks", "partner-net", ["has the peering to-hub-net"]),
        ("virtualNetworks", "booking-net", ["App Service environment booking-ase"]),
        ("virtualNetworks", "border-net", ["ExpressRoute gateway"]),
        ("virtualNetworks", "harbour-net", ["circuit of another subscription"]),
        ("virtualNetworks", "fleet-net", ["affinity group"]),
        ("storageAccounts", "brambleerp", ["Migrate the VM first"]),
        (
            "virtualNetworks",
            "yard-net",
            [
                "endpoint with an access control list",
                "contains Extension BGInfo",
                "VMSnapshot, which is not supported for Migration",
                "different subnets",
                "in no subnet",
                "overall agent status as Not Ready",
                "multiple Availabilities Sets",
                "isn't supported in Azure Resource Manager",
                "boot diagnostics with premium storage",
            ],
        ),
    ],
)
def test_each_flaw_of_the_demo_estate_is_named(demo, kind, name, fragments):
    said = messages(demo, "Microsoft.Classic" + "Storage/storageAccounts" if kind == "storageAccounts" else kind, name)
    for fragment in fragments:
        assert any(fragment in text for text in said), (fragment, said)
    assert len(said) >= len(fragments)


@pytest.mark.parametrize("name", ["web-prod-net", "catalogue-net", "media-net", "orders-net", "erp-net", "files-net"])
def test_networks_without_a_flaw_pass(demo, name):
    assert messages(demo, "virtualNetworks", name) == []


def test_remedying_the_flaw_makes_validate_pass(journey):
    network = journey.id("virtualNetworks", "legacy-net")
    assert journey.verb("validate", network).body["status"] == "Failed"
    peering = f"{network}/virtualNetworkPeerings/to-hub-net"
    assert journey.ask("DELETE", f"{peering}?api-version=2016-11-01").status == 200
    assert journey.verb("validate", network).body["status"] == "Succeeded"


def test_prepare_refuses_what_validate_refuses_and_locks_nothing(journey):
    network = journey.id("virtualNetworks", "legacy-net")
    reply = journey.verb("prepare", network)
    assert (reply.status, reply.code) == (400, "BadRequest")
    assert "peering" in reply.message and reply.body["error"]["details"]
    assert not journey.control("state")["locks"]


def test_warnings_and_information_do_not_fail(demo):
    said = messages(demo, "domainNames", "store-locator", "Warning")
    assert len(said) == 1 and "one instance" in said[0]
    assert "Small and will be Standard_A1" in messages(demo, "domainNames", "loyalty-points", "Warning")[0]


def test_only_prepare_finds_two_gateways_and_a_connection_that_is_down(demo):
    network = demo.id("virtualNetworks", "harbour-net")
    express = f"{network}/gateways/expressroute"
    gateway = demo.get(express).body
    own = {**gateway["properties"], "circuitSubscriptionId": None}
    demo.ask("PUT", f"{express}?api-version=2016-11-01", {"properties": own})
    assert demo.verb("validate", network).body["status"] == "Succeeded"
    assert "ExpressRoute and VPN gateways" in demo.finish("prepare", network)["error"]["message"]
    demo.finish("abort", network)
    demo.ask("DELETE", f"{express}?api-version=2016-11-01")
    assert "in disconnected state" in demo.finish("prepare", network)["error"]["message"]


def test_a_reserved_address_needs_a_name_and_an_endpoint(small):
    slot = f"{small.id('domainNames', 'small-tool')}/slots/Production"
    vip = small.get(slot).body["properties"]["virtualIps"][0]
    for changed, fragment in (
        ({**vip, "isReserved": True}, "has reserved IP(s) but no reserved IP name"),
        ({**vip, "isReserved": True, "reservedIpName": "r"}, "no endpoint on the reserved IP"),
    ):
        small.ask("PATCH", f"{slot}?api-version=2016-11-01", {"properties": {"virtualIps": [changed]}})
        role = f"{slot}/roles/Tool?api-version=2016-11-01"
        small.ask("PATCH", role, {"properties": {"inputEndpoints": []}})
        assert any(fragment in text for text in messages(small, "domainNames", "small-tool"))
