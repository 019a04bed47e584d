"""Usages and Microsoft.Quota (azure.md 5)."""

import pytest

VERSION = "2025-09-01"


def scope(azure, provider="Microsoft.Compute", location="northeurope"):
    return f"/subscriptions/{azure.subscription}/providers/{provider}/locations/{location}"


def usages(azure, provider="Microsoft.Compute", location="northeurope"):
    version = "2026-04-01" if provider.endswith("Compute") else "2026-03-01"
    rows = azure.get(f"{scope(azure, provider, location)}/usages", version).body["value"]
    return {row["name"]["value"]: (row["currentValue"], row["limit"]) for row in rows}


def ask(azure, name, limit, method="PUT"):
    body = {"properties": {"limit": {"limitObjectType": "LimitValue", "value": limit}, "name": {"value": name}}}
    return azure.ask(method, f"{scope(azure)}/providers/Microsoft.Quota/quotas/{name}?api-version={VERSION}", body)


def state(azure, reply):
    return azure.ask("GET", reply.headers["location"]).body["properties"]


def test_prepare_draws_on_cores_family_addresses_and_load_balancers(journey, shop):
    compute, network = usages(journey, location="westeurope"), usages(journey, "Microsoft.Network", "westeurope")
    journey.finish("prepare", shop)
    after, beside = usages(journey, location="westeurope"), usages(journey, "Microsoft.Network", "westeurope")
    assert after["cores"][0] - compute["cores"][0] == 3 * 2 + 2 * 1
    assert after["standardDv2Family"][0] - compute["standardDv2Family"][0] == 8
    drawn = {name: beside[name][0] - network[name][0] for name in beside if beside[name] != network[name]}
    assert drawn == {"PublicIPAddresses": 2, "LoadBalancers": 2, "VirtualNetworks": 1}


def test_a_request_is_accepted_worked_on_and_granted(journey):
    reply = ask(journey, "cores", 40)
    assert reply.status == 202
    assert state(journey, reply)["provisioningState"] == "Accepted"
    journey.pass_time(130)
    assert state(journey, reply)["provisioningState"] == "InProgress"
    assert usages(journey)["cores"] == (0, 10)
    journey.pass_time(600)
    assert state(journey, reply)["provisioningState"] == "Succeeded"
    assert usages(journey)["cores"] == (0, 40)
    quota = journey.get(f"{scope(journey)}/providers/Microsoft.Quota/quotas/cores", VERSION).body["properties"]
    assert quota["limit"]["value"] == 40


def test_granted_quota_lets_the_unit_move(journey):
    slot = f"{journey.id('domainNames', 'pricing')}/slots/Production"
    for name in ("cores", "standardDv2Family"):
        assert ask(journey, name, 30).status == 202
    journey.pass_time(700)
    assert journey.finish("prepare", slot)["status"] == "Succeeded"
    assert usages(journey)["cores"] == (16, 30)
    assert journey.finish("commit", slot)["status"] == "Succeeded"
    assert usages(journey)["cores"] == (16, 30)


def test_a_request_that_asks_too_much_is_refused_with_the_advice_to_ask_support(journey):
    reply = ask(journey, "cores", 51)
    journey.pass_time(700)
    ended = state(journey, reply)
    assert ended["provisioningState"] == "Failed"
    assert "support ticket" in ended["message"] and ended["error"]["code"] == "ContactSupport"
    assert usages(journey)["cores"] == (0, 10)


def test_two_requests_for_one_row_do_not_run_at_once(journey):
    ask(journey, "cores", 20)
    assert ask(journey, "cores", 30).code == "Conflict"
    assert ask(journey, "virtualMachines", 30000).status == 202
    listed = journey.get(f"{scope(journey)}/providers/Microsoft.Quota/quotaRequests", VERSION).body["value"]
    assert len(listed) == 2


@pytest.mark.parametrize("limit", ["20", -1, None, True])
def test_a_limit_is_a_whole_number(journey, limit):
    assert ask(journey, "cores", limit).status == 400


def test_an_unknown_row_is_not_found(journey):
    assert ask(journey, "moonshots", 5).status == 404


def test_a_limit_below_what_is_used_is_refused(demo):
    demo.subscription = next(iter(demo.platform.subscriptions))
    assert "below the current usage" in ask(demo, "cores", 3).message


def test_microsoft_quota_has_to_be_registered(journey):
    journey.platform._register(journey.subscription, "Microsoft.Quota", "NotRegistered", None)
    assert ask(journey, "cores", 20).code == "MissingSubscriptionRegistration"
