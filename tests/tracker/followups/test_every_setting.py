"""One of each setting (issue 6.6): as many objects on the platform as there were settings, all with new targets; said
by the simulator, not by our tables. Doing everything again changes nothing."""

import copy
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from migrator.followups import Kind
from migrator.simulator.estates.every_setting import RDP
from migrator.simulator.running import Running
from tests.tracker.runs.programme import TEST, Programme
from tracker.followups import actions as followups
from tracker.followups import queries
from tracker.followups.models import CapturedSetting, FollowUp
from tracker.runs.queries import database_now

SHARED_KEY = "an0ther-hedge!row-17"
OPERATORS = "00000000-0000-0000-0000-00000000000a"
ANSWERS = {
    "size": "VpnGw1AZ",
    "address": "203.0.113.7",
    "ranges": "192.168.0.0/16",
    "principal": OPERATORS,
    "mail": "nobody",
}
# Captured type -> the type of what stands in its place afterwards. Certificates of clients go with their gateway;
# what a classic network knew of the far side comes back by itself; replication and labels are told of below.
PLACES = {
    "Microsoft.Insights/autoscaleSettings": "Microsoft.Insights/autoscaleSettings",
    "Microsoft.Insights/alertRules": "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/activityLogAlerts": "Microsoft.Insights/activityLogAlerts",
    "Microsoft.Authorization/roleAssignments": "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/classicAdministrators": "Microsoft.Authorization/roleAssignments",
    "Microsoft.Network/trafficManagerProfiles": "Microsoft.Network/trafficManagerProfiles/azureEndpoints",
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings": (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
    ),
    "Microsoft.ClassicNetwork/virtualNetworks/gateways": "Microsoft.Network/virtualNetworkGateways",
    "Microsoft.Security/locations/jitNetworkAccessPolicies": "Microsoft.Security/locations/jitNetworkAccessPolicies",
    "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems": (
        "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
    ),
}


class Platform:
    """The simulator's own state, read past the product."""

    def __init__(self, programme: Programme) -> None:
        self.base = programme.simulator.base_url

    def call(self, method: str, path: str, version: str) -> Any:
        asked = urllib.request.Request(
            f"{self.base}{path.replace(' ', '%20')}?api-version={version}",
            method=method,
            headers={"Authorization": "Bearer a-token"},
        )
        with urllib.request.urlopen(asked) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def moved(programme: Programme, name: str) -> None:
    run = programme.prepared(name)
    assert run.comparison.unexpected == 0, list(run.differences.filter(kind="unexpected").values("field", "why"))
    approval = programme.sealed(run)
    programme.ask(run, "commit", seal=approval.digest)
    programme.until(run, lambda: run.state in ("committed", "verified"))


def answer_all() -> None:
    for row in FollowUp.objects.filter(state="question"):
        while questions := queries.required(row).open_questions:
            asked = questions[0]
            key = f"{settings.KEY_VAULTS[0]}/secrets/branch-office" if asked.id.startswith("key:") else ""
            given = key or ANSWERS.get(asked.id.split(":")[0]) or (asked.choices[0].value if asked.choices else "")
            assert given, f"{row.title}: {asked.id}"
            row = followups.answer(row, {asked.id: given}, by=_PEOPLE["tomas"], now=database_now())


_PEOPLE: dict[str, Any] = {}


def apply_all(programme: Programme) -> None:
    ready = list(FollowUp.objects.filter(state="open").values_list("pk", flat=True))
    followups.apply_many(ready, by=programme.tomas, now=database_now())
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and FollowUp.objects.filter(state__in=("wanted", "applied")).exists():
        FollowUp.objects.exclude(due_at=None).update(due_at=database_now())
        programme.tick()


@pytest.fixture
def every(simulator: Running, db: None, settings: Any) -> Iterator[Programme]:
    """Both networks moved, after the gateway and the peering were deleted by hand and that was read. The shared key of
    the gateway's connection stays in a Key Vault."""
    settings.KEY_VAULTS = (f"{simulator.base_url}/vaults/bramble-keys",)
    programme = Programme(simulator)
    programme.begin("every-setting")
    _PEOPLE["tomas"] = programme.tomas
    platform = Platform(programme)
    place = f"/subscriptions/{programme.subscription.pk}/resourceGroups"
    network = f"{place}/shop/providers/Microsoft.ClassicNetwork/virtualNetworks/shop-net"
    hub = f"{place}/hub/providers/Microsoft.Network/virtualNetworks/hub-net"
    platform.call("DELETE", f"{network}/gateways/primary", "2016-11-01")
    slot = f"{place}/shop/providers/Microsoft.ClassicCompute/domainNames/shop-web/slots/Production"
    platform.call("DELETE", f"{slot}/roles/WebFront/extensionReferences/{RDP}", "2015-06-01")
    platform.call("DELETE", f"{hub}/virtualNetworkPeerings/to-shop-net", "2026-03-01")
    programme.read()
    for name in ("shop-net", "erp-net"):
        moved(programme, name)
    yield programme
    programme.close()


def test_as_many_objects_as_settings_with_the_right_new_targets_and_again_changes_nothing(every: Programme) -> None:
    captured = list(CapturedSetting.objects.order_by("kind", "source_key"))
    follow_ups = list(FollowUp.objects.exclude(kind=Kind.WORK))
    by_captured = {row.captured_id for row in follow_ups}
    alone = [row for row in captured if row.kind in PLACES]
    assert {row.kind for row in alone} == set(PLACES), "the estate has one of each"
    administrators = [row for row in alone if row.kind.endswith("classicAdministrators")]
    twice = [row for row in administrators if row.pk not in by_captured]
    assert (len(administrators), len(twice)) == (2, 1), "captured with both units, owed once for the subscription"
    owing = [row for row in alone if row not in twice]
    assert {row.pk for row in owing} == by_captured - {None}
    tags = [row for row in follow_ups if row.kind == Kind.TAGS]
    assert len(tags) == 1, "the label is no document of its own"
    place = "/resourcegroups/shop/providers/microsoft.authorization"
    on_group = [row for row in follow_ups if row.captured and place in row.captured.source_key]
    groups = sorted(row.new_target.lower().rsplit("/", 1)[-1] for row in on_group)
    assert groups == ["shop-net-migrated", "shop-web-migrated"], "a grant on the old group reaches each new one"
    objects = len(owing) + len(tags) + len(groups) - 1
    assert len(follow_ups) == objects

    answer_all()
    apply_all(every)
    stuck = FollowUp.objects.exclude(kind=Kind.WORK).exclude(state="closed", closed_how="seen")
    assert not stuck, [(row.title, row.state, row.last_error, row.probe_says) for row in stuck]

    platform = Platform(every)
    seen = []
    for row in FollowUp.objects.exclude(kind=Kind.WORK):
        stages = queries.required(row).stages  # of a gateway: its address, itself, the site, the connection
        probe = next((s for s in stages if s.request.path == row.new_target), stages[-1]).probe.request
        found = platform.call("GET", probe.path, probe.api_version)
        text = json.dumps(found).lower()
        assert "microsoft.classic" not in text, f"{row.title}: {text}"
        assert row.new_target.lower() in text or row.kind == Kind.TAGS, f"{row.title}: {row.new_target} in {text}"
        if row.captured is not None:
            assert found["type"].lower() == PLACES[row.captured.kind].lower(), row.title
        seen.append(str(found["id"]).lower())
        print(f"{row.kind:26} {row.captured.name if row.captured else 'label':24} -> {found['id']}")  # pytest -rP
    assert len(set(seen)) == objects, "as many objects as settings"

    kept = json.dumps([[row.basis, row.answers, row.probe_says] for row in FollowUp.objects.all()])
    assert "secrets/branch-office" in kept and SHARED_KEY not in kept, "a reference to the key, and no key"

    hub = next(path for path in seen if "virtualnetworkpeerings" in path)
    both = platform.call("GET", hub, "2026-03-01")
    far = both["properties"]["remoteVirtualNetwork"]["id"]
    assert both["properties"]["peeringState"] == "Connected" and far.lower().endswith("/hub-net")
    back = platform.call("GET", f"{far}/virtualNetworkPeerings/to-shop-net", "2026-03-01")["properties"]
    assert (back["peeringState"], back["allowForwardedTraffic"]) == ("Connected", True), "with its switches"

    (desktop,) = FollowUp.objects.filter(basis__work="remote-desktop")
    assert (desktop.state, desktop.unit.name) == ("to-do", "shop-net"), "taken off by hand, owed to people"
    assert desktop.title.startswith("Give people remote desktop to the roles of shop-web again")

    before = _documents(every)
    count = FollowUp.objects.count()
    for run in list(_runs()):
        documents = run.comparison.arm_documents
        assert followups.open_for(run.unit, arm_documents=documents, by=TEST, now=database_now()) == []
    FollowUp.objects.exclude(kind=Kind.WORK).update(
        state="wanted", closed_how="", closed_at=None, sent=False, stage=0, tries=0, due_at=database_now()
    )
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and FollowUp.objects.filter(state__in=("wanted", "applied")).exists():
        FollowUp.objects.exclude(due_at=None).update(due_at=database_now())
        every.tick()
    every.read()
    assert FollowUp.objects.count() == count
    assert not FollowUp.objects.exclude(kind=Kind.WORK).exclude(state="closed", closed_how="seen").exists()
    assert _documents(every) == before, "sent again, nothing is new and nothing is other"


def _runs() -> Any:
    from tracker.runs.models import Run

    return Run.objects.select_related("unit", "comparison")


def _documents(programme: Programme) -> dict[str, Any]:
    """Everything the simulator holds, by id, without what marks the time."""
    found = copy.deepcopy(programme.simulator.control("estate"))
    return {str(row["id"]).lower(): {k: v for k, v in row.items() if k != "etag"} for row in found["resources"]}
