"""`manage.py capture` and `manage.py import_estate`, against the simulator over HTTP."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.tracker.inventory.azure import SMALL_UNITS, Azure
from tracker import gateways
from tracker.inventory.models import Import, Resource, Unit

pytestmark = pytest.mark.django_db
SUB = "11111111-2222-3333-4444-555555555555"
Run = Callable[..., str]


@pytest.fixture
def run(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(gateways, "gateway_for", lambda subscription_id: azure.gateway())

    def ran(*arguments: Any, **options: Any) -> str:
        out = io.StringIO()
        call_command(*map(str, arguments), stdout=out, stderr=out, **options)
        return out.getvalue()

    return ran


def test_a_subscription_is_captured_and_imported_by_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    said = run("capture", file)
    estate = json.loads(file.read_text(encoding="utf-8"))
    assert f"{len(estate['resources'])} resources of 1 subscriptions, 0 parts unreadable" in said
    assert estate["digest"] in said
    said = run("import_estate", file)
    assert f"{len(estate['resources'])} added" in said
    assert "Nothing was imported; --apply imports it." in said
    assert not Resource.objects.exists()
    said = run("import_estate", file, "--apply")
    assert "3 units added" in said
    assert set(Unit.objects.values_list("name", flat=True)) == SMALL_UNITS
    assert not Unit.objects.filter(assessed_at=None).exists()


def test_the_same_subscription_is_captured_as_the_same_file_but_for_its_time(run: Run, tmp_path: Path) -> None:
    texts = []
    for name in ("one.json", "two.json"):
        run("capture", tmp_path / name)
        estate = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        texts.append(json.dumps({k: v for k, v in estate.items() if k not in ("origin", "captured", "digest")}))
    assert texts[0] == texts[1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["one.json", "two.json"], "nothing is left beside them"


def test_what_could_not_be_read_is_in_the_file(run: Run, azure: Azure, tmp_path: Path) -> None:
    azure.fault("malformed", unit="small-tool/slots", method="GET", times=None)
    try:
        said = run("capture", tmp_path / "estate.json")
    finally:
        azure.clear()
    estate = json.loads((tmp_path / "estate.json").read_text(encoding="utf-8"))
    (part,) = estate["unreadable"]
    assert part["resource"].endswith("/small-tool")
    assert f"unknown: {part['sentence']}" in said
    (listed,) = [names for key, names in estate["read"].items() if key.endswith("/small-tool")]
    assert "slots" not in listed, "what was not listed is not marked as listed"


def test_a_failed_capture_leaves_the_old_file(run: Run, azure: Azure, tmp_path: Path) -> None:
    file = tmp_path / "estate.json"
    file.write_text("the old one", encoding="utf-8")
    azure.fault("throttle", unit="", method="POST", retry_after=120, times=None)
    try:
        with pytest.raises(CommandError, match="Nothing was written"):
            run("capture", file)
    finally:
        azure.clear()
    assert file.read_text(encoding="utf-8") == "the old one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["estate.json"]


def test_a_subscription_nobody_sees_and_a_place_that_is_not_there_are_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="sees no subscription"):
        run("capture", "--subscription", SUB, tmp_path / "estate.json")
    with pytest.raises(CommandError, match="a directory that exists"):
        run("capture", tmp_path / "nowhere" / "estate.json")


def test_a_file_that_cannot_be_imported_is_told_with_its_rows(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "net1.csv"
    file.write_text("vmname,csname\nvm1,cs1\n=1,cs1\n", encoding="utf-8")
    with pytest.raises(CommandError, match="whole or not at all"):
        run("import_estate", file, "--apply", "--subscription", SUB)
    assert not Resource.objects.exists()
    with pytest.raises(CommandError, match="choose the subscription"):
        run("import_estate", file)
    with pytest.raises(CommandError, match="cannot be read"):
        run("import_estate", tmp_path / "nowhere.json")
    with pytest.raises(CommandError, match="--as-of is no time"):
        run("import_estate", file, "--as-of", "yesterday")
    assert not Import.objects.filter(state="applied").exists()


@override_settings(IMPORT_MIB=1)
def test_a_file_larger_than_the_site_takes_is_not_read_whole(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "big.json"
    with file.open("wb") as made:
        made.truncate(3 * 1024 * 1024 * 1024)  # sparse: nothing is stored, and reading it whole would show
    with pytest.raises(CommandError, match="at most 1 MiB"):
        run("import_estate", file)
