"""Writing evaluations that say something new: findings, assessments, verdicts, events; one transaction."""

import json
import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tracker.audit.actions import Fact, record_many
from tracker.audit.values import Actor
from tracker.inventory import actions as inventory
from tracker.inventory.models import Subscription, Unit
from tracker.readiness import loading
from tracker.readiness.actions.ending import end_outdated
from tracker.readiness.actions.knowing import still_in_force
from tracker.readiness.catalogue import Standing
from tracker.readiness.catalogue_models import AnsweredAhead
from tracker.readiness.loading import Last
from tracker.readiness.rows import COLUMNS, Row

LISTED = 20  # units named in one event; the counts are complete
TURNED = 50  # findings listed as opened, or as closed, with one assessment; the counts are complete
IN_MEMORY = 100_000  # findings of a subscription kept in memory until they are written; what is more waits in a file


@dataclass(frozen=True, slots=True)
class News:
    """An evaluation that says something else than the last one, ready to be stored."""

    unit_id: int
    key: str
    name: str
    changed_at: datetime  # of the unit, when it was read
    judgement: inventory.Judgement
    deductions: list[dict[str, Any]]
    errors: list[dict[str, str]]
    rows: list[Row]
    digest: str
    shortfalls: list[dict[str, Any]] | None
    movable: bool | None
    before: Last | None
    ahead: list[list[str]]  # AnsweredAhead.rows


class Pile:
    """The news of one subscription in the order of the units, in batches. A subscription may have millions of
    findings: those that do not fit wait in a file of ours without a name."""

    def __init__(self) -> None:
        self._kept: list[list[News]] = []
        self._findings = 0
        self._file = None

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, batch: list[News]) -> None:
        if not batch:
            return
        self._findings += sum(len(one.rows) for one in batch)
        if self._findings <= IN_MEMORY:
            self._kept.append(batch)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="tracker-assess-")  # noqa: SIM115 - closed by `batches`
        pickle.dump(batch, self._file, protocol=pickle.HIGHEST_PROTOCOL)

    def batches(self) -> Iterator[list[News]]:
        """Each batch once, taken off the pile."""
        for place, batch in enumerate(self._kept):
            yield batch
            self._kept[place] = []
        if self._file is None:
            return
        with self._file as file:
            end = file.tell()
            file.seek(0)
            while file.tell() < end:
                yield pickle.load(file)  # noqa: S301 - written by `add`, and nobody else can open it


@transaction.atomic
def store(subscription_id: str, pile: Pile, standing: Standing, by: Actor, now: datetime) -> int:
    """Write what changed, under the locks of the units; returns how many. What was overtaken meanwhile is left: by a
    change of a unit, or by the switching on of another catalogue, after which every unit is assessed."""
    if not still_in_force(standing):
        return 0
    told = _Told(subscription_id, standing.version)
    for batch in pile.batches():
        fresh = _still_true(batch)
        if fresh:
            turns = _store_findings(fresh, now)
            end_outdated({one.unit_id: one.rows for one in fresh}, now)
            _store_assessments(fresh, turns, standing.version, now)
            _store_ahead(fresh, standing)
            inventory.record_verdicts([one.judgement for one in fresh], now)
            told.add(fresh)
    told.record(by, now)
    return told.units


def _still_true(batch: Sequence[News]) -> list[News]:
    """Those whose unit's members and assessment nobody changed since this evaluation read them; locks the units."""
    wanted = [one.unit_id for one in batch]
    locked = Unit.objects.select_for_update(no_key=True).filter(pk__in=wanted, gone_at__isnull=True).order_by("pk")
    changed = dict(locked.values_list("pk", "changed_at"))
    current = loading.last(wanted)

    def still(one: News) -> bool:
        last = current.get(one.unit_id)
        same = (last.pk if last else None) == (one.before.pk if one.before else None)
        return same and changed.get(one.unit_id) == one.changed_at

    return [one for one in batch if still(one)]


_STORED = f"""
SELECT unit_id, id, since, {", ".join(COLUMNS).replace("evidence", "evidence::text")}
  FROM tracker_finding WHERE unit_id = ANY(%s)
"""  # noqa: S608 - names of this module
_COPY = f"COPY tracker_finding (unit_id, since, {', '.join(COLUMNS)}) FROM STDIN"


def asks(row: Row) -> bool:
    """Whether a finding asks something of somebody: applies or is unknown, has consequences, and is not set aside."""
    return row.outcome != "no" and row.effect != "info" and not row.waived


def turned(opened: Sequence[Row], closed: Sequence[Row]) -> dict[str, Any]:
    """What an assessment keeps of the findings it opened and closed: {"opened": {"count", "listed": [{"rule",
    "resource"}]}, "closed": the same}; `resource` is a key."""

    def kept(rows: Sequence[Row]) -> dict[str, Any]:
        listed = sorted((row.rule, row.resource_key) for row in rows)[:TURNED]
        return {"count": len(rows), "listed": [{"rule": rule, "resource": key} for rule, key in listed]}

    return {"opened": kept(opened), "closed": kept(closed)}


def _store_findings(batch: Sequence[News], now: datetime) -> dict[int, dict[str, Any]]:
    """Write findings that are new or say something else, delete those nobody says any more. Returns of each unit that
    was assessed before what this opened and closed."""
    known = [one.unit_id for one in batch if one.before]
    stored: dict[tuple[int, str, str], tuple[int, datetime, Row]] = {}
    with connection.cursor() as cursor:
        if known:
            cursor.execute(_STORED, [known])
            for unit_id, pk, since, *values in cursor:
                row = Row(*values)
                stored[unit_id, row.rule, row.resource_key] = (pk, since, row)
        gone: list[int] = []
        said: list[tuple[Any, ...]] = []
        opened: dict[int, list[Row]] = {unit_id: [] for unit_id in known}
        closed: dict[int, list[Row]] = {unit_id: [] for unit_id in known}
        for one in batch:
            for row in one.rows:
                old = stored.pop((one.unit_id, row.rule, row.resource_key), None) if stored else None
                if one.before and (old is None or old[2] != row):
                    asked = old is not None and asks(old[2])
                    if asks(row) != asked:
                        (closed if asked else opened)[one.unit_id].append(row)
                if old is None:
                    said.append((one.unit_id, now, *row))
                elif old[2] != row:
                    before = old[2]
                    same = (before.effect, before.outcome, before.waived) == (row.effect, row.outcome, row.waived)
                    gone.append(old[0])
                    said.append((one.unit_id, old[1] if same else now, *row))
        for (unit_id, _, _), (pk, _, row) in stored.items():
            gone.append(pk)
            if asks(row):
                closed[unit_id].append(row)
        if gone:
            cursor.execute("DELETE FROM tracker_finding WHERE id = ANY(%s)", [gone])
        _copy(cursor, _COPY, said)
    return {unit_id: turned(opened[unit_id], closed[unit_id]) for unit_id in known}


_KEEP = """
COPY tracker_assessment
    (unit_id, at, catalogue_version, verdict, score, deductions, digest, errors, shortfalls, movable, turned) FROM STDIN
"""


def _store_assessments(batch: Sequence[News], turns: Mapping[int, dict[str, Any]], version: str, now: datetime) -> None:
    rows = [
        (
            *(one.unit_id, now, version, one.judgement.verdict, one.judgement.score),
            *(_json(one.deductions), one.digest, _json(one.errors)),
            *(None if one.shortfalls is None else _json(one.shortfalls), one.movable),
            _json(turns[one.unit_id]) if one.unit_id in turns else None,
        )
        for one in batch
    ]
    with connection.cursor() as cursor:
        _copy(cursor, _KEEP, rows)


def _store_ahead(batch: Sequence[News], standing: Standing) -> None:
    """Which of these findings a waiting catalogue gave; marks that mean nothing any more go."""
    if standing.waits:
        AnsweredAhead.objects.filter(unit__in=[one.unit_id for one in batch if not one.ahead]).delete()
        AnsweredAhead.objects.bulk_create(
            [AnsweredAhead(unit_id=one.unit_id, version=standing.other, rows=one.ahead) for one in batch if one.ahead],
            update_conflicts=True,
            unique_fields=["unit"],
            update_fields=["version", "rows"],
        )


def _copy(cursor: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _json(value: Any) -> str:
    text = json.dumps(value)
    if "\\u0000" in text or "\\ud" in text:  # perhaps what PostgreSQL cannot hold
        text = json.dumps(inventory.storable(value))
    return text


class _Told:
    """One event for all first assessments of a subscription, and one for each unit that is now seen otherwise."""

    def __init__(self, subscription_id: str, catalogue: str) -> None:
        self.subscription_id = subscription_id
        self.catalogue = catalogue
        self.units = 0
        self.first: list[str] = []
        self.firsts = 0
        self.verdicts: Counter[str] = Counter()
        self.changed: list[Fact] = []

    def add(self, fresh: Sequence[News]) -> None:
        self.units += len(fresh)
        for one in fresh:
            said = one.judgement
            if one.before is None:
                self.firsts += 1
                self.verdicts[said.verdict] += 1
                self.first += [one.key] if len(self.first) < LISTED else []
                continue
            changed = {
                "name": one.name,
                "verdict": said.verdict,
                "score": said.score,
                "before": one.before.verdict,
                "score_before": one.before.score,
                "findings": one.digest,
                "catalogue": self.catalogue,
            }
            self.changed.append(Fact("readiness.assessed", ("unit", one.key), changed))

    def record(self, by: Actor, now: datetime) -> None:
        """Called once, at the end of the transaction."""
        facts = self.changed
        if self.firsts:
            detail: dict[str, Any] = {
                "name": Subscription.objects.values_list("name", flat=True).get(pk=self.subscription_id),
                "units": self.firsts,
                "verdicts": dict(sorted(self.verdicts.items())),
                "catalogue": self.catalogue,
                "first": self.first,
            }
            facts = [Fact("readiness.assessed", ("subscription", self.subscription_id), detail), *facts]
        for start in range(0, len(facts), 1_000):
            record_many(facts[start : start + 1_000], by=by, now=now)
