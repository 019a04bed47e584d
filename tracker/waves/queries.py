"""What the pages and the engine ask about waves. Reads only."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)

from migrator import lifecycle
from migrator.lifecycle import ApprovalState, Question, State, Vote
from tracker.accounts.models import User
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.readiness import catalogue
from tracker.waves import order, seals
from tracker.waves.calendar_models import PlannedFreeze
from tracker.waves.models import APPROVERS, Approval, Decision, Freeze, Placement, Wave, Window

# Agreements that count: not taken back, of somebody who may still approve.
STANDING = Q(
    decisions__approved=True,
    decisions__revoked_at__isnull=True,
    decisions__approver__is_active=True,
    decisions__approver__grants__role__in=APPROVERS,
)
APPROVAL_LASTS = timedelta(days=30)
NOT_BEGUN = (State.PLANNED, State.VALIDATED)  # in a wave, nothing on the platform changed yet


def approval_state(approval: Approval, now: datetime) -> ApprovalState:
    """State of an approval; reads its decisions (prefetch them for lists)."""
    question = Question(
        digest=approval.digest,
        requester=approval.requester_id,
        editor=approval.editor_id,
        needed=approval.needed,
        expires_at=approval.expires_at,
        voided=approval.voided_at is not None,
    )
    votes = [
        Vote(
            person=decision.approver_id,
            approved=decision.approved,
            digest=decision.digest,
            revoked=decision.revoked_at is not None,
            entitled=decision.entitled,  # type: ignore[attr-defined]
        )
        for decision in approval.decisions.all()
    ]
    return lifecycle.approval_state(question, votes, now)


def open_wave_approval(wave: Wave) -> Approval | None:
    """The newest approval of the wave that was not voided."""
    return (
        Approval.objects.filter(kind=Approval.Kind.WAVE, wave=wave, voided_at__isnull=True)
        .prefetch_related("decisions")
        .first()
    )


def open_commit_approval(run_id: object) -> Approval | None:
    return (
        Approval.objects.filter(kind=Approval.Kind.COMMIT, run_id=run_id, voided_at__isnull=True)
        .prefetch_related("decisions")
        .first()
    )


def waiting_on(user: User, now: datetime) -> QuerySet[Approval]:
    """Approvals this person could decide: open, not asked or edited by them, not decided by them."""
    return (
        Approval.objects.filter(voided_at__isnull=True, expires_at__gt=now)
        .exclude(Q(requester=user) | Q(editor=user) | Q(decisions__approver=user) | Q(decisions__approved=False))
        .annotate(given=Count("decisions", filter=STANDING, distinct=True))
        .filter(given__lt=F("needed"))
        .select_related("wave", "unit", "requester", "editor")
        .defer("body")
        .order_by("requested_at")
    )


def approvals(now: datetime) -> QuerySet[Approval]:
    """All approvals, newest first, with people, decisions and `.state` (an ApprovalState, computed by the database so
    that it can be filtered). The body, which may be large, is read when it is used."""
    given = Count("decisions", filter=STANDING, distinct=True)
    refused = Decision.objects.filter(approval=OuterRef("pk"), approved=False)
    state = Case(
        When(voided_at__isnull=False, then=Value(ApprovalState.VOIDED.value)),
        When(Exists(refused), then=Value(ApprovalState.REJECTED.value)),
        When(expires_at__lte=now, then=Value(ApprovalState.EXPIRED.value)),
        When(given__gte=F("needed"), then=Value(ApprovalState.APPROVED.value)),
        default=Value(ApprovalState.PENDING.value),
        output_field=CharField(),
    )
    return (
        Approval.objects.annotate(given=given)
        .annotate(state=state)
        .select_related("wave", "unit", "requester", "editor")
        .prefetch_related(Prefetch("decisions", Decision.objects.select_related("approver").order_by("decided_at")))
        .defer("body")
        .order_by("-requested_at")
    )


def open_window(wave: Wave, now: datetime) -> Window | None:
    """The window that is open at `now`."""
    return wave.windows.filter(opens_at__lte=now, closes_at__gt=now).order_by("-closes_at").first()


def first_days(waves: Iterable[int]) -> list[tuple[str, date | None]]:
    """Name and first day (UTC) of the windows of waves, by name; None where no window is planned."""
    rows = Wave.objects.filter(pk__in=list(waves)).annotate(begins=Min("windows__opens_at")).order_by("name")
    return [(row.name, row.begins.date() if row.begins else None) for row in rows]


def next_window(wave: Wave, now: datetime) -> Window | None:
    return wave.windows.filter(opens_at__gt=now).order_by("opens_at").first()


def scopes(subscription_id: str, verb: str, *, region: str = "", wave: int | None = None) -> list[str]:
    """The scopes of freezes and planned freezes that stop this verb there; the database's guard knows the same ones."""
    found = ["all", f"subscription:{subscription_id}", f"verb:{verb}"]
    if region:
        found.append(f"region:{region_key(region)}")
    if wave is not None:
        found.append(f"wave:{wave}")
    return found


def region_key(region: str) -> str:
    """A region as a scope names it: `westeurope`, however Azure wrote it."""
    return region.lower().replace(" ", "")


def regions() -> list[str]:
    """Regions that hold a unit, as scopes name them, in order."""
    rows = Unit.objects.exclude(region="").order_by().values_list("region", flat=True).distinct()
    return sorted({region_key(region) for region in rows})


def planned_freezes(now: datetime) -> list[PlannedFreeze]:
    """Planned freezes that are not over and not withdrawn, by their begin."""
    return list(PlannedFreeze.objects.filter(withdrawn_at__isnull=True, ends_at__gt=now))


def frozen(unit: Unit, verb: str) -> Freeze | None:
    """The freeze that stops this verb of this unit, if one does."""
    wave = Placement.objects.filter(unit=unit).values_list("wave_id", flat=True).first()
    return Freeze.objects.filter(
        frozen=True, scope__in=scopes(unit.subscription_id, verb, region=unit.region, wave=wave)
    ).first()


def freezes() -> list[Freeze]:
    """Active freezes, the widest first."""
    return sorted(Freeze.objects.filter(frozen=True), key=lambda f: (f.scope != "all", f.scope))


def unit_sections(units: Iterable[Unit]) -> dict[str, dict[str, Any]]:
    """What a wave's seal says about each unit, by unit key: its members as read, and every finding (rules.md 1); one
    query whatever their number."""
    listed = list(units)
    sections: dict[int, dict[str, Any]] = {
        unit.pk: {
            "id": unit.pk,
            "key": unit.key,
            "kind": unit.kind,
            "name": unit.name,
            "subscription": unit.subscription_id,
            "region": unit.region,
            "verdict": unit.verdict,
            "score": unit.score,
            "members": {},
            "findings": {},
            "quota": [],
        }
        for unit in listed
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT unit_id, 'members', key, digest FROM tracker_resource
             WHERE unit_id = ANY(%(units)s) AND gone_at IS NULL
            UNION ALL
            SELECT unit_id, 'findings', rule || ' ' || resource_key,
                   effect || ' ' || outcome || CASE WHEN waived THEN ' waived' ELSE '' END FROM tracker_finding
             WHERE unit_id = ANY(%(units)s)
            UNION ALL
            SELECT unit_id, 'quota', concat_ws(' ', region, provider, name, amount), '' FROM tracker_reservation
             WHERE unit_id = ANY(%(units)s)
            UNION ALL
            SELECT p.unit_id, 'destination', concat_ws(' / ', d."group", d.network, d.subnet), ''
              FROM tracker_destination d JOIN tracker_placement p ON p.id = d.placement_id
             WHERE p.unit_id = ANY(%(units)s)
            """,
            {"units": list(sections)},
        )
        for pk, part, name, value in cursor.fetchall():
            if part == "quota":
                sections[pk]["quota"].append(name)
            elif part == "destination":
                sections[pk]["destination"] = name  # only where one was chosen: the default is as old as the seals
            else:
                sections[pk][part][name] = value
    for section in sections.values():
        section["quota"].sort()
    return {unit.key: sections[unit.pk] for unit in listed}


def wave_body(wave: Wave, *, only: Iterable[Unit] | None = None) -> dict[str, Any]:
    """Everything an approver of a wave is shown. `only`: the sections of these units, where one unit's drift is
    asked."""
    units = Unit.objects.filter(placement__wave=wave).order_by("key")
    if only is not None:
        units = units.filter(pk__in=[unit.pk for unit in only])
    return {
        "version": 1,
        "kind": "wave",
        "mode": "simulated" if settings.ENDPOINT_IS_SIMULATOR else "real",
        "endpoint": settings.ARM_ENDPOINT if not settings.ENDPOINT_IS_SIMULATOR else "simulator",
        "wave": {"id": wave.pk, "name": wave.name, "purpose": wave.purpose, "owner": wave.owner},
        "windows": [
            [w.opens_at.isoformat(), w.closes_at.isoformat()] for w in wave.windows.order_by("opens_at", "closes_at")
        ],
        "units": unit_sections(units),
        "approvals needed": settings.APPROVALS_NEEDED,
        "catalogue": catalogue.in_force_version(),
    }


def wave_drift(approval: Approval, unit: Unit | None = None) -> list[str]:
    """What moved since a wave approval was asked for; empty: the seal still matches.

    For one unit under way only its own section and the wave's frame count, because the other units change by being
    moved; and of
    its findings only what became worse: Validate and Prepare settle unknowns, which is what they were approved for.
    """
    if unit is not None:
        return unit_drifts(approval, [unit])[unit.pk]
    then = json.loads(approval.body)
    now = json.loads(seals.canonical(wave_body(approval.wave)))
    return seals.moved(then, now)


def unit_drifts(approval: Approval, units: Iterable[Unit]) -> dict[int, list[str]]:
    """`wave_drift` of several units, by unit pk, in as many queries as one takes."""
    listed = list(units)
    then = json.loads(approval.body)
    now = json.loads(seals.canonical(wave_body(approval.wave, only=listed)))
    frame = seals.moved(*[{k: v for k, v in body.items() if k != "units"} for body in (then, now)])
    found = {}
    for unit in listed:
        if unit.key not in then["units"]:
            found[unit.pk] = [*frame, f"unit {unit.name} was not part of what was approved"]
        elif unit.key not in now["units"]:
            found[unit.pk] = [*frame, f"unit {unit.name} is no longer in the wave"]
        else:
            found[unit.pk] = frame + _worse(then["units"][unit.key], now["units"][unit.key])
    return found


def _worse(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Members that changed, and findings that block, interrupt or drop something now and did not at the approval.

    What only changes afterwards (Validate settles some of it) is what the second person reads before the commit.
    """
    derived = ("findings", "verdict", "score")
    found = seals.moved(
        {k: v for k, v in then.items() if k not in derived}, {k: v for k, v in now.items() if k not in derived}
    )
    for name, state in now["findings"].items():
        if state in ("blocks yes", "downtime yes", "dropped yes") and then["findings"].get(name) != state:
            found.append(f"{name.split(' ')[0]} now says yes")
    return found


def waves() -> QuerySet[Wave]:
    """Waves with their counts and their first and last window, for the list."""
    return Wave.objects.annotate(
        unit_count=Count("placements", distinct=True),
        opens=Min("windows__opens_at"),
        closes=Max("windows__closes_at"),
    ).order_by("opens", "name")


def placements(wave: Wave) -> QuerySet[Placement]:
    return wave.placements.select_related("unit__subscription", "placed_by").order_by("unit__name")


def forced_set(unit: Unit) -> list[tuple[str, str, str]]:
    """What comes along when the unit is placed: (type, name, reason), in the order of the members."""
    return list(
        unit.members.filter(gone_at__isnull=True).order_by("type", "name").values_list("type", "name", "membership")
    )


def reserved_by_wave(waves_: Iterable[Wave]) -> dict[int, int]:
    """Cores reserved per wave, for the list."""
    rows = (
        Placement.objects.filter(wave__in=[w.pk for w in waves_], unit__reservations__name="cores")
        .values_list("wave_id")
        .annotate(total=Sum("unit__reservations__amount"))
    )
    return dict(rows)


def objections(unit: Unit) -> list[str]:
    """Why a unit cannot be placed in a wave now, one sentence each; empty: it can, if there is quota for it."""
    found = []
    existing = Placement.objects.filter(unit=unit).select_related("wave").first()
    if existing is not None:
        found.append(f"{unit.name} is already in wave “{existing.wave.name}”; remove it there first.")
    if unit.gone_at is not None:
        found.append(f"{unit.name} is no longer on the classic side; sync the subscription to see where it went.")
    if unit.verdict == "blocked" and not order.blocked_by_order_alone(unit):
        rules = (
            unit.findings.filter(effect="blocks", outcome="yes", waived=False)
            .order_by("rule")
            .values_list("rule", flat=True)
        )
        names = ", ".join(sorted(set(rules))) or "a rule"
        found.append(f"{unit.name} is blocked by {names}; clear the blockers first (its Readiness tab says how).")
    if unit.progress != State.ASSESSED and existing is None:
        found.append(f"{unit.name} is {unit.progress}; only an assessed unit can be placed.")
    return found


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One usages row that a wave has reserved of. `limit` and `current` are None when the row was never read."""

    wave_id: int
    subscription_id: str
    region: str
    provider: str
    name: str
    amount: int  # reserved by this wave
    reserved: int  # by all waves
    limit: int | None
    current: int | None

    @property
    def free(self) -> int | None:
        """What is left after everything reserved; below zero: short."""
        return None if self.limit is None or self.current is None else self.limit - self.current - self.reserved

    @property
    def short(self) -> int | None:
        return None if self.free is None else max(0, -self.free)


def replaceable(approval: Approval, now: datetime) -> str:
    """Why an open wave approval can no longer serve, so that the wave may be submitted again; empty: it still can."""
    state = approval_state(approval, now)
    if state in (ApprovalState.REJECTED, ApprovalState.EXPIRED):
        return f"it is {state}"
    before = list(Unit.objects.filter(placement__wave=approval.wave, progress__in=NOT_BEGUN))
    if state is ApprovalState.PENDING:
        drift = wave_drift(approval)
    else:
        drift = [line for lines in unit_drifts(approval, before).values() for line in lines]
    return f"it no longer matches: {'; '.join(drift[:3])}" if drift else ""


def seen_by(approval: Approval, user: User) -> bool:
    """Whether the history already tells that this person looked at this approval (it never changes, so once is
    enough)."""
    return Event.objects.filter(
        type="evidence.viewed", object_kind="approval", object_id=str(approval.pk), actor=user.actor.key
    ).exists()


# (wave, subscription, region, provider, name, reserved by the wave, reserved by all, limit, in use); %(keys)s: ids as
# text. What is reserved is kept by triggers (inventory/tallies.py); off it comes what few locked units use already.
QUOTA_LINES = """
WITH open AS (
    SELECT key[1] AS wave, key[2] AS subscription_id, key[3] AS region, key[4] AS provider, key[5] AS name,
           units AS amount
      FROM tracker_tally WHERE name = 'reserved'
    UNION ALL
    SELECT coalesce(p.wave_id::text, ''), r.subscription_id, r.region, r.provider, r.name, -r.amount
      FROM tracker_unit u
      JOIN tracker_reservation r ON r.unit_id = u.id
      LEFT JOIN tracker_placement p ON p.unit_id = u.id
     WHERE u.locked_since IS NOT NULL AND u.progress IN ('prepared', 'committing') AND EXISTS (
           SELECT 1 FROM tracker_usage q
            WHERE q.subscription_id = r.subscription_id AND lower(q.region) = lower(r.region)
              AND lower(q.provider) = lower(r.provider) AND lower(q.name) = lower(r.name)
              AND q.read_at > u.locked_since)
), lines AS (
    SELECT wave, subscription_id, region, provider, name, sum(amount)::bigint AS amount,
           sum(sum(amount)) OVER (PARTITION BY subscription_id, region, provider, name)::bigint AS reserved
      FROM open GROUP BY 1, 2, 3, 4, 5
)
SELECT nullif(l.wave, '')::bigint, l.subscription_id, l.region, l.provider, l.name, l.amount, l.reserved,
       q."limit", q.current
  FROM lines l
  LEFT JOIN tracker_usage q ON q.subscription_id = l.subscription_id AND lower(q.region) = lower(l.region)
       AND lower(q.provider) = lower(l.provider) AND lower(q.name) = lower(l.name)
 WHERE l.wave = ANY(%(keys)s) AND l.amount > 0
"""


def quota_lines_of(waves_: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> dict[int, list[QuotaLine]]:
    """Rows of QUOTA_LINES by wave, in the order of region, provider and name."""
    found: dict[int, list[QuotaLine]] = {pk: [] for pk in waves_}
    for row in sorted(rows, key=lambda row: (row[0], *row[2:5])):
        found[row[0]].append(QuotaLine(*row))
    return found


def quota_lines(waves_: Iterable[Wave]) -> dict[int, list[QuotaLine]]:
    """What waves have reserved beside the limits as last read, by wave; one query.

    A prepared unit stands on both sides: a usages list read since then counts its copy already [I], so its reservation
    is left out of the sums, or it would be counted twice.
    """
    wanted = [wave.pk for wave in waves_]
    with connection.cursor() as cursor:
        cursor.execute(QUOTA_LINES, {"keys": [str(pk) for pk in wanted]})
        return quota_lines_of(wanted, cursor.fetchall())
