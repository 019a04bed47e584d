"""A fresh read held against what must be so."""

from typing import Any

import pytest

from migrator.fixes import Condition, Wants, unmet
from migrator.gateway import wire
from tests.migrator.readiness.documents import cscfg, disk, role, service, slot


def held(condition: Condition, *documents: dict[str, Any], gone: str = "", **registered: str) -> str:
    read: dict[str, Any] = {str(d["id"]).lower(): d for d in documents} | ({gone.lower(): None} if gone else {})
    values = {value.key: value for value in wire.resources(documents)}
    return unmet(condition, read, values, {name.replace("_", "."): state for name, state in registered.items()})


def a(wants: Wants, resource: dict[str, Any], field: str = "", *values: str) -> Condition:
    return Condition(wants=wants, resource_id=resource["id"], sentence="x", field=field, values=values)


@pytest.mark.parametrize(
    ("condition", "documents", "words"),
    [
        (a(Wants.THERE, disk()), [disk()], ""),
        (a(Wants.GONE, disk()), [disk()], "old is there."),
        (a(Wants.IS, disk(), "attached_to", "nothing"), [disk()], ""),
        (a(Wants.IS, disk(), "attached_to", "nothing"), [disk(attached="vm1")], "is vm1, not nothing"),
        (a(Wants.IS, slot(), "status", "Running", "Suspended"), [service(), slot(status="running")], ""),
        (a(Wants.IS, slot(), "status", "Running"), [slot(status="Deploying")], "is Deploying, not Running"),
        (a(Wants.IS, slot(), "created_at", "2021-05-01T00:00:00+00:00"), [slot()], ""),
        (a(Wants.IS, slot(), "created_at", "2020-05-01T00:00:00+00:00"), [slot()], "created at"),
    ],
)
def test_what_is_read_decides(condition: Condition, documents: list[dict[str, Any]], words: str) -> None:
    said = held(condition, *documents)
    assert words in said and bool(words) == bool(said)


def test_what_is_not_there_and_what_was_not_read_are_two_things() -> None:
    there, gone = a(Wants.THERE, disk()), a(Wants.GONE, disk())
    assert held(there, gone=disk()["id"]) == "old is not there any more."
    assert held(gone, gone=disk()["id"]) == ""
    assert "not read" in held(there)
    assert "not read" in held(gone)  # silence is not absence
    assert "not there" in held(a(Wants.IS, disk(), "attached_to", "nothing"), gone=disk()["id"])


def test_a_field_nobody_told_is_no_answer_unless_azure_itself_refuses() -> None:
    silent = slot()
    del silent["properties"]["status"]
    assert "does not say" in held(a(Wants.IS, slot(), "status", "Running"), silent)
    assert held(a(Wants.IS_OR_SILENT, slot(), "status", "Running"), silent) == ""
    assert held(a(Wants.IS_OR_SILENT, slot(), "status", "Running"), slot(status="Deploying"))


def test_the_number_of_instances_is_the_configuration_s_where_the_role_says_none() -> None:
    bare = role()
    bare["properties"].pop("instanceCount", None)
    two = slot(configuration=cscfg(["web"], {}, {}, None))
    assert held(a(Wants.IS, bare, "instance_count", "2"), two, bare) == ""
    assert "2, not 1" in held(a(Wants.IS, bare, "instance_count", "1"), two, bare)


def test_registered_is_a_word_of_azure_s() -> None:
    condition = Condition(wants=Wants.REGISTERED, resource_id="Microsoft.Quota", sentence="x")
    assert held(condition, microsoft_quota="Registered") == ""
    assert "is Registering now" in held(condition, microsoft_quota="Registering")
    assert "not known" in held(condition)
