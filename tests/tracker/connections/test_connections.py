"""What the worker stores of Azure's doors, over a real simulator; and what `doctor` says of it."""

import contextlib
import io
import json
import re
import socket
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from migrator import readiness
from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.gateway.clouds import CHINA, PUBLIC
from migrator.gateway.protocol import GatewayError
from migrator.resources import ArmRequest
from tests.tracker.readiness.catalogues import release, without
from tests.tracker.runs.programme import Programme
from tracker.audit.models import Event
from tracker.audit.values import Actor
from tracker.connections import actions, queries
from tracker.connections.models import ApiVersion, Check
from tracker.connections.probing import Seen, probe
from tracker.inventory.models import Subscription

SYNC = Actor("system", "sync", "Sync")
SLOTS = "Microsoft.ClassicCompute/domainNames/slots"


@pytest.fixture
def subscription(programme: Programme) -> Subscription:
    return Subscription.objects.get()


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_versions_are_stored_with_their_source_and_time(programme: Programme, subscription: Subscription) -> None:
    now = timezone.now()
    changed = actions.read_versions(subscription, gateway=programme.gateway, by=SYNC, now=now)
    rows = {row.kind: row for row in ApiVersion.objects.filter(subscription=subscription)}
    assert changed == len(rows) > 50
    slots = rows[SLOTS]
    assert slots.source == "provider metadata" and slots.version == max(slots.listed) and slots.metadata_read_at
    assert rows[f"{SLOTS}/prepareMigration"].version == slots.version
    event = Event.objects.get(type="connection.versions_read")
    assert json.loads(event.body)["detail"]["changed"] == changed
    again = actions.read_versions(subscription, gateway=programme.gateway, by=SYNC, now=now + timedelta(minutes=1))
    assert again == 0 and Event.objects.filter(type="connection.versions_read").count() == 1
    assert ApiVersion.objects.filter(stored_at=now + timedelta(minutes=1)).count() == changed


def test_a_version_set_by_hand_that_azure_does_not_list_is_doubted(
    programme: Programme, subscription: Subscription
) -> None:
    chosen = {SLOTS: "2013-01-01"}
    with ArmGateway(programme.simulator.base_url, StaticToken("a-token"), api_versions=chosen) as gateway:
        actions.read_versions(subscription, gateway=gateway, by=SYNC, now=timezone.now())
    used = {one.kind: one for one in queries.versions_used()}
    assert (used[SLOTS].version, used[SLOTS].source, used[SLOTS].subscriptions) == ("2013-01-01", "setting", 1)
    assert "not 2013-01-01" in used[SLOTS].doubt


def test_when_azure_does_not_answer_what_was_read_stays(subscription: Subscription, programme: Programme) -> None:
    actions.read_versions(subscription, gateway=programme.gateway, by=SYNC, now=timezone.now())
    before = list(ApiVersion.objects.values_list("kind", "version", "stored_at"))
    with ArmGateway(closed_port(), StaticToken("a-token"), deadline=1) as nowhere, pytest.raises(GatewayError):
        actions.read_versions(subscription, gateway=nowhere, by=SYNC, now=timezone.now())
    assert list(ApiVersion.objects.values_list("kind", "version", "stored_at")) == before


def test_a_type_that_is_no_longer_asked_for_goes(subscription: Subscription, programme: Programme) -> None:
    old = ApiVersion(subscription=subscription, kind="Microsoft.Old/things", version="2010-01-01", source="table")
    old.stored_at = timezone.now()
    old.save()
    actions.read_versions(subscription, gateway=programme.gateway, by=SYNC, now=timezone.now())
    assert not ApiVersion.objects.filter(kind="Microsoft.Old/things").exists()


def test_each_door_is_looked_at(programme: Programme) -> None:
    url = programme.simulator.base_url
    seen = probe(lambda: programme.gateway, cloud=PUBLIC, resource_manager=url, service_management="", simulator=True)
    assert [(one.door, one.good) for one in seen] == [
        ("resource-manager", True),
        ("service-management", True),
        ("credential", True),
    ]
    assert "simulator" in seen[0].sentence and seen[1].sentence.startswith("Not used")
    dark = closed_port()
    gateway = ArmGateway(dark, StaticToken("a-token"), deadline=1)
    seen = probe(lambda: gateway, cloud=CHINA, resource_manager=dark, service_management=dark, simulator=False)
    assert not any(one.good for one in seen)
    assert "Azure China" in seen[0].sentence and "Check TRACKER_ARM_ENDPOINT" in seen[0].sentence
    assert "TRACKER_SERVICE_MANAGEMENT_ENDPOINT" in seen[1].sentence


@pytest.mark.django_db
def test_a_turn_is_history_and_a_look_is_not() -> None:
    now = timezone.now()
    well, ill = (Seen(Check.Door.CREDENTIAL, good, "Said.") for good in (True, False))
    for minutes, seen in enumerate((well, well, ill, ill, well)):
        actions.checked([seen], by=SYNC, now=now + timedelta(minutes=minutes))
    told = Event.objects.filter(type="connection.checked")
    states = [json.loads(event.body)["detail"]["state"] for event in told]
    assert sorted(states) == ["not well", "well", "well"]
    row = queries.checks()["credential"]
    assert row.good and row.since == row.checked_at == now + timedelta(minutes=4)


def doctor() -> dict[str, tuple[str, str]]:
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("doctor", stdout=out)
    rows = re.findall(r"^(ok|BAD)\s+(.{16}) (.*)$", out.getvalue(), re.MULTILINE)
    return {name.strip(): (state, sentence) for state, name, sentence in rows}


def test_doctor_says_what_is_wrong_and_what_to_do(
    programme: Programme, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = programme.simulator.base_url
    monkeypatch.setattr("django.conf.settings.ARM_ENDPOINT", url)
    monkeypatch.setattr("django.conf.settings.SERVICE_MANAGEMENT_ENDPOINT", "")
    said = doctor()
    assert said["Cloud"][0] == said["Resource Manager"][0] == said["Credential"][0] == "ok"
    assert said["Versions"] == (
        "BAD",
        "Nothing was read yet which versions Azure offers; run `manage.py sync`.",
    )
    actions.read_versions(subscription, gateway=programme.gateway, by=SYNC, now=timezone.now())
    subscription.registrations = {"Microsoft.ClassicInfrastructureMigrate": "NotRegistered", "Microsoft.Compute": None}
    subscription.registrations_read_at = timezone.now()
    subscription.save()
    said = doctor()
    assert said["Versions"][0] == "ok" and "types" in said["Versions"][1]
    assert said["Registrations"][0] == "BAD"
    assert "Microsoft.ClassicInfrastructureMigrate not registered in" in said["Registrations"][1]


def test_doctor_says_whether_secrets_may_be_read(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    url = programme.simulator.base_url
    monkeypatch.setattr("django.conf.settings.ARM_ENDPOINT", url)
    monkeypatch.setattr("django.conf.settings.KEY_VAULTS", ())
    assert doctor()["Key Vaults"] == (
        "ok", "None is named; a secret that somebody gives is kept sealed (TRACKER_KEY_VAULTS).",
    )  # fmt: skip
    monkeypatch.setattr("django.conf.settings.KEY_VAULTS", (f"{url}/vaults/keys",))
    assert doctor()["Key Vaults"] == ("BAD", f"There is no Key Vault at {url}/vaults/keys. Check TRACKER_KEY_VAULTS.")
    groups = f"/subscriptions/{programme.subscription.pk}/resourceGroups"
    group = programme.gateway.send(ArmRequest(method="GET", path=groups, api_version="2025-04-01")).body["value"][0]
    place = f"{group['id']}/providers/Microsoft.KeyVault/vaults/keys"
    for facts, state, words in (
        ({}, "BAD", "lacks the role Key Vault Secrets User"),
        ({"enableRbacAuthorization": True}, "ok", f"Secrets may be read in {url}/vaults/keys."),
    ):
        body = {"location": "westeurope", "properties": facts}
        programme.gateway.send(ArmRequest(method="PUT", path=place, api_version="2024-11-01", body=body))
        said = doctor()["Key Vaults"]
        assert said[0] == state and words in said[1]
    monkeypatch.setattr("django.conf.settings.AZURE_CREDENTIAL", "environment")
    monkeypatch.delenv("AZURE_TENANT_ID", raising=False)
    assert "AZURE_TENANT_ID is not set" in doctor()["Key Vaults"][1]


def test_doctor_names_a_mixed_cloud_and_a_missing_secret(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.SERVICE_MANAGEMENT_ENDPOINT", CHINA.service_management)
    monkeypatch.setattr("tracker.connections.probing.reach", lambda url, *, door, **_: Seen(door, True, url))
    said = doctor()
    assert (
        said["Cloud"][0] == "BAD" and "TRACKER_SERVICE_MANAGEMENT_ENDPOINT belongs to Azure China" in said["Cloud"][1]
    )
    monkeypatch.setattr("django.conf.settings.SERVICE_MANAGEMENT_ENDPOINT", "")
    monkeypatch.setattr("django.conf.settings.AZURE_CREDENTIAL", "environment")
    monkeypatch.delenv("AZURE_TENANT_ID", raising=False)
    said = doctor()
    assert said["Cloud"][0] == "BAD" and "a real token would go to it" in said["Cloud"][1]
    assert said["Credential"][0] == "BAD" and "AZURE_TENANT_ID is not set" in said["Credential"][1]


def test_doctor_names_the_catalogue_in_force_and_one_that_waits(
    programme: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force = readiness.catalogue_version
    state, said = doctor()["Catalogue"]
    assert state == "ok" and in_force[:12] in said and "WAITS" not in said
    other = release(monkeypatch, without("CS-EMPTY"))
    state, said = doctor()["Catalogue"]
    assert f"{other[:12]}, of this version, WAITS" in said and in_force[:12] in said
    assert "0 rules are new, 0 changed, 1 removed" in said


def test_doctor_waits_for_the_first_assessment(db: None) -> None:
    assert "when the first unit is assessed" in doctor()["Catalogue"][1]
