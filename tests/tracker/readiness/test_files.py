"""Files people give of a deployment: kept without secrets, counted, replaced, withdrawn; the database is real."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from migrator.configuration import Kind
from tests.tracker.inventory.azure import BY, Azure, Clock
from tests.tracker.readiness.files import CANARY, cscfg, csdef
from tracker.audit.models import Event
from tracker.inventory.models import Resource, Unit
from tracker.readiness import given_files
from tracker.readiness.actions import (
    FilesRefused,
    Upload,
    assess,
    files,
    give_files,
    record_rewritten,
    withdraw_file,
)
from tracker.readiness.models import Assessment, ConfigurationFile, Finding

pytestmark = pytest.mark.django_db


def events(kind: str) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in Event.objects.filter(type=kind).order_by("id")]


@pytest.fixture
def unit(azure: Azure, clock: Clock) -> Unit:
    """small-tool, a deployment in the default network, of which Azure sends neither configuration nor size."""
    del azure.document("small-tool/slots/production")["properties"]["configuration"]
    del azure.document("small-tool/slots/production/roles/tool")["properties"]["instanceSize"]
    azure.edit(lambda listed: None)
    azure.sync(azure.subscribe(clock), clock)
    assess(None, now=clock(), by=BY)
    return Unit.objects.get(name="small-tool")


@pytest.fixture
def key(unit: Unit) -> str:
    return Resource.objects.get(unit=unit, key__endswith="/small-tool/slots/production").key


def configuration(**options: Any) -> Upload:
    return Upload(Kind.CONFIGURATION, "ServiceConfiguration.Cloud.cscfg", cscfg("small-tool", "Tool", **options))


def definition(**options: Any) -> Upload:
    return Upload(Kind.DEFINITION, "ServiceDefinition.csdef", csdef("small-tool", "Tool", **options))


def outcome(unit: Unit, rule: str) -> str:
    rows = Finding.objects.filter(unit=unit, rule=rule)
    return sorted(rows.values_list("outcome", flat=True), key=["yes", "unknown", "no"].index)[0]


def dump() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        told = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            told += [row[0] for row in cursor]
    return "\n".join(told)


def test_files_settle_findings_with_an_event_and_an_assessment(unit: Unit, key: str, clock: Clock) -> None:
    assert [outcome(unit, rule) for rule in ("CS-PLUGIN-LEFT", "CS-LEGACY-SIZE", "CS-CSDEF-NAME-MISMATCH")] == [
        "unknown"
    ] * 3
    before = Assessment.objects.filter(unit=unit).latest("at")
    done = give_files(unit, key, [configuration(), definition()], by=BY, now=clock())
    assert [row.kind for row in done.files] == ["cscfg", "csdef"]
    assert (done.assessed.units, done.assessed.changed) == (1, 1)
    assert outcome(unit, "CS-PLUGIN-LEFT") == "yes", "the definition imports RemoteAccess"
    assert outcome(unit, "CS-LEGACY-SIZE") == "yes"
    assert outcome(unit, "CS-CSDEF-NAME-MISMATCH") == "no"
    after = Assessment.objects.filter(unit=unit).latest("at")
    assert after.digest != before.digest, "what a seal is made over knows the files"
    finding = Finding.objects.get(unit=unit, rule="CS-LEGACY-SIZE", outcome="yes")
    row = ConfigurationFile.objects.get(kind="csdef")
    assert {
        "field": "file",
        "value": f"ServiceDefinition.csdef ({row.digest[:12]}), given by {BY.key}, 2026-11-23",
    } in (finding.evidence)
    assert len([fact for fact in finding.evidence if fact["field"] == "file"]) == 1, "the configuration tells no size"
    given = events("readiness.file_given")
    assert [(one["detail"]["file"], one["detail"]["digest"]) for one in given] == [
        (row.file_name, row.digest) for row in done.files
    ]
    assert given[0]["object"] == {"kind": "unit", "id": unit.key}


def test_no_secret_reaches_the_database_the_history_or_a_log(
    unit: Unit, key: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = [configuration(plugin="RemoteAccess"), definition()]
    assert all(CANARY.encode() in one.data for one in given)
    done = give_files(unit, key, given, by=BY, now=clock())
    record_rewritten(unit, done.files[0], changes=3, digest="d" * 64, by=BY, now=clock())
    withdraw_file(unit, done.files[0].pk, by=BY, now=clock())
    everything = dump()
    assert "ServiceConfiguration.Cloud.cscfg" in everything, "the dump shows what is stored"
    assert CANARY not in everything
    assert CANARY not in caplog.text
    assert CANARY not in repr(given)


def test_a_newer_file_takes_the_place_of_the_older_one(unit: Unit, key: str, clock: Clock) -> None:
    first = give_files(unit, key, [configuration(plugin="RemoteAccess")], by=BY, now=clock()).files[0]
    assert outcome(unit, "CS-PLUGIN-LEFT") == "yes"
    second = give_files(unit, key, [configuration()], by=BY, now=clock()).files[0]
    assert outcome(unit, "CS-PLUGIN-LEFT") == "no"
    first.refresh_from_db()
    assert (first.end, first.ended_by) == ("replaced", BY.key)
    assert given_files.of_deployments([key]) == {(key, "cscfg"): second}
    assert given_files.ended_of([key], 5) == [first]
    assert [one["detail"]["replaced"] for one in events("readiness.file_given")] == [0, 1]


def test_what_a_withdrawn_file_settled_is_open_again(unit: Unit, key: str, clock: Clock) -> None:
    (row,) = give_files(unit, key, [configuration()], by=BY, now=clock()).files
    assert outcome(unit, "CS-PLUGIN-LEFT") == "no"
    withdraw_file(unit, row.pk, by=BY, now=clock())
    assert outcome(unit, "CS-PLUGIN-LEFT") == "unknown"
    assert events("readiness.file_withdrawn")[0]["detail"]["file"] == row.file_name
    with pytest.raises(FilesRefused, match="replaced or withdrawn meanwhile"):
        withdraw_file(unit, row.pk, by=BY, now=clock())


def test_a_file_of_another_unit_cannot_be_withdrawn_from_here(unit: Unit, key: str, clock: Clock) -> None:
    (row,) = give_files(unit, key, [configuration()], by=BY, now=clock()).files
    with pytest.raises(FilesRefused):
        withdraw_file(Unit.objects.get(name="small-net"), row.pk, by=BY, now=clock())
    assert ConfigurationFile.objects.get().ended_at is None


def test_one_bad_file_keeps_both_out_and_each_says_why(unit: Unit, key: str, clock: Clock) -> None:
    bad = Upload(Kind.DEFINITION, "a.csdef", b"<ServiceDefinition")
    with pytest.raises(FilesRefused) as refused:
        give_files(unit, key, [configuration(), bad], by=BY, now=clock())
    assert refused.value.problems == {"csdef": "Line 1: The file is not well-formed XML (unclosed token)."}
    assert not ConfigurationFile.objects.exists()
    assert events("readiness.file_given") == []


def test_nothing_is_kept_when_its_event_cannot_be_written(
    unit: Unit, key: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no event")

    monkeypatch.setattr(files, "record", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        give_files(unit, key, [configuration()], by=BY, now=clock())
    assert not ConfigurationFile.objects.exists()
    assert outcome(unit, "CS-PLUGIN-LEFT") == "unknown"


@pytest.mark.parametrize("wrong", ["", "/", "/subscriptions", "{}x", "{}/roles/tool", "small-net"])
def test_a_deployment_of_elsewhere_is_refused(unit: Unit, key: str, clock: Clock, wrong: str) -> None:
    other = Resource.objects.get(key__endswith="small-web/slots/production").key if wrong == "small-net" else None
    with pytest.raises(FilesRefused, match="no such deployment"):
        give_files(unit, other or wrong.format(key), [configuration()], by=BY, now=clock())


def test_a_file_of_a_deployment_built_anew_counts_no_more(azure: Azure, unit: Unit, key: str, clock: Clock) -> None:
    give_files(unit, key, [configuration()], by=BY, now=clock())
    azure.document("small-tool/slots/production")["properties"]["createdTime"] = "2026-11-23T10:00:00Z"
    azure.edit(lambda listed: None)
    azure.sync(unit.subscription, clock)
    assess(None, now=clock(), by=BY)
    assert outcome(unit, "CS-PLUGIN-LEFT") == "unknown"
    finding = Finding.objects.get(unit=unit, rule="CS-PLUGIN-LEFT", outcome="unknown")
    assert "settles nothing: the deployment was built anew since" in json.dumps(finding.evidence)


def test_a_file_that_contradicts_azure_is_kept_told_and_settles_nothing(unit: Unit, key: str, clock: Clock) -> None:
    other = Upload(Kind.CONFIGURATION, "a.cscfg", cscfg("small-tool", "Other", count=3))
    give_files(unit, key, [other], by=BY, now=clock())
    assert outcome(unit, "CS-PLUGIN-LEFT") == "unknown"
    (given,) = events("readiness.file_given")
    assert given["detail"]["contradicts"] == [
        "Azure shows no role Other.",
        "Azure shows the role Tool, which the file does not have.",
    ]
    assert given["detail"]["idle"] == "its roles are not those Azure shows"


def test_a_person_gives_so_many_files_an_hour(
    unit: Unit, key: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PER_HOUR", 2)
    give_files(unit, key, [configuration(), definition()], by=BY, now=clock())
    with pytest.raises(FilesRefused, match="You gave 2 files within the hour"):
        give_files(unit, key, [configuration()], by=BY, now=clock())
    clock.at += timedelta(hours=1)
    give_files(unit, key, [configuration()], by=BY, now=clock())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/x.cscfg", "x.cscfg"),
        ("C:\\work\\shop.cscfg", "shop.cscfg"),
        ("CON", "CON"),
        ("a.cscfg\0.png", "a.cscfg.png"),
        ("x" * 300, "x" * 120),
        ("\u202e", "unnamed.cscfg"),
        ("", "unnamed.cscfg"),
    ],
)
def test_a_file_is_called_by_a_name_that_can_be_shown(name: str, shown: str) -> None:
    assert files.plain_name(name, Kind.CONFIGURATION) == shown


def test_the_database_keeps_one_counting_file_of_a_kind(unit: Unit, key: str, clock: Clock) -> None:
    (row,) = give_files(unit, key, [configuration()], by=BY, now=clock()).files
    row.pk = None
    with pytest.raises(IntegrityError, match="one_counting_file"), transaction.atomic():
        row.save()
    with pytest.raises(IntegrityError, match="file_end_is_whole"), transaction.atomic():
        ConfigurationFile.objects.update(end="withdrawn")


def test_a_kept_text_nobody_can_read_any_more_says_nothing(unit: Unit, key: str, clock: Clock) -> None:
    give_files(unit, key, [configuration()], by=BY, now=clock())
    ConfigurationFile.objects.update(text="<of another time>")
    assert given_files.counting(unit.subscription_id) == {}
    assess([unit], now=clock(), by=BY)
    assert outcome(unit, "CS-PLUGIN-LEFT") == "unknown"


def test_an_evaluation_reads_the_files_of_a_subscription_once(
    unit: Unit, key: str, clock: Clock, django_assert_num_queries: Any
) -> None:
    give_files(unit, key, [configuration(), definition()], by=BY, now=clock())
    with django_assert_num_queries(1):
        found = given_files.counting(unit.subscription_id)
    assert [one.kind for one in found[key]] == ["cscfg", "csdef"]
