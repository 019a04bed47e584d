"""An estate captured over both APIs by the real command, in a process of its own, against the simulator over HTTP:
imported into an empty product it gives the units and verdicts of a sync, and it is captured again as the same."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from migrator.gateway.arm import StaticToken
from migrator.gateway.azure import Azure
from migrator.simulator import running, scenarios
from tests.tracker.imports.test_importing import picture
from tests.tracker.inventory.azure import BY, Clock
from tracker.inventory import actions
from tracker.inventory.models import Import, ImportRow, Resource, Snapshot, Subscription
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.readiness import actions as readiness

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-9b1f27c4"


def planted() -> dict[str, Any]:
    """The demo company with a secret in every place where Azure is known to show one."""
    estate = scenarios.estate("demo")
    for document in estate["resources"]:
        body, kind = document["properties"], document["type"].rsplit("/", 1)[-1]
        if "configuration" in body and "<ConfigurationSettings>" in str(body["configuration"]):
            setting = f'<Setting name="Db" value="Server=x;Password={CANARY}-cscfg;AccountKey={CANARY}-key=="/>'
            body["configuration"] = body["configuration"].replace(
                "<ConfigurationSettings>", f"<ConfigurationSettings>{setting}", 1
            )
        if kind == "virtualMachines":
            body["adminPassword"] = f"{CANARY}-vm"
        if kind == "extensionReferences":
            body["privateConfiguration"] = f'{{"storageAccountKey": "{CANARY}-extension"}}'
        if kind == "gateways":
            body["sharedKey"] = f"{CANARY}-gateway"
        if kind == "storageAccounts":
            body["primaryKey"] = f"{CANARY}-storage"
            document["tags"] = {**(document.get("tags") or {}), "password": f"{CANARY}-tag"}
    return estate


def secrets_of(estate: dict[str, Any]) -> set[str]:
    """Every value of the planted estate that hides something: the planted ones and the demo's own."""
    raw = json.dumps(estate["resources"])
    found = set(re.findall(rf"{CANARY}-\w+", raw))
    found |= set(re.findall(r"(?:AccountKey|Password|SharedAccessKey)=([^;\\\"<&]{8,})", raw))
    return found


@pytest.fixture(scope="module")
def estate() -> dict[str, Any]:
    return planted()


@pytest.fixture(scope="module")
def azure(estate: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    file = tmp_path_factory.mktemp("azure") / "planted.json"
    file.write_text(json.dumps(estate), encoding="utf-8")
    with running.simulator(scenario=file) as process:
        process.control("settings", {"throttle": 0})
        yield process


def capture(azure: running.Running, file: Path) -> tuple[dict[str, Any], str]:
    """What `manage.py capture` writes and says, in a process of its own, over both APIs."""
    environment = {
        **os.environ,
        "TRACKER_ARM_ENDPOINT": azure.base_url,
        "TRACKER_SERVICE_MANAGEMENT_ENDPOINT": f"{azure.base_url}/service-management",
        "TRACKER_AZURE_CREDENTIAL": "static",
    }
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "capture", file],
        env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text(encoding="utf-8")), done.stdout


@pytest.fixture(scope="module")
def captured(azure: running.Running, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    file = tmp_path_factory.mktemp("captured") / "estate.json"
    return file, *capture(azure, file)


def seen(azure: running.Running, resource_id: str) -> str:
    """What Azure answers of one resource, untouched."""
    address = f"{azure.base_url}{resource_id}?api-version=2017-04-01"
    asked = urllib.request.Request(address, headers={"Authorization": "Bearer a-token"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
        return answer.read().decode()


def body(estate: dict[str, Any]) -> dict[str, Any]:
    """An estate without what tells when and where it was captured."""
    return {name: part for name, part in estate.items() if name not in ("origin", "captured", "digest")}


def test_both_apis_are_in_the_file(captured: tuple[Path, dict[str, Any], str]) -> None:
    _, estate, said = captured
    kinds = {document["type"] for document in estate["resources"]}
    assert "Microsoft.ClassicNetwork/routeTables" in kinds, "only service management lists those"
    assert "Microsoft.ClassicCompute/domainNames/slots/roles" in kinds
    assert f"{len(estate['resources'])} resources of 3 subscriptions, 0 parts unreadable" in said


def test_no_secret_is_in_the_file(
    captured: tuple[Path, dict[str, Any], str], estate: dict[str, Any], azure: running.Running
) -> None:
    file, _, said = captured
    hidden = secrets_of(estate)
    places = {secret.rpartition("-")[2] for secret in hidden if secret.startswith(CANARY)}
    assert places >= {"cscfg", "vm", "extension", "gateway", "storage", "tag"} and len(hidden) > len(places)
    raw = file.read_bytes()
    assert [secret for secret in hidden if secret.encode() in raw or secret in said] == []
    assert b"***removed***" in raw
    machine = next(one for one in estate["resources"] if one["type"].endswith("/virtualMachines"))
    assert f"{CANARY}-vm" in seen(azure, machine["id"]), "Azure itself shows it to whoever may read"
    assert "a-token" not in raw.decode() and "Bearer" not in raw.decode()


def test_captured_again_it_is_the_same(
    captured: tuple[Path, dict[str, Any], str], azure: running.Running, tmp_path: Path
) -> None:
    file, first, _ = captured
    assert body(capture(azure, tmp_path / "again.json")[0]) == body(first)
    with running.simulator(scenario=file) as other:
        other.control("settings", {"throttle": 0})
        assert body(capture(other, tmp_path / "other.json")[0]) == body(first), "and so is the Azure made of the file"


def test_imported_into_an_empty_product_it_gives_what_a_sync_gives(
    captured: tuple[Path, dict[str, Any], str], azure: running.Running
) -> None:
    file, estate, _ = captured
    call_command("import_estate", file, "--apply")
    assert Resource.objects.count() == len(estate["resources"])
    for model in (Resource, Snapshot, Import, ImportRow):
        assert CANARY not in str(list(model.objects.values())), model.__name__

    clock = Clock()
    gateway = Azure(azure.base_url, f"{azure.base_url}/service-management", StaticToken("a-token"), deadline=10)
    try:
        assess(gateway, clock)
        imported = picture()
        for subscription in Subscription.objects.order_by("pk"):
            actions.sync(subscription, gateway, clock, BY)
            for region in quota_queries.regions(subscription):
                quota.read_usages(subscription, region, gateway=gateway, by=BY, now=clock())
        assert not Resource.objects.filter(sources__contains={"": "file"}).exists()
        assess(gateway, clock)
    finally:
        gateway.close()
    assert len(imported["units"]) > 70
    assert picture() == imported


def assess(gateway: Azure, clock: Clock) -> None:
    """Both pictures are judged by what the same gateway can move."""
    for subscription in Subscription.objects.order_by("pk"):
        units = list(subscription.units.filter(gone_at=None))
        shortfalls = quota_queries.shortfalls_of(units)
        readiness.assess(units, shortfalls=shortfalls, movable=gateway.movable(), now=clock(), by=BY)
