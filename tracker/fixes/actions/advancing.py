"""One step of one fix: look, hold it against what must be so, write the intent, send once, look for the result.

A worker never waits; the row says when to look again. Killed at any instruction it loses nothing: without an intent
nothing was sent; with one, the next worker looks. What is repeatable is then looked at, checked and sent again; what is
not (a swap, a new configuration) is never sent a second time unless Azure said that it did not take the first.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from migrator.fixes import Plan, Step
from migrator.gateway.protocol import (
    Applied,
    AzureGateway,
    Busy,
    CredentialRefused,
    GatewayError,
    NotFound,
    NotPermitted,
    OperationStatus,
    Refused,
    Throttled,
)
from tracker.audit.values import ENGINE, uuid7
from tracker.fixes import queries
from tracker.fixes.actions.people import LONGEST, lock_units, outdate, tell
from tracker.fixes.actions.rehearsing import UNMET, UNTOLD, Looked, look, rehearsed
from tracker.fixes.models import Fix
from tracker.inventory import actions as inventory
from tracker.inventory.models import Resource
from tracker.waves import queries as waves

Clock = Callable[[], datetime]
LEASE = timedelta(minutes=3)  # longer than every request of one step together
SELF_FENCE = 20.0  # seconds between intent and sending after which this process does not trust itself any more
PROBE_AFTER = timedelta(seconds=2)
AGAIN, SELDOM, FIRST = timedelta(seconds=3), timedelta(seconds=20), timedelta(minutes=1)
RESEND_AFTER = timedelta(seconds=60)  # an unanswered request is at its end by then, at the platform too
HELD = timedelta(seconds=10)
TRIES = 12


class Lost(Exception):
    """Another worker has this fix now: what this one meant to write is void."""


def advance(fix_id: int, *, gateway: Callable[[str], AzureGateway], clock: Clock) -> str:
    """One step of one fix, or its rehearsal. Losing, doubling or delaying this call is harmless. Returns what was
    done, for logs and tests."""
    fix = _claim(fix_id, clock())
    if fix is None:
        return "not due"
    azure = gateway(fix.unit.subscription_id)
    try:
        if fix.state in (Fix.State.DRAFT, Fix.State.ASKED):
            return _rehearse(fix, azure, clock)
        plan = queries.plan_of(fix)
        if fix.sent_at is None:
            return _send_next(fix, plan, azure, clock)
        return _probe(fix, plan, azure, clock)
    except Lost:
        return "lost the lease"
    except Throttled as error:
        return _later(fix, clock(), error, timedelta(seconds=error.retry_after or SELDOM.total_seconds()), count=False)
    except GatewayError as error:  # a read failed: nothing was sent by it, and nothing is concluded
        if fix.tries + 1 >= TRIES and fix.state not in (Fix.State.DRAFT, Fix.State.ASKED):
            return _failed(fix, f"It cannot be looked at: {error}", clock())
        return _later(fix, clock(), error, SELDOM)


def _claim(fix_id: int, now: datetime) -> Fix | None:
    wanted = Q(due_at__lte=now, state__in=Fix.IN_HAND)
    wanted |= Q(rehearsal_wanted_at__lte=now, state__in=[Fix.State.DRAFT, Fix.State.ASKED])
    claimed = (
        Fix.objects.filter(wanted, pk=fix_id)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(fence=F("fence") + 1, lease_until=now + LEASE)
    )
    return Fix.objects.select_related("unit").get(pk=fix_id) if claimed else None


def _write(fix: Fix, **values: Any) -> None:
    """Only while the fence is ours. Raises Lost."""
    if not Fix.objects.filter(pk=fix.pk, fence=fix.fence).update(**values):
        raise Lost
    for name, value in values.items():
        setattr(fix, name, value)


def _later(fix: Fix, now: datetime, error: object, wait: timedelta, *, count: bool = True) -> str:
    rehearsing = fix.state in (Fix.State.DRAFT, Fix.State.ASKED)
    when = {"rehearsal_wanted_at" if rehearsing else "due_at": now + wait}
    tries = fix.tries + (1 if count and not rehearsing else 0)
    try:
        _write(fix, lease_until=None, last_error=str(error)[:LONGEST], tries=tries, **when)
    except Lost:
        return "lost the lease"
    return f"again later: {error}"


# Rehearsal


def _rehearse(fix: Fix, azure: AzureGateway, clock: Clock) -> str:
    steps = rehearsed(azure, queries.plan_of(fix), fix.unit.subscription_id)
    now = clock()
    states = [check["state"] for step in steps for check in step["checks"]]
    problems, untold = states.count(UNMET), states.count(UNTOLD)
    told = {"at": now.isoformat(), "problems": problems, "untold": untold, "steps": steps}
    with transaction.atomic():
        _write(fix, rehearsal=told, rehearsal_wanted_at=None, lease_until=None, last_error="")
        tell("fix.rehearsed", fix, ENGINE, now, outcome=_outcome(problems, untold))
    return f"rehearsed: {_outcome(problems, untold)}"


def _outcome(problems: int, untold: int) -> str:
    said = "nothing stands against it" if not problems else f"{problems} thing{'s' if problems > 1 else ''} not so"
    return f"{said}, {untold} not known" if untold else said


# Sending


def _send_next(fix: Fix, plan: Plan, azure: AzureGateway, clock: Clock) -> str:
    step = plan.steps[fix.step]
    seen = look(azure, step, fix.unit.subscription_id)
    already = not seen.missing(step.after) and not step.always
    if already and (fix.step or fix.sends or not step.before):
        return _seen(fix, plan, clock())
    refused = _intend(fix, step, seen, clock)
    if refused is not None:
        return refused
    armed = time.monotonic()
    return _send(fix, step, azure, clock, armed)


def _intend(fix: Fix, step: Step, seen: Looked, clock: Clock) -> str | None:
    """One transaction: everything again under the locks, then the intent with its event. What was done instead, or
    None: it may be sent. Lock order: freeze, units, fix."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE")
        units = lock_units(fix.touched)
        row = Fix.objects.select_for_update(of=("self",)).select_related("unit").get(pk=fix.pk)
        if row.fence != fix.fence or row.state not in Fix.IN_HAND:
            raise Lost
        now = clock()
        freeze = waves.frozen(fix.unit, "fix")
        if freeze is not None:
            return _later(fix, now, f"Frozen ({freeze.scope}): {freeze.reason}", HELD, count=False)
        others = Fix.objects.filter(state=Fix.State.SENT, sent_at__isnull=False, touched__overlap=fix.touched)
        if other := others.exclude(pk=fix.pk).first():
            said = f"Another fix is under way there and comes to its end first: {other.title}."
            return _later(fix, now, said, HELD, count=False)
        first = fix.step == 0 and fix.sends == 0
        wrong = [refusal] if (refusal := queries.refusal(units)) else seen.missing(step.before)
        if first and not wrong:
            wrong = queries.drift(row, now)
        if wrong and first:
            outdate(row, f"Right before it was to be sent: {'; '.join(wrong[:3])} Nothing was sent.", ENGINE, now)
            return f"outdated: {wrong[0]}"
        if wrong:
            return _failed(row, f"{_done_so_far(row)} Then it was stopped: {'; '.join(wrong[:3])}", now)
        _write(
            fix,
            state=Fix.State.SENT,
            sent_at=now,
            accepted=False,
            sends=fix.sends + 1,
            status_url="",
            lease_until=now + LEASE,
            kept=_kept(fix.kept, step, seen),
        )
        place = {"step": str(fix.step + 1), "of": str(len(fix.plan["steps"])), "request": step.shown[:600]}
        tell("fix.sent", fix, ENGINE, now, attempt=str(fix.sends), **place)
    return None


def _done_so_far(fix: Fix) -> str:
    total = len(fix.plan["steps"])
    return f"{fix.step} of {total} requests {'was' if fix.step == 1 else 'were'} carried out."


def _kept(kept: Sequence[dict[str, Any]], step: Step, seen: Looked) -> list[dict[str, Any]]:
    """What is about to be removed, as just read, and what lies beneath it, as last read."""
    found = {str(one["id"]).lower(): one for one in kept}
    for one in step.removes:
        key = one.lower()
        for row in Resource.objects.filter(key__startswith=f"{key}/", gone_at__isnull=True).order_by("key")[:500]:
            found.setdefault(row.key, row.document)
        if seen.documents.get(key) is not None:
            found[key] = dict(seen.documents[key])
    return list(found.values())


def _send(fix: Fix, step: Step, azure: AzureGateway, clock: Clock, armed: float) -> str:
    if time.monotonic() - armed > SELF_FENCE:  # this process slept; what was true then may not be true now
        _write(fix, sent_at=None, sends=fix.sends - 1, due_at=clock(), lease_until=None)
        return "slept before sending; nothing was sent"
    status_url = ""
    try:
        if step.scale is not None:
            one = step.scale
            expected = int(next(c.values[0] for c in step.before if c.field == "instance_count"))
            request_id = str(uuid7(clock()))
            submitted = azure.scale(
                one.deployment_id, one.role, one.instances, expected=expected, client_request_id=request_id
            )
            status_url = submitted.status_url or ""
        elif step.request is not None:
            azure.send(step.request)
    except NotFound as error:
        if step.request is None or step.request.method != "DELETE":
            return _refused(fix, error, clock())
    except GatewayError as error:
        return _silent(fix, error, clock()) if error.applied is Applied.UNKNOWN else _refused(fix, error, clock())
    now = clock()
    with transaction.atomic():
        _write(
            fix,
            accepted=True,
            status_url=status_url,
            due_at=now + PROBE_AFTER,
            lease_until=None,
            last_error="",
            tries=0,
        )
        tell("fix.answered", fix, ENGINE, now, outcome="accepted")
    return "sent, accepted"


def _silent(fix: Fix, error: GatewayError, now: datetime) -> str:
    """Nobody knows whether it was carried out: only looking tells."""
    with transaction.atomic():
        _write(fix, due_at=now + PROBE_AFTER, lease_until=None, last_error=str(error)[:LONGEST])
        tell("fix.answered", fix, ENGINE, now, outcome="no clear answer", cause=str(error))
    return f"no clear answer: {error}"


def _refused(fix: Fix, error: GatewayError, now: datetime) -> str:
    """Certainly not carried out. What passes by itself is tried again; the rest is for a person."""
    final = isinstance(error, Refused | NotPermitted) or bool(error.code and not isinstance(error, Throttled | Busy))
    final = final and not isinstance(error, CredentialRefused)
    if final or (not isinstance(error, Throttled) and fix.tries + 1 >= TRIES):
        words = str(error)
        if isinstance(error, NotPermitted):
            words += " Give the credential this right, then ask for the fix again."
        return _failed(fix, f"{_done_so_far(fix)} {words}" if fix.step else words, now)
    wait = timedelta(seconds=error.retry_after) if error.retry_after else SELDOM
    count = not isinstance(error, Throttled)
    with transaction.atomic():
        _write(
            fix, sent_at=None, due_at=now + wait, lease_until=None, last_error=str(error)[:LONGEST],
            tries=fix.tries + (1 if count else 0),
        )  # fmt: skip
        tell("fix.answered", fix, ENGINE, now, outcome="not taken; tried again later", cause=str(error))
    return f"not taken, again later: {error}"


# Seeing


def _probe(fix: Fix, plan: Plan, azure: AzureGateway, clock: Clock) -> str:
    step = plan.steps[fix.step]
    if fix.status_url:
        polled = azure.poll(fix.status_url)
        if polled.status is OperationStatus.FAILED:
            said = ": ".join(part for part in (polled.code, polled.message) if part) or "without saying why"
            return _failed(fix, f"Azure took it and did not carry it out: {said}", clock())
    seen = look(azure, step, fix.unit.subscription_id)
    missing, now = seen.missing(step.after), clock()
    if not missing and (fix.accepted or not step.always):
        return _seen(fix, plan, now)
    missing = missing or ["Azure has not taken it yet."]
    waited = now - (fix.sent_at or now)
    if not fix.accepted and step.repeatable and waited >= RESEND_AFTER:
        if fix.sends >= TRIES:
            return _failed(fix, f"Sent {fix.sends} times without an answer, and not seen: {missing[0]}", now)
        _write(fix, sent_at=None, due_at=now, lease_until=None, probed_at=now, probe_says=missing)
        return "not seen and never answered; it is checked and sent again"
    if waited >= timedelta(seconds=step.patience):
        how = "Azure took it" if fix.accepted else "It was sent once and never answered; it is not sent again"
        words = (
            f"{how}. After {int(waited.total_seconds() // 60)} minutes: {'; '.join(missing[:3])} Look in the portal."
        )
        return _failed(fix, words, now)
    again = AGAIN if waited < FIRST else SELDOM
    _write(fix, due_at=now + again, lease_until=None, probed_at=now, probe_says=missing)
    return f"not seen yet: {missing[0]}"


def _seen(fix: Fix, plan: Plan, now: datetime) -> str:
    """The current step is seen to be done: on to the next, or the end."""
    over = fix.step + 1 >= len(plan.steps)
    fresh = {"sent_at": None, "accepted": False, "sends": 0, "tries": 0, "status_url": "", "last_error": ""}
    with transaction.atomic():
        if fix.state == Fix.State.APPROVED:  # nothing had to be sent: it was so already
            _write(fix, state=Fix.State.SENT)
        _write(
            fix, step=fix.step + 1, probed_at=now, probe_says=[], lease_until=None,
            due_at=None if over else now, **fresh, **({"state": Fix.State.DONE, "ended_at": now} if over else {}),
        )  # fmt: skip
        if over:
            tell("fix.done", fix, ENGINE, now)
            inventory.want_sync(fix.unit.subscription, ENGINE, now)
    return "seen, done" if over else f"step {fix.step} of {len(plan.steps)} seen"


def _failed(fix: Fix, words: str, now: datetime) -> str:
    with transaction.atomic():
        _write(fix, state=Fix.State.FAILED, last_error=words[:LONGEST], due_at=None, lease_until=None, ended_at=now)
        tell("fix.failed", fix, ENGINE, now, cause=words)
        if fix.step or fix.sends:  # the inventory has to show how far it came
            inventory.want_sync(fix.unit.subscription, ENGINE, now)
    return f"failed: {words}"
