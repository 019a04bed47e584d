"""What happened, from three sources which do not know one another: the simulator's request log, the rows of PostgreSQL,
and the audit export with its stand-alone verifier. Plain rows; no query of the product."""

import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from migrator.simulator.running import Running
from tests.chaos.people import NoAnswer, Person
from tests.chaos.world import World
from tests.journeys.stack import ROOT

Row = dict[str, Any]
VERBS = ("validate", "prepare", "commit", "abort")


@dataclass
class History:
    """Times are aware datetimes. Ids of units and runs are text; `azure_id` is in lower case.

    posts: id (client request id), verb, unit (azure id), received, status, code, dropped
    attempts: id, operation, run, verb, unit (azure id), number, armed_at, resolved_at, outcome, event_id, committed_at
    operations: id, run, verb, state, approval (id or None), approval_digest
    runs: id, unit, wave, state, ended_at, outcome, attention, commit_armed_at, started_at
    units: id, azure_id, progress, locked_since, gone_at, follow_ups, captured (source keys); later: progress once more,
        read after the pages, because a committed run goes on to verified and closed by itself
    approvals: id, kind, wave, run, body, digest, requester, editor, needed, requested_at, expires_at, voided_at
    decisions: approval, approver, approved, digest, decided_at, revoked_at
    grants: user (id) → roles; inactive people have none
    windows: wave, opens, closes
    transitions: run, before, after, event_id
    events: the lines of the export
    stored: id of every event in the database → whether it was committed before the export was begun
    pages: unit id → what the unit's page shows: progress, locked
    """

    posts: list[Row] = field(default_factory=list)
    azure: Row = field(default_factory=lambda: {"committed": [], "locks": {}, "classic": []})
    breaches: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    operations: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    units: list[Row] = field(default_factory=list)
    approvals: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    grants: dict[int, set[str]] = field(default_factory=dict)
    windows: list[Row] = field(default_factory=list)
    transitions: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    stored: dict[str, bool] = field(default_factory=dict)
    verified: str = ""
    pages: dict[int, Row] = field(default_factory=dict)


_ROWS = {
    "attempts": """
        SELECT a.id::text, a.operation_id::text AS operation, o.run_id::text AS run, o.verb, lower(u.azure_id) AS unit,
               a.number, a.armed_at, a.resolved_at, a.outcome, a.event_id::text,
               (SELECT pg_xact_commit_timestamp(e.xmin) FROM tracker_event e WHERE e.id = a.event_id) AS committed_at
          FROM tracker_attempt a JOIN tracker_operation o ON o.id = a.operation_id
          JOIN tracker_run r ON r.id = o.run_id JOIN tracker_unit u ON u.id = r.unit_id ORDER BY a.armed_at""",
    "operations": """
        SELECT id::text, run_id::text AS run, verb, state, approval_id AS approval, approval_digest
          FROM tracker_operation ORDER BY created_at""",
    "runs": """
        SELECT id::text, unit_id AS unit, wave_id AS wave, state, ended_at, outcome, attention, commit_armed_at,
               started_at FROM tracker_run ORDER BY started_at""",
    "units": """
        SELECT u.id, lower(u.azure_id) AS azure_id, u.progress, u.locked_since, u.gone_at,
               (SELECT count(*) FROM tracker_followup f WHERE f.unit_id = u.id AND f.holds) AS follow_ups,
               ARRAY(SELECT lower(c.source_key) FROM tracker_capturedsetting c WHERE c.unit_id = u.id) AS captured
          FROM tracker_unit u WHERE EXISTS (SELECT 1 FROM tracker_run r WHERE r.unit_id = u.id)""",
    "approvals": """
        SELECT id, kind, wave_id AS wave, run_id::text AS run, body, digest, requester_id AS requester,
               editor_id AS editor, needed, requested_at, expires_at, voided_at FROM tracker_approval""",
    "decisions": """
        SELECT approval_id AS approval, approver_id AS approver, approved, digest, decided_at, revoked_at
          FROM tracker_decision""",
    "windows": "SELECT wave_id AS wave, opens_at AS opens, closes_at AS closes FROM tracker_window",
    "transitions": """
        SELECT run_id::text AS run, before, after, event_id::text FROM tracker_transition ORDER BY id""",
}


def collect(world: World) -> History:
    """Everything up to now. The history is exported first, so that every event of a row that is read is older."""
    found = History()
    [begun] = world.sql("SELECT clock_timestamp() AS at")
    found.events, found.verified = _exported(world)
    for name, query in _ROWS.items():
        setattr(found, name, world.sql(query))
    grants = world.sql(
        "SELECT u.id, g.role FROM tracker_user u JOIN tracker_rolegrant g ON g.user_id = u.id WHERE u.is_active"
    )
    for row in grants:
        found.grants.setdefault(row["id"], set()).add(row["role"])
    older = "SELECT id::text, pg_xact_commit_timestamp(xmin) < %s AS older FROM tracker_event"
    found.stored = {row["id"]: row["older"] for row in world.sql(older, begun["at"])}
    found.posts = posts(world.simulator)
    state = world.simulator.control("state")
    found.azure = {
        "committed": [{"unit": row["unit"].lower(), "dropped": row["dropped"]} for row in state["committed"]],
        "locks": {key.lower(): row["phase"] for key, row in state["locks"].items()},
        "classic": state["classic"],
    }
    found.breaches = world.simulator.control("violations")["value"]
    found.pages = _pages(world, [row["id"] for row in found.units])
    later = {row["id"]: row["progress"] for row in world.sql("SELECT id, progress FROM tracker_unit")}
    found.units = [{**row, "later": later[row["id"]]} for row in found.units]
    return found


def posts(simulator: Running) -> list[Row]:
    """Every request of a verb that reached Azure, in order."""
    found = []
    for line in simulator.control("log")["value"]:
        path, _, last = line["path"].lower().rpartition("/")
        verb = last.removesuffix("migration")
        if line["method"] != "POST" or verb == last or verb not in VERBS:
            continue
        took = timedelta(milliseconds=line["milliseconds"])
        found.append(
            {
                "id": line["client_request_id"],
                "verb": verb,
                "unit": path,
                "received": datetime.fromisoformat(line["time"]) - took,
                "status": line["status"],
                "code": line["code"],
                "dropped": line["dropped"],
            }
        )
    return found


def _exported(world: World) -> tuple[list[Row], str]:
    """The lines of the whole history as an auditor downloads it, and what the verifier which travels with it says of
    them, run alone."""
    from tracker.audit.actions import vkey

    auditor = Person(world.port, "noor")
    bundle = world.folder / "history.zip"
    for _ in range(20):
        try:
            auditor.sign_in()
            status, said = auditor.post("/audit/export/download/", format="bundle")
        except NoAnswer as error:
            status, said = 0, str(error).encode()
        if status == 200:
            break
        world.supervise()
        time.sleep(0.5)
    if status != 200:
        return [], f"FAILED: the history could not be exported: {status} {said[-600:]!r}"
    bundle.write_bytes(said)
    with zipfile.ZipFile(bundle) as parts:
        name = next(name for name in parts.namelist() if name.endswith(".jsonl") and "private" not in name)
        lines = [json.loads(line) for line in parts.read(name).splitlines()]
    alone = [sys.executable, "-I", str(ROOT / "tracker" / "audit" / "verify_audit.py"), vkey(), str(bundle)]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=120, cwd=world.folder)
    return lines, (done.stdout + done.stderr).strip()


def _pages(world: World, units: list[int]) -> dict[int, Row]:
    """What somebody sees who opens the page of each unit."""
    reader = Person(world.port, "kofi")
    found: dict[int, Row] = {}
    for pk in units:
        for _ in range(20):
            try:
                found[pk] = shown(reader.get(f"/units/{pk}/"))
                break
            except NoAnswer:
                world.supervise()
    return found


def shown(page: str) -> Row:
    """The state of a unit as its page says it, in words."""
    [facts] = re.findall(r'<h1>.*?</h1>\s*<div class="facts">(.*?)</div>', page, re.DOTALL)[:1] or [""]
    words = [text for text in (part.strip() for part in re.split(r"<[^>]+>", facts)) if text]
    return {"progress": words[0].lower() if words else "", "locked": any(word == "Locked" for word in words)}
