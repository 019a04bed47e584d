"""`manage.py sync` and `manage.py assess`, as a person runs them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tracker.inventory.azure import Azure, Clock, builder
from tracker import gateways
from tracker.inventory.models import Subscription, Sync, Unit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def endpoint(azure: Azure, settings) -> None:
    settings.ARM_ENDPOINT = azure.process.base_url
    settings.SERVICE_MANAGEMENT_ENDPOINT = f"{azure.process.base_url}/service-management"


def run(*words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_sync_finds_reads_and_assesses(azure: Azure) -> None:
    out, err = run("sync")
    assert err == ""
    assert out.startswith(
        f"Small: complete; {len(azure.estate['resources'])} added, 0 changed, 0 gone, 0 unchanged; 3 units"
    )
    assert set(Unit.objects.values_list("progress", flat=True)) == {"assessed"}
    (subscription,) = Subscription.objects.all()
    out, _ = run("sync", "--subscription", subscription.pk.upper())
    assert "0 added, 0 changed, 0 gone" in out


def test_sync_tells_readiness_what_its_gateway_can_move(azure: Azure, settings) -> None:
    estate, area = builder("Loose ends")
    area.reserved("edge", "rip-loose", "westeurope")
    azure.begin(estate.estate())
    run("sync")
    assert Unit.objects.get().verdict == "ready"
    settings.SERVICE_MANAGEMENT_ENDPOINT = ""  # switched off: Resource Manager alone has no verbs for it
    run("sync")
    assert Unit.objects.get().verdict == "blocked"
    out, _ = run("assess", "--json")
    [said] = [row for row in json.loads(out)["findings"] if row["rule"] == "NET-SM-ONLY"]
    assert (said["effect"], said["outcome"]) == ("blocks", "yes")
    assert "Move-AzureReservedIP" in said["remedy"]


def test_sync_of_an_unknown_subscription_says_so(azure: Azure) -> None:
    with pytest.raises(CommandError, match="sees no subscription 1234"):
        run("sync", "--subscription", "1234")
    assert not Sync.objects.exists()


def test_sync_against_a_dead_endpoint_ends_with_one_sentence(azure: Azure, clock: Clock, settings) -> None:
    settings.ARM_ENDPOINT = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="gave no answer"):
        run("sync")
    azure.subscribe(clock)
    with pytest.raises(CommandError, match="Not read: Small"):
        run("sync", "--subscription", Subscription.objects.get().pk)


def test_sync_names_what_it_could_not_read(azure: Azure) -> None:
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    out, _ = run("sync")
    assert "Small: partial" in out
    assert "  unknown: Azure's answer to the request to list slots of small-tool cannot be read" in out


def test_assess_prints_a_table_and_json_lines_with_the_promised_keys(azure: Azure) -> None:
    run("sync")
    out, _ = run("assess")
    assert "3 units assessed, 0 changed: 3 unknown" in out
    assert "small-net" in out
    lines = run("assess", "--json")[0].splitlines()
    units = [json.loads(line) for line in lines]
    assert {unit["name"] for unit in units} == {"small-net", "small-tool", "smallstore"}
    for unit in units:
        assert set(unit) == {"key", "kind", "name", "subscription", "region", "verdict", "score", "findings"}
        assert unit["findings"]
        for one in unit["findings"]:
            assert set(one) >= {"rule", "effect", "outcome", "resource", "evidence", "remedy", "sources"}
        effects = [one["effect"] for one in unit["findings"]]
        order = ["blocks", "downtime", "dropped", "changes", "info"]
        assert effects == sorted(effects, key=order.index)
    told = {one["rule"]: one for one in next(u for u in units if u["name"] == "small-net")["findings"]}
    assert told["CS-AUTOSCALE"]["outcome"] == "yes"
    assert told["CS-AUTOSCALE"]["sources"]
    assert told["CS-AUTOSCALE"]["remedy"]


def test_assess_of_a_subscription_never_read_says_what_to_do(azure: Azure) -> None:
    with pytest.raises(CommandError, match="Read it first"):
        run("assess", "--subscription", "abc")


def test_the_gateway_is_built_once_for_a_process_and_thread(settings, azure: Azure) -> None:
    assert gateways.gateway_for("a") is gateways.gateway_for("b")
    assert [one.display_name for one in gateways.gateway_for("").subscriptions()] == ["Small"]
    settings.ENGINE_TIMINGS = "live"
    assert gateways.timings().quarantine == 300
    settings.ENGINE_TIMINGS = "rehearsal"
    assert gateways.timings().quarantine < 10
