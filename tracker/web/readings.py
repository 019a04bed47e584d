"""Readings as pages show them: per subscription the last sync, what it changed, how old the facts are. One query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from tracker.accounts.models import User
from tracker.accounts.permissions import PERMISSION_SENTENCES, ROLE_PERMISSIONS, Permission
from tracker.inventory import queries
from tracker.inventory.models import RegistrationRequest, Subscription, Sync
from tracker.web import live

LISTED = 10  # unreadable parts shown with a reading; the number is whole
# azure.md 7: both must read Registered before Validate [D]; the targets of the move [I]. Command: azure.md 7.
MIGRATE, FEATURE, NEEDED = queries.MIGRATE, queries.FEATURE, queries.NEEDED
DOCUMENTED = frozenset({MIGRATE, FEATURE})


@dataclass(frozen=True, slots=True)
class Moment:
    """The database's clock, and the newest that was written anywhere: when that is equal, nothing on a page moved."""

    now: datetime
    version: str


def moment() -> Moment:
    """One query. Every write has an event in its transaction; a late-committing one still becomes a new leaf."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), (SELECT id FROM tracker_event ORDER BY id DESC LIMIT 1),"
            " (SELECT max(seq) FROM tracker_leaf)"
        )
        now, event, leaf = cursor.fetchone()
    return Moment(now, live.etag(event, leaf))


@dataclass(frozen=True, slots=True)
class Registration:
    """`state` is "unknown" where it could not be read. `command`: what registers it, empty when it is registered."""

    name: str
    state: str
    command: str
    inferred: bool
    asked: RegistrationRequest | None = None  # the newest wish to register it

    @property
    def waiting(self) -> bool:
        return self.asked is not None and self.asked.ended_at is None

    @property
    def fine(self) -> bool:
        return self.state == "Registered"


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest sync of one subscription. `outcome` is empty when it was never read."""

    subscription: Subscription
    outcome: str
    started_at: datetime | None
    ended_at: datetime | None
    read_at: datetime | None  # end of the last sync that brought the inventory up to date
    added: int
    changed: int
    gone: int
    error: str
    unreadable: list[dict[str, str]]
    unreadable_count: int
    asked: Mapping[str, RegistrationRequest] = field(default_factory=dict)  # by the name to register

    @property
    def stale(self) -> bool:
        """The facts are older than the last attempt to read them."""
        return self.outcome == Sync.Outcome.FAILED

    @property
    def wanted(self) -> bool:
        return self.subscription.sync_wanted_at is not None

    @property
    def busy(self) -> bool:
        return self.wanted or self.outcome == Sync.Outcome.RUNNING

    @property
    def calm(self) -> int:
        """How little there is to say: 0 for a failed reading."""
        says = (self.stale, self.busy, not self.outcome, self.outcome == Sync.Outcome.PARTIAL, bool(self.unregistered))
        return next((place for place, said in enumerate(says) if said), len(says))

    @property
    def change(self) -> str:
        """`+3, −1, 12 changed`; a first reading is only `+159`."""
        parts = [f"+{self.added:,}" if self.added else "", f"−{self.gone:,}" if self.gone else ""]
        parts.append(f"{self.changed:,} changed" if self.changed else "")
        return ", ".join(filter(None, parts)) or "nothing changed"

    @property
    def registrations(self) -> list[Registration]:
        known = self.subscription.registrations
        return [
            _registration(name, known.get(name), self.subscription.pk, self.asked.get(name))
            for name in NEEDED
            if self.read_at or known
        ]

    @property
    def registration_line(self) -> str:
        """What is wrong with the registrations; what could not be read is not called missing. Empty: all is well."""
        missing = [one.name for one in self.registrations if one.state not in ("Registered", "unknown")]
        unknown = [one.name for one in self.registrations if one.state == "unknown"]
        said = [f"Not registered for {_few(missing)}"] if missing else []
        if unknown:
            said.append(f"{'r' if said else 'R'}egistration for {_few(unknown)} unknown")
        return "; ".join(said)

    @property
    def unregistered(self) -> list[Registration]:
        return [one for one in self.registrations if not one.fine]


def _few(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} providers"


def _registration(name: str, state: str | None, subscription: str, asked: RegistrationRequest | None) -> Registration:
    provider, _, feature = name.partition("/")
    command = f"az provider register --namespace {provider} --subscription {subscription}"
    if feature:
        command = f"az feature register --namespace {provider} --name {feature} --subscription {subscription}"
    state = state or "unknown"
    return Registration(name, state, "" if state == "Registered" else command, name not in DOCUMENTED, asked)


_READINGS = """
SELECT s.*,
       (SELECT jsonb_build_object('outcome', outcome, 'started_at', started_at, 'ended_at', ended_at, 'added', added,
                   'changed', changed, 'gone', gone, 'error', error, 'unreadable_count', jsonb_array_length(unreadable),
                   'unreadable', jsonb_path_query_array(unreadable, ('$[0 to ' || %(listed)s - 1 || ']')::jsonpath))
          FROM tracker_sync WHERE subscription_id = s.id ORDER BY started_at DESC, id DESC LIMIT 1) AS last,
       (SELECT ended_at FROM tracker_sync WHERE subscription_id = s.id AND outcome IN ('complete', 'partial')
         ORDER BY started_at DESC, id DESC LIMIT 1) AS read_at,
       (SELECT jsonb_agg(newest)
          FROM (SELECT DISTINCT ON (name) * FROM tracker_registrationrequest
                 WHERE subscription_id = s.id ORDER BY name, asked_at DESC, id DESC) newest) AS asked
  FROM tracker_subscription s ORDER BY s.name, s.id
"""


def readings() -> list[Reading]:
    """Every subscription by name with its newest sync and the newest requests to register it; one query whatever their
    number."""
    rows: Any = Subscription.objects.raw(_READINGS, {"listed": LISTED})
    return [_reading(row, json.loads(row.last or "{}"), row.read_at, json.loads(row.asked or "[]")) for row in rows]


def _request(told: dict[str, Any]) -> RegistrationRequest:
    """The row as JSON has it, with times as times."""
    return RegistrationRequest(
        **{
            name: datetime.fromisoformat(value) if value and name.endswith(("_at", "_until")) else value
            for name, value in told.items()
        }
    )


def _reading(
    subscription: Subscription, told: dict[str, Any], read_at: datetime | None, asked: list[dict[str, Any]]
) -> Reading:
    started, ended = told.get("started_at"), told.get("ended_at")
    return Reading(
        subscription=subscription,
        outcome=told.get("outcome", ""),
        started_at=datetime.fromisoformat(started) if started else None,
        ended_at=datetime.fromisoformat(ended) if ended else None,
        read_at=read_at,
        added=told.get("added", 0),
        changed=told.get("changed", 0),
        gone=told.get("gone", 0),
        error=told.get("error", ""),
        unreadable=told.get("unreadable") or [],
        unreadable_count=told.get("unreadable_count") or 0,
        asked={request.name: request for request in map(_request, asked)},
    )


@dataclass(frozen=True, slots=True)
class Failed:
    """A subscription whose newest sync failed: its facts are as old as `read_at`."""

    name: str
    ended_at: datetime | None
    error: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """All readings in numbers; the panel reads the rest. `read_at`: since when everything is as shown."""

    subscriptions: int
    read: int
    busy: int
    partial: int
    read_at: datetime | None
    failed: list[Failed]


_NEWEST = """
SELECT s.id, s.name, s.sync_wanted_at, newest.outcome, newest.ended_at, newest.error,
       CASE WHEN newest.outcome IN ('complete', 'partial') THEN newest.ended_at ELSE (
            SELECT ended_at FROM tracker_sync WHERE subscription_id = s.id AND outcome IN ('complete', 'partial')
             ORDER BY started_at DESC, id DESC LIMIT 1) END AS read_at
  FROM tracker_subscription s
  LEFT JOIN LATERAL (SELECT outcome, ended_at, error FROM tracker_sync WHERE subscription_id = s.id
                      ORDER BY started_at DESC, id DESC LIMIT 1) newest ON TRUE
"""
_STANDING = f"""
WITH newest AS MATERIALIZED ({_NEWEST})
SELECT NULL, count(*), count(read_at), count(*) FILTER (WHERE sync_wanted_at IS NOT NULL OR outcome = 'running'),
       count(*) FILTER (WHERE outcome = 'partial'), min(read_at), NULL, NULL FROM newest
UNION ALL
SELECT name, NULL, NULL, NULL, NULL, read_at, ended_at, error FROM newest WHERE outcome = 'failed'
"""  # noqa: S608 - constants


def standing() -> Standing:
    """How the readings stand; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        rows = cursor.fetchall()
    [(_, subscriptions, read, busy, partial, read_at, _, _)] = [row for row in rows if row[0] is None]
    failed = [Failed(name, ended_at, error, at) for name, *_, at, ended_at, error in rows if name is not None]
    return Standing(subscriptions, read, busy, partial, read_at, sorted(failed, key=lambda one: one.name))


def etag(rows: Sequence[Reading]) -> str:
    """What the panel of readings shows."""
    return live.etag(
        *((row.subscription.pk, row.outcome, row.started_at, row.ended_at, row.wanted) for row in rows),
        *(str(sorted(row.subscription.registrations.items())) for row in rows),
        *((one.pk, one.read_at, one.ended_at, one.error) for row in rows for one in row.asked.values()),
    )


def why_not(user: User, permission: Permission) -> str:
    """Why a person may not do this, for an action shown off; empty: they may. Needs no query when grants are loaded."""
    if user.may(permission):
        return ""
    roles = [role.label.lower() for role, given in ROLE_PERMISSIONS.items() if permission in given]
    return f"Your role may not {PERMISSION_SENTENCES[permission]}; it takes the role {' or '.join(roles)}."
