"""The list of follow-ups as a file; what a person gave as a secret is nowhere in it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from tracker.audit import tables
from tracker.followups import queries
from tracker.followups.models import FollowUp

COLUMNS: Final[Mapping[str, Callable[[FollowUp], Any]]] = {
    "id": lambda row: row.pk,
    "unit": lambda row: row.unit.key,
    "unit_name": lambda row: row.unit.name,
    "subscription": lambda row: row.unit.subscription_id,
    "wave": lambda row: row.unit.placement.wave.name if hasattr(row.unit, "placement") else None,
    "kind": lambda row: row.kind,
    "title": lambda row: row.title,
    "state": lambda row: row.state,
    "age": lambda row: row.age or None,  # type: ignore[attr-defined]
    "opened_at": lambda row: tables.time(row.opened_at),
    "owner": lambda row: row.owner or None,
    "due_on": lambda row: row.due_on.isoformat() if row.due_on else None,
    "rules": lambda row: row.rules,
    "was": lambda row: row.was,
    "notes": lambda row: row.notes,
    "new_target": lambda row: row.new_target or None,
    "answers": lambda row: row.answers,
    "applied_at": lambda row: tables.time(row.applied_at),
    "probed_at": lambda row: tables.time(row.probed_at),
    "probe_says": lambda row: row.probe_says,
    "last_error": lambda row: row.last_error or None,
    "closed_at": lambda row: tables.time(row.closed_at),
    "closed_how": lambda row: row.closed_how or None,
    "attested_by": lambda row: row.attested_by or None,
    "attestation": lambda row: row.attestation or None,
    "wont_do_asked_by": lambda row: row.wont_by or None,
    "wont_do_why": lambda row: row.wont_why or None,
    "wont_do_agreed_by": lambda row: row.agreed_by or None,
}


def stream(rows: QuerySet[FollowUp], kind: str, now: datetime) -> Iterator[bytes]:
    """`kind`: one of `tables.FORMATS`. The queryset says which rows and in which order; it brings unit and wave
    with it."""
    found = queries.with_age(rows, now).iterator(chunk_size=tables.CHUNK)
    return tables.stream(tuple(COLUMNS), map(_row, found), kind)


def _row(row: FollowUp) -> dict[str, Any]:
    """Where something was answered, nothing that could hold a secret is told as it is: the platform may have said it
    back."""
    found = {name: read(row) for name, read in COLUMNS.items()}
    if not row.answers:
        return found
    value = queries.required(row)
    return {name: queries.shown(value, each) for name, each in found.items()} | {"answers": queries.told(value)}
