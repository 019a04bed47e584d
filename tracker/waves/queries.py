"""What the pages and the engine ask about waves. Reads only."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Max, Min, Prefetch, Q, QuerySet, Sum

from migrator.readiness import catalogue_version
from tracker.accounts.models import User
from tracker.inventory.models import Unit
from tracker.waves import seals
from tracker.waves.models import Approval, Decision, Freeze, Placement, Wave, Window

APPROVAL_LASTS = timedelta(days=30)


class ApprovalState(StrEnum):
    """Derived from the rows, never stored."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOIDED = "voided"
    EXPIRED = "expired"


def approval_state(approval: Approval, now: datetime) -> ApprovalState:
    """State of an approval; reads its decisions (prefetch them for lists)."""
    decisions = approval.decisions.all()
    if approval.voided_at is not None:
        return ApprovalState.VOIDED
    if any(not d.approved for d in decisions):
        return ApprovalState.REJECTED
    if approval.expires_at <= now:
        return ApprovalState.EXPIRED
    given = {d.approver_id for d in decisions if d.approved and d.revoked_at is None}
    return ApprovalState.APPROVED if len(given) >= approval.needed else ApprovalState.PENDING


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
        .annotate(given=Count("decisions", filter=Q(decisions__approved=True, decisions__revoked_at__isnull=True)))
        .filter(given__lt=F("needed"))
        .select_related("wave", "unit", "requester", "editor")
        .order_by("requested_at")
    )


def approvals(now: datetime) -> QuerySet[Approval]:
    """All approvals, newest first, with people and decisions."""
    return (
        Approval.objects.select_related("wave", "unit", "requester", "editor")
        .prefetch_related(Prefetch("decisions", Decision.objects.select_related("approver")))
        .order_by("-requested_at")
    )


def open_window(wave: Wave, now: datetime) -> Window | None:
    """The window that is open at `now`."""
    return wave.windows.filter(opens_at__lte=now, closes_at__gt=now).order_by("-closes_at").first()


def next_window(wave: Wave, now: datetime) -> Window | None:
    return wave.windows.filter(opens_at__gt=now).order_by("opens_at").first()


def frozen(subscription_id: str, verb: str) -> Freeze | None:
    """The freeze that stops this verb in this subscription, if one does."""
    return Freeze.objects.filter(
        frozen=True, scope__in=["all", f"subscription:{subscription_id}", f"verb:{verb}"]
    ).first()


def freezes() -> list[Freeze]:
    """Active freezes, the widest first."""
    return sorted(Freeze.objects.filter(frozen=True), key=lambda f: (f.scope != "all", f.scope))


def unit_section(unit: Unit) -> dict[str, Any]:
    """What a wave's seal says about one unit: its members as read, and every finding (rules.md 1)."""
    members = unit.members.filter(gone_at__isnull=True).order_by("key").values_list("key", "digest")
    findings = unit.findings.order_by("rule", "resource_key").values_list("rule", "resource_key", "effect", "outcome")
    reserved = unit.reservations.order_by("region", "provider", "name").values_list(
        "region", "provider", "name", "amount"
    )
    return {
        "key": unit.key,
        "kind": unit.kind,
        "name": unit.name,
        "subscription": unit.subscription_id,
        "region": unit.region,
        "verdict": unit.verdict,
        "score": unit.score,
        "members": dict(members),
        "findings": {f"{rule} {key}": f"{effect} {outcome}" for rule, key, effect, outcome in findings},
        "quota": [f"{region} {provider} {name} {amount}" for region, provider, name, amount in reserved],
    }


def wave_body(wave: Wave) -> dict[str, Any]:
    """Everything an approver of a wave is shown."""
    units = Unit.objects.filter(placement__wave=wave).order_by("key")
    return {
        "version": 1,
        "kind": "wave",
        "mode": "simulated" if settings.ENDPOINT_IS_SIMULATOR else "real",
        "endpoint": settings.ARM_ENDPOINT if not settings.ENDPOINT_IS_SIMULATOR else "simulator",
        "wave": {"id": wave.pk, "name": wave.name, "purpose": wave.purpose, "owner": wave.owner},
        "windows": [
            [w.opens_at.isoformat(), w.closes_at.isoformat()] for w in wave.windows.order_by("opens_at", "closes_at")
        ],
        "units": {unit.key: unit_section(unit) for unit in units},
        "approvals needed": settings.APPROVALS_NEEDED,
        "catalogue": catalogue_version,
    }


def wave_drift(approval: Approval, unit: Unit | None = None) -> list[str]:
    """What moved since a wave approval was asked for; empty: the seal still matches.

    For one unit under way only its own section and the wave's frame count, because the other units change by being
    moved; and of
    its findings only what became worse: Validate and Prepare settle unknowns, which is what they were approved for.
    """
    then = json.loads(approval.body)
    now = json.loads(seals.canonical(wave_body(approval.wave)))
    if unit is None:
        return seals.moved(then, now)
    frame = [{k: v for k, v in body.items() if k != "units"} for body in (then, now)]
    found = seals.moved(*frame)
    if unit.key not in then["units"]:
        return [*found, f"unit {unit.name} was not part of what was approved"]
    if unit.key not in now["units"]:
        return [*found, f"unit {unit.name} is no longer in the wave"]
    return found + _worse(then["units"][unit.key], now["units"][unit.key])


def _worse(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Members that changed, and findings that are *yes* now and were not when the wave was approved."""
    derived = ("findings", "verdict", "score")
    found = seals.moved(
        {k: v for k, v in then.items() if k not in derived}, {k: v for k, v in now.items() if k not in derived}
    )
    for name, state in now["findings"].items():
        if state.endswith(" yes") and not state.startswith("info ") and then["findings"].get(name) != state:
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
