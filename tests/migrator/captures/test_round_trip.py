"""A capture of one simulated Azure, loaded into another and captured again, is the same."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from migrator.captures import reading, writing
from migrator.gateway.arm import ArmGateway, StaticToken
from migrator.simulator import running, scenarios

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECTIONS = ("subscriptions", "resources", "registrations", "usages", "read", "unreadable")


def capture(azure: running.Running) -> dict[str, Any]:
    azure.control("settings", {"throttle": 0})
    with ArmGateway(azure.base_url, StaticToken("a-token")) as gateway:
        return writing.capture(gateway, gateway.subscriptions(), endpoint="https://azure.example", at=AT)


@pytest.fixture(scope="module", params=["demo", "journey", "small"])
def first(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    with running.simulator(scenario=request.param) as azure:
        yield capture(azure)


def test_a_capture_loads_into_another_simulator_and_is_captured_as_the_same_file(
    first: dict[str, Any], tmp_path: Path
) -> None:
    assert all(first[section] for section in ("subscriptions", "resources", "registrations", "usages", "read"))
    file = tmp_path / "captured.json"
    file.write_text(writing.text(first), encoding="utf-8")
    with running.simulator(scenario=file) as azure:
        again = capture(azure)
    for section in SECTIONS:
        assert again[section] == first[section], section
    assert writing.text(again) == writing.text(first)


def test_a_capture_is_read_without_a_refused_row(first: dict[str, Any]) -> None:
    contents = reading.read(writing.text(first).encode(), "captured.json")
    assert [
        (entry.place, entry.refused or entry.left_out) for entry in contents.entries if entry.document is None
    ] == []
    assert contents.whole == {row["subscriptionId"] for row in first["subscriptions"]}
    assert contents.notes == ()


def test_no_secret_of_the_estate_is_in_the_file() -> None:
    raw = json.dumps(scenarios.estate("demo"))
    secrets = set(re.findall(r"AccountKey=([^;\\\"]{8,})", raw))
    assert secrets
    with running.simulator(scenario="demo") as azure:
        text = writing.text(capture(azure))
    assert not [secret for secret in secrets if secret in text]
    assert "***removed***" in text


def test_no_administrator_is_named_by_a_file_that_names_one() -> None:
    raw = json.dumps(scenarios.estate("demo"))
    assert "priya.raman@" in raw
    contents = reading.read(raw.encode(), "written-by-hand.json")
    kept = [entry.document for entry in contents.entries if "classicAdministrators" in str(entry.document)]
    assert len(kept) == 5 and "priya.raman@" not in str(kept) and "***@bramble.example" in str(kept)
