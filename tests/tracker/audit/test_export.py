"""Exports: the record, the view, the bundle, and the events that tell of them."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.tracker.audit.conftest import NOON, PRIYA, later, wave
from tracker.audit import csv_cells, export, export_parts, verify_audit
from tracker.audit.actions import ENGINE, Actor, Fact, record, record_many, sequence, vkey
from tracker.audit.models import Event, PrivateValue
from tracker.audit.queries import BadFilter, Filters

RUTH = Actor("user", "p-ruth", "Ruth")
# reliability-notes 3.2.D, and what spreadsheets of other locales take for the beginning of a cell
WILD = [
    '=HYPERLINK("http://evil.example","click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＠x",
    '"=1"',
    'a";"=1"',
    "a;=1",
    "a;;-1;+2",
    "  =1",
    "x" * 35_000,
    'plain, with a comma and "quotes"',
    "e-mail@example.com and 1-2=3",
    "'",
    "",
    "\\x02 \\ \x02\x01",
]
DANGEROUS = re.compile(r'(^|[;\t\r\n])[ "]*[=+@＝＋－＠-]')


def clock():
    """A clock for the ends of exports."""
    seconds = count(1)
    return lambda: later(3600 + next(seconds))


def made(filters: Filters | None = None, columns=(), format: str = "jsonl", by: Actor = PRIYA, **more) -> export.Export:
    return export.stream(filters or Filters(), columns, format, by=by, now=later(3600), clock=clock(), **more)


def opened(data: bytes, tmp_path) -> tuple[zipfile.ZipFile, str]:
    path = tmp_path / "bundle.zip"
    path.write_bytes(data)
    return zipfile.ZipFile(path), verify_audit.main(vkey(), str(path))


def test_the_record_is_what_was_hashed_byte_for_byte(db: None) -> None:
    for number, text in enumerate(WILD):
        with transaction.atomic():
            detail = {"name": text, "texts": [text[:9_000], {"k": text[:9_000]}]}
            record("wave.created", by=PRIYA, object=("wave", number), now=later(number), detail=detail)
    lines = b"".join(made()).split(b"\n")
    stored = list(Event.objects.order_by("id").values_list("body", flat=True))[: len(WILD) + 1]
    assert lines.pop() == b"" and [line.decode() for line in lines] == stored
    assert json.loads(lines[-1])["type"] == "export.started"


def test_a_whole_export_verifies_with_its_checkpoints_and_a_changed_byte_does_not(db: None) -> None:
    for number in range(40):
        wave(number)
    data = b"".join(made())
    notes = export_parts.checkpoints_text().split("===\n")
    lines = data.splitlines(keepends=True)
    assert verify_audit.verify(vkey(), notes, lines).startswith("41 of 41 events")
    with pytest.raises(verify_audit.Failed):
        verify_audit.verify(vkey(), notes, data.replace(b'"W17"', b'"W18"', 1).splitlines(keepends=True))


@pytest.mark.parametrize("columns", [(), csv_cells.COLUMNS], ids=["made by PostgreSQL", "made by Python"])
def test_no_cell_of_the_view_is_a_formula(db: None, columns: tuple[str, ...]) -> None:
    for number, text in enumerate(WILD):
        with transaction.atomic():
            texts = {"detail": {"name": text}, "private": {"reason": text}}
            record("wave.created", by=PRIYA, object=("wave", text[:400] or "-"), now=later(number), **texts)
    data = b"".join(made(Filters(types=("wave",)), columns, "csv"))
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(columns or csv_cells.USUAL) and len(rows) == len(WILD) + 1
    for row in rows[1:]:
        for text in row:
            assert not DANGEROUS.search(text), text
            assert not text.startswith(("\t", "\r", "\n")) and len(text) <= 32_767
    ids = [row[rows[0].index("object_id")] for row in rows[1:]]
    assert ids == [csv_cells.cell(text[:400] or "-") for text in WILD]
    assert ids[WILD.index('plain, with a comma and "quotes"')] == 'plain, with a comma and "quotes"'


@pytest.mark.parametrize("text", WILD)
def test_sql_and_python_clean_a_cell_alike(db: None, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {csv_cells._cleaned('said')} FROM (SELECT %s::text AS said) one", [text])
        assert cursor.fetchone()[0] == csv_cells.cell(text).replace('"', '""')


def test_columns_are_chosen_and_people_named(db: None) -> None:
    with transaction.atomic():
        named = {"display_name": "=Priya", "email": "p@example.com"}
        record(
            "account.created", by=ENGINE, object=("account", "p-priya"), now=NOON, detail={"roles": []}, private=named
        )
    wave(1)
    for columns in (("actor_name", "type"), ("actor_name", "type", "sentence")):
        data = b"".join(made(Filters(types=("wave.created",)), columns, "csv")).decode("utf-8-sig")
        assert data.splitlines()[1].startswith('"\'=Priya","wave.created"')
    assert data.splitlines()[1].endswith('"\'=Priya created the wave W1."')


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (Filters(), None),
        (Filters(types=("wave",)), 30),
        (Filters(actor="user:p-ruth"), 10),
        (Filters(actor="user", since=later(5), until=later(15)), 10),
        (Filters(object_kind="wave", object_id="12"), 1),
        (Filters(text="no such thing 100% _"), 0),
        (Filters(result="denied"), 0),
    ],
    ids=["everything", "a slice", "a person", "a time", "an object", "nothing", "no result"],
)
def test_a_bundle_proves_what_it_shows(db: None, tmp_path, filters: Filters, shown: int | None) -> None:
    for number in range(30):
        wave(number, later(number), by=RUTH if number % 3 == 0 else PRIYA, reason=f"reason {number}\n\x07")
    running = made(filters, format="bundle")
    archive, said = opened(b"".join(running), tmp_path)
    size = running.checkpoint.size
    assert archive.testzip() is None
    names = "README.txt verify_audit.py checkpoints.txt events.jsonl outline.txt private.jsonl manifest.json"
    assert archive.namelist() == names.split()
    expected = size if shown is None else shown
    assert said.startswith(f"{expected} of {size} events, {min(expected, 30)} private values")
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["events"] == expected == len(archive.read("events.jsonl").splitlines())
    assert (
        manifest["history"]["root"] == bytes(running.checkpoint.root).hex() and manifest["filters"] == filters.detail()
    )
    assert archive.read("verify_audit.py") == export_parts.VERIFIER.read_bytes()
    assert vkey() in archive.read("README.txt").decode()


@pytest.mark.parametrize("name", ["events.jsonl", "outline.txt", "checkpoints.txt", "private.jsonl"])
def test_a_changed_byte_in_any_file_of_a_bundle_is_noticed(db: None, tmp_path, name: str) -> None:
    for number in range(20):
        wave(number, later(number), reason="because")
    archive, _ = opened(b"".join(made(Filters(types=("wave.created",)), format="bundle")), tmp_path)
    content = {entry: archive.read(entry) for entry in archive.namelist()}
    middle = len(content[name]) // 2
    for at in range(middle, middle + 90, 7):
        data = bytearray(content[name])
        data[at] ^= 1
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(path, "w") as changed:
            for entry, original in content.items():
                changed.writestr(entry, bytes(data) if entry == name else original)
        with pytest.raises((verify_audit.Failed, ValueError, KeyError)):
            verify_audit.main(vkey(), str(path))


def test_an_older_checkpoint_is_a_witness(db: None, tmp_path) -> None:
    for number in range(9):
        wave(number)
    kept = tmp_path / "checkpoint-from-a-mail.txt"
    kept.write_text(made().checkpoint.note, encoding="utf-8")
    sequence(NOON)
    (tmp_path / "bundle.zip").write_bytes(b"".join(made(format="bundle", by=RUTH)))
    assert "2 of 2 checkpoints" in verify_audit.main(vkey(), str(tmp_path / "bundle.zip"), str(kept))


def test_the_start_is_history_before_the_first_byte_and_the_end_after_the_last(committed: None) -> None:
    wave()
    running = made()
    started = Event.objects.get(type="export.started")
    assert json.loads(started.body)["detail"] == {"format": "jsonl", "filters": {}}
    assert running.checkpoint.note and running.checkpoint.size == 2
    assert not Event.objects.filter(type="export.finished").exists()
    data = b"".join(running)
    ended = Event.objects.get(type="export.finished")
    assert json.loads(ended.body)["detail"] == {
        "count": len(data.splitlines()), "size": 2, "root": bytes(running.checkpoint.root).hex()
    }  # fmt: skip
    assert (ended.object_id, ended.actor, ended.at) == (started.object_id, "user:p-priya", later(3601))
    running.close()
    assert Event.objects.filter(object_kind="export").count() == 2


def test_a_reader_that_goes_away_leaves_an_aborted_export(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_parts, "WINDOW", 10)
    for number in range(60):
        wave(number)
    for format in export.FORMATS:
        running = made(format=format)
        next(running), next(running)
        running.close()
    running = made()
    running.close()  # never read at all
    aborted = list(Event.objects.filter(type="export.aborted", result="failed").order_by("id"))
    assert len(aborted) == 4 and not Event.objects.filter(type="export.finished").exists()
    told = [json.loads(event.body)["detail"] for event in aborted]
    assert {one["cause"] for one in told} == {"the reader went away", "it was never read"}
    assert 0 < max(one["count"] for one in told) < 60


def test_an_export_that_fails_says_so(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wave()
    running = made()
    monkeypatch.setattr(export_parts, "_lines", lambda *_: (1 / 0 for _ in "x"))
    with pytest.raises(ZeroDivisionError):
        list(running)
    assert json.loads(Event.objects.get(type="export.aborted").body)["detail"] == {
        "cause": "ZeroDivisionError",
        "count": 0,
    }


def test_one_export_a_person_and_three_a_site(db: None) -> None:
    running = [made(by=Actor("user", f"p-{number}")) for number in range(3)]
    with pytest.raises(export.ExportBusy, match="Your last export"):
        made(by=Actor("user", "p-0"))
    with pytest.raises(export.ExportBusy, match="3 exports are running"):
        made(by=RUTH)
    assert Event.objects.filter(type="export.started").count() == 3
    running[0].close()
    made(by=RUTH)


def test_an_export_whose_process_died_is_swept_up(db: None) -> None:
    made()
    assert export.sweep(later(3600 + 500)) == 0
    assert export.sweep(later(3600 + 700)) == 1
    assert json.loads(Event.objects.get(type="export.aborted").body)["detail"] == {"cause": "its process ended"}
    assert export.sweep(later(3600 + 900)) == 0
    b"".join(made())


@pytest.mark.parametrize(
    ("arguments", "error", "why"),
    [
        ({"format": "xlsx"}, export.BadExport, "no export format 'xlsx'"),
        ({"columns": ["type", "password"]}, export.BadExport, "no column 'password'"),
    ],
)
def test_an_export_of_nonsense_is_refused_before_anything_is_written(db: None, arguments, error, why: str) -> None:
    with pytest.raises(error, match=why):
        made(**arguments)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [{"types": ("nosuch",)}, {"types": ("wave.nosuch",)}, {"result": "x"}, {"text": "x" * 201}, {"text": "\x00"},
     {"since": NOON.replace(tzinfo=None)}],
)  # fmt: skip
def test_a_filter_of_nonsense_is_refused(arguments: dict) -> None:
    with pytest.raises(BadFilter):
        Filters(**arguments)


def test_addresses_are_for_those_who_may_see_them_and_erasure_leaves_the_proof(db: None, tmp_path) -> None:
    with transaction.atomic():
        private = {"address": "192.0.2.1", "username": "x"}
        record(
            "account.sign_in_failed",
            by=ENGINE,
            object=("account", "unknown"),
            now=NOON,
            detail={"cause": "c"},
            private=private,
        )
    wave(1, reason="because")
    plain, _ = opened(b"".join(made(format="bundle")), tmp_path)
    assert b"192.0.2.1" not in plain.read("private.jsonl") and b"because" in plain.read("private.jsonl")
    full, said = opened(b"".join(made(format="bundle", restricted=True)), tmp_path)
    assert b"192.0.2.1" in full.read("private.jsonl") and " 3 private values" in said
    PrivateValue.objects.filter(field="address").delete()
    _, said = opened(b"".join(made(format="bundle", restricted=True)), tmp_path)
    assert " 2 private values" in said


def test_the_work_grows_with_windows_not_with_events(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_parts, "WINDOW", 100)
    with transaction.atomic():
        record_many([Fact("wave.created", ("wave", number)) for number in range(500)], by=ENGINE, now=NOON)
    running = made()
    with CaptureQueriesContext(connection) as queries:
        assert sum(chunk.count(b"\n") for chunk in running) == 501
    assert len(queries) <= 2 * -(-501 // export_parts.WINDOW) + 4


def test_the_clock_of_the_end_is_the_databases(committed: None) -> None:
    b"".join(export.stream(Filters(), by=PRIYA, now=export.database_now()))
    start, end = (Event.objects.get(type=f"export.{word}").at for word in ("started", "finished"))
    assert timedelta() < end - start < timedelta(seconds=30)
