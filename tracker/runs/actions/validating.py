"""Validate of many units, at the platform's pace. A person asks once; each unit is a row that is due at its turn, and
every step is one claim, one request, one answer. Nothing here waits (decisions/validate-many.md).

Validate changes nothing and locks nothing (azure.md 2.1), so unlike the verbs of a run it needs no approval and no
window, and what may not have arrived is simply asked again.
"""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from migrator import lifecycle
from migrator import order as ranks
from migrator.gateway.protocol import (
    Applied,
    AzureGateway,
    Busy,
    CredentialRefused,
    ErrorClass,
    Exchange,
    GatewayError,
    OperationStatus,
    Submitted,
    Throttled,
)
from migrator.lifecycle import (
    Doubt,
    Heard,
    Move,
    Need,
    OperationState,
    Seen,
    Side,
    State,
    Status,
    Submit,
    Timings,
    Wait,
)
from migrator.resources import Category, PlatformMessage, Verb
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, uuid7
from tracker.fixes import queries as fixes
from tracker.readiness import actions as readiness
from tracker.runs import queries, validations, watching
from tracker.runs.actions import epoch, going, reading
from tracker.runs.actions.budget import heard, spent, stop_until, take
from tracker.runs.actions.people import Illegal, NotYet, RunError, ask
from tracker.runs.actions.steps import here
from tracker.runs.models import AskVerb
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope
from tracker.waves import destinations, order
from tracker.waves import queries as waves

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
AT_ONCE = 50  # messages that wait for a worker at most: the rest is rung for when these are through
RING_AGAIN = 15  # seconds
HELD = 60.0  # seconds before a unit that a freeze stops is looked at again; the ticker knows the widest freezes itself
BROKEN_AGAIN = 60.0  # seconds after a step that raised


def validate_many(scope: Scope, *, by: User, now: datetime, old_only: bool = True) -> Validation:
    """Want every classic unit of a scope validated; `old_only`: but those with an answer of the last seven days.
    Raises NotYet when that is nobody, or while the database is read back."""
    check(by, Permission.OPERATE, ("validation", scope.words), now)
    if refusal := watching.refusal():
        raise NotYet(refusal)
    with transaction.atomic():
        found = validations.reach(scope, now)
        row = Validation.objects.create(
            scope=scope.kind,
            subscription=scope.subscription,
            wave=scope.wave,
            name=scope.name,
            old_only=old_only,
            units=0,
            asked_by=by.actor.key,
            by_id=by.pk,
            asked_at=now,
        )
        count = _append(row, scope, now)
        if not count:
            raise NotYet(_nobody(scope, found, old_only))
        row.units, row.fresh = count, found.fresh if old_only else 0
        row.save(update_fields=["units", "fresh"])
        record(
            "validation.asked",
            by=by.actor,
            object=("validation", str(row.pk)),
            now=now,
            detail={"name": scope.name, "scope": str(scope.kind), "units": count, "fresh": row.fresh},
        )
    return row


def _append(row: Validation, scope: Scope, now: datetime) -> int:
    """A row for each unit, due at its turn: `PACE` a second and subscription, what goes first in a wave first."""
    join, where, given = validations.where(scope)
    fresh = (
        "AND NOT EXISTS (SELECT 1 FROM tracker_platformanswer a"
        " WHERE a.unit_id = u.id AND a.verb = 'validate' AND a.at > %(since)s)"
        if row.old_only
        else ""
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO tracker_validatedunit
                   (validation_id, unit_id, subscription_id, state, why, due_at, fence, tries, sends, status_url,
                    request_id, correlation_id)
            SELECT %(row)s, u.id, u.subscription_id, 'waiting', '',
                   %(now)s::timestamptz + make_interval(secs => (row_number() OVER (
                       PARTITION BY u.subscription_id ORDER BY u.name, u.id) - 1) / %(pace)s),
                   0, 0, 0, '', '', ''
              FROM tracker_unit u {join}
             WHERE {where} AND u.gone_at IS NULL AND u.progress = ANY(%(classic)s) {fresh}
            ON CONFLICT (unit_id) WHERE state IN ('waiting', 'sent') DO NOTHING
            """,  # noqa: S608 - the pieces are constants of this module and of validations.where
            {
                **given,
                "row": row.pk,
                "now": now,
                "pace": validations.PACE,
                "classic": list(validations.CLASSIC),
                "since": now - validations.FRESH,
            },
        )
        return cursor.rowcount


def _nobody(scope: Scope, found: validations.Reach, old_only: bool) -> str:
    if not found.all:
        return f"There is no unit in {scope.words}."
    if old_only and found.wanted(old_only=False):
        return f"Every unit of {scope.words} has an answer of the last seven days, or is being validated. Ask for all."
    if found.busy:
        return f"Every unit of {scope.words} that can be validated is being validated already."
    return f"No unit of {scope.words} is wholly classic any more."


def stop_validation(row: Validation, *, by: User, now: datetime) -> int:
    """Send nothing more of a wish; what Azure took is read to its end. Returns how many units are not asked for any
    more. Raises Illegal when it is over or stopped already."""
    check(by, Permission.OPERATE, ("validation", str(row.pk)), now)
    with transaction.atomic():
        row = Validation.objects.select_for_update().get(pk=row.pk)
        if row.ended_at is not None:
            raise Illegal(f"It ended {row.ended_at:%Y-%m-%d %H:%M} UTC; there is nothing to stop.")
        if row.stopped_at is not None:
            raise Illegal(f"It was stopped {row.stopped_at:%Y-%m-%d %H:%M} UTC.")
        # a row with a lease is at its step: its request may be on the wire, and its answer counts
        idle = Q(lease_until__isnull=True) | Q(lease_until__lt=queries.database_now())
        waiting = row.items.filter(idle, state=ValidatedUnit.State.WAITING)
        count = waiting.update(
            state=ValidatedUnit.State.STOPPED, due_at=None, ended_at=now, why="Stopped before it was sent."
        )
        Validation.objects.filter(pk=row.pk).update(stopped_at=now, stopped_by=by.actor.key)
        record(
            "validation.stopped",
            by=by.actor,
            object=("validation", str(row.pk)),
            now=now,
            detail={"name": row.name, "units": count},
        )
    return count


def ring_validations() -> list[int]:
    """Ids of units that are due, each marked as rung for. What a freeze of everything, of Validate or of the
    subscription stops is not rung for; what was sent is read all the same."""
    scopes = [each.scope for each in validations.stopping()]
    stopped = any(scope in ("all", "verb:validate") for scope in scopes)
    frozen = [scope.partition(":")[2] for scope in scopes if scope.startswith("subscription:")]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH room AS (
                SELECT greatest(0, %(most)s - count(*)) AS n FROM tracker_validatedunit
                 WHERE due_at IS NOT NULL AND enqueued_at > clock_timestamp() - make_interval(secs => %(again)s)),
            due AS (
                SELECT id FROM tracker_validatedunit
                 WHERE due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())
                   AND (enqueued_at IS NULL OR enqueued_at < clock_timestamp() - make_interval(secs => %(again)s))
                   AND (state = 'sent' OR NOT %(stopped)s AND NOT subscription_id = ANY(%(frozen)s))
                 ORDER BY due_at LIMIT (SELECT n FROM room) FOR UPDATE SKIP LOCKED)
            UPDATE tracker_validatedunit v SET enqueued_at = clock_timestamp() FROM due WHERE v.id = due.id
            RETURNING v.id
            """,
            {"most": AT_ONCE, "again": RING_AGAIN, "stopped": stopped, "frozen": frozen},
        )
        return [row[0] for row in cursor.fetchall()]


def close_validations(now: datetime) -> int:
    """End the wishes of which no unit is under way any more. Returns how many."""
    closed = 0
    for pk in validations.ended_unsaid():
        with transaction.atomic():
            row = Validation.objects.select_for_update(skip_locked=True).filter(pk=pk, ended_at__isnull=True).first()
            if row is None or row.items.filter(state__in=ValidatedUnit.LIVE).exists():
                continue
            Validation.objects.filter(pk=pk).update(ended_at=now)
            said = validations.counts([row])[pk]
            record(
                "validation.ended",
                by=ENGINE,
                object=("validation", str(pk)),
                now=now,
                detail={"name": row.name, "units": row.units, "outcomes": said},
            )
            closed += 1
    return closed


# --- one step of one unit ---------------------------------------------------------------------------------------------


class _Lost(Exception):
    """Another process owns the row now, or it ended."""


def advance_validation(pk: int, *, gateway: Callable[[str], AzureGateway], clock: Clock, timings: Timings) -> str:
    """One step: send, or look at what was sent. Doubled, delayed and lost messages are harmless. Returns what was done,
    for logs and tests."""
    epoch.guard(clock, timings)
    item = _claim(pk, timings)
    if item is None:
        return "not due"
    try:
        if item.state == ValidatedUnit.State.SENT:
            return _look(item, gateway(item.subscription_id), clock, timings)
        return _first(item, gateway(item.subscription_id), clock, timings)
    except _Lost:
        return "lost the lease"
    except Exception:  # ours: one bad row must not become a crash loop
        _release(item, BROKEN_AGAIN, "An error of the product; it is logged. Trying again.")
        raise


def _claim(pk: int, timings: Timings) -> ValidatedUnit | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE tracker_validatedunit
               SET fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => %s)
             WHERE id = %s AND due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until < clock_timestamp())
            RETURNING id
            """,
            [timings.lease + timings.http_deadline, pk],
        )
        if cursor.fetchone() is None:
            return None
    return ValidatedUnit.objects.select_related("unit__subscription", "validation").get(pk=pk)


def _ours(item: ValidatedUnit) -> None:
    """Inside a transaction: the row is still ours. Raises _Lost."""
    if not ValidatedUnit.objects.select_for_update().filter(pk=item.pk, fence=item.fence, ended_at=None).exists():
        raise _Lost


def _release(item: ValidatedUnit, after: float, why: str, **changes: object) -> str:
    """Give the row back, due in so many seconds."""
    values = {"why": why[:400], "lease_until": None, "enqueued_at": None, **changes}
    due = queries.database_now() + timedelta(seconds=after)
    ValidatedUnit.objects.filter(pk=item.pk, fence=item.fence, ended_at=None).update(due_at=due, **values)
    return why


def _end(item: ValidatedUnit, state: ValidatedUnit.State, why: str, now: datetime, **changes: object) -> str:
    """Inside the caller's transaction, with the row ours."""
    ValidatedUnit.objects.filter(pk=item.pk).update(
        state=state, why=why[:400], due_at=None, lease_until=None, enqueued_at=None, ended_at=now, **changes
    )
    record(
        "validation.unit_ended",
        by=ENGINE,
        object=("validation", str(item.validation_id)),
        now=now,
        detail={
            "name": item.validation.name,
            "unit": item.unit.name,
            "key": item.unit.key,
            "outcome": str(state),
            "request": str(changes.get("request_id", item.request_id)),
            "correlation": str(changes.get("correlation_id", item.correlation_id)),
        },
        private={"cause": why[:1000]},
    )
    return f"{state}: {why}"


def _first(item: ValidatedUnit, gateway: AzureGateway, clock: Clock, timings: Timings) -> str:
    """WAITING: is it still wanted, may it be sent, then send it."""
    with reading.counted(gateway, item.subscription_id, clock):
        unfit = going.unfit(item.unit, destinations.of(item.unit), gateway)
    with transaction.atomic():
        with connection.cursor() as cursor:  # the lock order of every arming: the stop switch first
            cursor.execute("SELECT 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE")
        _ours(item)
        now = clock()
        if (ended := _not_wanted(item, now)) is not None:
            return ended
        if (held := _held(item, unfit, now)) is not None:
            return _release(item, *held)
        ValidatedUnit.objects.filter(pk=item.pk).update(sends=item.sends + 1, sent_at=now)
        armed = here()
    if lifecycle.too_late(armed, here(), timings):
        return _release(item, 1, "not sent: this process slept")
    return _send(item, gateway, clock, timings)


def _not_wanted(item: ValidatedUnit, now: datetime) -> str | None:
    """Ends the row where nothing is to be sent; None: go on."""
    unit = item.unit
    out = ValidatedUnit.State.LEFT_OUT
    if item.validation.stopped_at is not None or (
        Validation.objects.filter(pk=item.validation_id, stopped_at__isnull=False).exists()
    ):
        return _end(item, ValidatedUnit.State.STOPPED, "Stopped before it was sent.", now)
    if unit.gone_at is not None:
        return _end(item, out, "It is no longer in Azure.", now)
    if (run := queries.live_run(unit)) is not None:
        return _hand_over(item, run, now)
    if unit.progress not in validations.CLASSIC:
        return _end(item, out, f"It is {unit.progress}.", now)
    if unit.kind not in ranks.UNATTACHED and (said := order.waits(unit)[0]):
        return _end(item, out, said, now)
    return None


def _hand_over(item: ValidatedUnit, run: queries.Run, now: datetime) -> str:
    """A unit with a run of its own is validated by it, in the name of who asked here: one door to a run."""
    if run.state not in (State.PLANNED, State.VALIDATED):
        return _end(item, ValidatedUnit.State.LEFT_OUT, f"Its run is {run.state}.", now, run=run)
    by = User.objects.filter(pk=item.validation.by_id).first()
    if by is None:
        return _end(item, ValidatedUnit.State.LEFT_OUT, "Whoever asked for it is gone.", now, run=run)
    try:
        with transaction.atomic():
            ask(run, AskVerb.VALIDATE, by=by, now=now, reason=f"Asked for with {item.validation.name}.")
    except RunError as error:
        return _end(item, ValidatedUnit.State.LEFT_OUT, f"Its run says: {error}", now, run=run)
    return _end(item, ValidatedUnit.State.HANDED, "Asked of its run, which tells the answer.", now, run=run)


def _held(item: ValidatedUnit, unfit: tuple[str, str] | None, now: datetime) -> tuple[float, str] | None:
    """(seconds, sentence) while it may not be sent."""
    unit = item.unit
    if refusal := watching.refusal():
        return HELD, refusal
    if (freeze := waves.frozen(unit, Verb.VALIDATE)) is not None:
        return HELD + random.uniform(0, HELD), f"Frozen ({freeze.scope}): {freeze.reason}"  # noqa: S311 - no secret
    if (fix := fixes.in_hand(unit)) is not None:
        return HELD, f"A fix goes to it at this moment: {fix.title}."
    if unfit is not None:
        return HELD * 5, unfit[1]
    lifted = queries.lifted_for(waves.scopes(unit.subscription_id, Verb.VALIDATE, region=unit.region), now)
    if wait := take(unit.subscription_id, "write", now, lifted_at=lifted):
        return _turn(item, wait, now), spent(wait, lifted, now)
    return None


def _turn(item: ValidatedUnit, wait: float, now: datetime) -> float:
    """Those that are due come back one after the other, not all at once."""
    due = ValidatedUnit.objects.filter(
        subscription_id=item.subscription_id, state=ValidatedUnit.State.WAITING, due_at__lte=now
    )
    return wait + random.uniform(0, due[:5000].count() / validations.PACE)  # noqa: S311 - no secret


def _send(item: ValidatedUnit, gateway: AzureGateway, clock: Clock, timings: Timings) -> str:
    unit = item.unit
    try:
        answer: Submitted | GatewayError = gateway.submit(
            Verb.VALIDATE,
            unit.azure_id,
            client_request_id=str(uuid7(clock())),
            parameters=going.parameters(unit, Verb.VALIDATE),
        )
    except GatewayError as error:
        answer = error
    now = clock()
    heard_ = _heard(answer)
    exchange = answer.exchange or Exchange()
    asked = answer.retry_after
    with transaction.atomic():
        _ours(item)
        heard(item.subscription_id, "write", exchange.remaining_writes, now)
        ids = {"request_id": exchange.request_id[:80], "correlation_id": exchange.correlation_id[:80]}
        if isinstance(answer, Submitted) and heard_ is Heard.DONE:
            return _answered(item, tuple(answer.messages), now, **ids)
        after = lifecycle.settle(heard_, tries=item.tries, asked=asked, timings=timings)
        match heard_:
            case Heard.ACCEPTED:
                return _release(
                    item,
                    after.after or 0.0,
                    "Azure is at work on it.",
                    state=ValidatedUnit.State.SENT,
                    status_url=answer.status_url or "",  # type: ignore[union-attr]
                    **ids,
                )
            case Heard.THROTTLED:
                wait = after.after or 0.0
                stop_until(item.subscription_id, "write", now + timedelta(seconds=wait), now)
                said = f"Azure asks to wait {wait:.0f} s before the next request of this subscription."
                return _release(item, _turn(item, wait, now), said, **ids)
            case Heard.REFUSED_FOR_NOW if after.after is not None:
                said = f"{answer} Trying again in {after.after:.0f} s."
                return _release(item, after.after, said, tries=after.tries, **ids)
            case Heard.SILENCE if after.tries < timings.tries:  # it changes nothing: asking again is the reading
                said = f"No clear answer: {answer} Asking again in {after.after:.0f} s."
                return _release(item, after.after or 0.0, said, tries=after.tries, **ids)
            case Heard.SILENCE:
                return _end(item, ValidatedUnit.State.UNANSWERED, f"No clear answer: {answer}", now, **ids)
            case _:
                return _refused(item, answer, now, **ids)  # type: ignore[arg-type]


def _heard(answer: Submitted | GatewayError) -> Heard:
    if isinstance(answer, Submitted):
        return Heard.DONE if answer.status_url is None else Heard.ACCEPTED
    if isinstance(answer, Throttled):
        return Heard.THROTTLED
    if answer.applied is not Applied.NO or isinstance(answer, Busy):
        return Heard.SILENCE
    passing = isinstance(answer, CredentialRefused) or answer.error_class in (ErrorClass.RETRY, ErrorClass.WAIT)
    return Heard.REFUSED_FOR_NOW if passing else Heard.REFUSED


def _refused(item: ValidatedUnit, error: GatewayError, now: datetime, **ids: str) -> str:
    """A definite refusal. Words of the platform are its word on readiness too (rules.md 6)."""
    if error.message:
        message = PlatformMessage(category=Category.ERROR, message=error.message, code=error.code)
        readiness.record_platform_answer(
            item.unit, verb=Verb.VALIDATE, messages=(message,), passed=False, by=ENGINE, now=now
        )
    return _end(item, ValidatedUnit.State.REFUSED, f"Azure refused: {error}", now, **ids)


def _answered(item: ValidatedUnit, messages: tuple[PlatformMessage, ...], now: datetime, **ids: str) -> str:
    """Azure's word, in the same transaction as the end of the row."""
    errors = [each for each in messages if each.category is Category.ERROR]
    readiness.record_platform_answer(
        item.unit, verb=Verb.VALIDATE, messages=messages, passed=not errors, by=ENGINE, now=now
    )
    if not errors:
        return _end(item, ValidatedUnit.State.PASSED, "Validate found nothing that blocks.", now, **ids)
    more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    return _end(item, ValidatedUnit.State.FOUND, f"{errors[0].message}{more}", now, **ids)


def _look(item: ValidatedUnit, gateway: AzureGateway, clock: Clock, timings: Timings) -> str:
    """SENT: read the status address once. The unit itself is not read: Validate leaves it as it is."""
    if wait := reading.wait(item.subscription_id, clock, others=1):
        return _release(item, wait, f"The read budget of the subscription is used up; looking in {wait:.0f} s.")
    with reading.counted(gateway, item.subscription_id, clock):
        polled = gateway.poll(item.status_url)
    now = clock()
    seen = Seen(
        at=now,
        status=Status(polled.status.value),
        classic=Side.PRESENT,
        arm=Side.ABSENT,
        code=polled.code,
        message=polled.message,
        retry_after=polled.retry_after,
    )
    doubt = Doubt(state=OperationState.POLLING, verb=Verb.VALIDATE, armed_at=item.sent_at, tries=item.tries)
    with transaction.atomic():
        _ours(item)
        match lifecycle.decide(doubt, seen, timings):
            case Wait(seconds=seconds, why=why):
                steady = polled.status is OperationStatus.IN_PROGRESS
                return _release(item, seconds, why, tries=item.tries if steady else item.tries + 1)
            case Submit(after=after, why=why):
                waiting = ValidatedUnit.State.WAITING
                return _release(item, after, why, state=waiting, status_url="", tries=item.tries + 1)
            case Need(what=what):
                return _end(item, ValidatedUnit.State.UNANSWERED, what, now)
            case Move(why=why):
                found = polled.messages
                if not found and polled.status is OperationStatus.FAILED:
                    found = (PlatformMessage(category=Category.ERROR, message=why, code=polled.code),)
                return _answered(item, tuple(found), now)
