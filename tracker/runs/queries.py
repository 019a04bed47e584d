"""What the pages and the engine ask about runs. Reads only."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    ExpressionWrapper,
    F,
    Max,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Extract

from migrator.lifecycle import LIVE_OPERATION, GateName, OperationState, State, asked_verbs, gates_of
from migrator.resources import Verb
from tracker.inventory.models import Unit
from tracker.runs import gates, seals
from tracker.runs.gates import Facts, Gate
from tracker.runs.models import Ask, AskVerb, Attempt, Operation, Purpose, Run
from tracker.runs.waiting import PARKED, PAUSED
from tracker.waves import queries as waves
from tracker.waves.models import Approval, Freeze, Wave
from tracker.waves.queries import ApprovalState

Clock = Callable[[], datetime]


def database_now() -> datetime:
    """The database's time: leases, due times and windows know no other clock (reliability-notes 4.1, rule 7)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def live_run(unit: Unit) -> Run | None:
    return Run.objects.filter(unit=unit, ended_at__isnull=True).select_related("wave", "unit").first()


def live_operation(run: Run) -> Operation | None:
    return Operation.objects.filter(run=run, state__in=LIVE_OPERATION).first()


def pending_ask(run: Run) -> Ask | None:
    """The oldest wish that no operation answers yet."""
    return (
        Ask.objects.filter(
            run=run,
            verb__in=[AskVerb.VALIDATE, AskVerb.PREPARE, AskVerb.COMMIT, AskVerb.ABORT, AskVerb.RETRY],
            operations__isnull=True,
        )
        .order_by("id")
        .first()
    )


ARMING_IDLE = 5  # seconds; between two statements of an arming lie milliseconds


def lock_for_arming(run: Run, operation: Operation) -> None:
    """Take the locks of an arming in the one order used everywhere: freeze (share), wave (share), run, operation;
    approvals and budget follow. Refreshes both objects.

    The wave: a line that is stopped, and a window that is changed, hold for every arming from then on. Whoever falls
    asleep here holds up a freeze: after `ARMING_IDLE` seconds without a word PostgreSQL ends it, and nothing was armed.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{ARMING_IDLE}s'")
        cursor.execute("SELECT 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE")
        cursor.execute("SELECT 1 FROM tracker_wave WHERE id = %s FOR SHARE", [run.wave_id])
    Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
    fence = run.fence
    run.refresh_from_db()
    run.fence = fence  # ours, as claimed; `fence()` compares it with the row
    operation.refresh_from_db()


def armed() -> None:
    """The end of what `lock_for_arming` began: a transaction around it may be silent again."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout TO DEFAULT")


def lifted_at(run: Run, verb: Verb, now: datetime) -> datetime | None:
    """When the last freeze that stopped this verb of this run was lifted, if that was within the hour."""
    return lifted_for(waves.scopes(run.unit.subscription_id, verb, region=run.unit.region, wave=run.wave_id), now)


def lifted_for(scopes: list[str], now: datetime) -> datetime | None:
    """When the last freeze of one of these scopes was lifted, if that was within the hour."""
    return Freeze.objects.filter(frozen=False, scope__in=scopes, changed_at__gt=now - timedelta(hours=1)).aggregate(
        at=Max("changed_at")
    )["at"]


def last_operation(run: Run, verb: str | None = None) -> Operation | None:
    rows = Operation.objects.filter(run=run)
    return (rows.filter(verb=verb) if verb else rows).order_by("-created_at").first()


def in_flight(subscription_id: str) -> int:
    """Operations of a subscription that are being polled: poll intervals stretch with it (engine.md, Pace)."""
    return Operation.objects.filter(
        state__in=[OperationState.POLLING, OperationState.UNKNOWN], run__unit__subscription_id=subscription_id
    ).count()


def why_not(
    run: Run,
    verb: Verb,
    now: datetime,
    *,
    known: Facts | None = None,
    approvals: tuple[Approval | None, Approval | None] | None = None,
) -> tuple[str, str] | None:
    """The one reason why this verb may not be armed now, as (code, sentence), or None. The same answer serves the page,
    the API and the engine; the arming transaction asks again under its locks. `known`, `approvals` (of the wave, of
    the commit): what a page has read already.
    """
    known = known or gates.facts(run)
    judged: dict[GateName, Callable[[], Gate]] = {
        GateName.STOPPING: lambda: gates.stopping(run, verb, known),
        GateName.WINDOW: lambda: gates.window(run, verb, known, now),
        GateName.ORDER: lambda: gates.order(run, verb),
        GateName.OBSERVED: lambda: gates.observed(run),
        GateName.DIFFERENCES: lambda: gates.differences(known),
        GateName.QUOTA: lambda: gates.quota(known),
        GateName.FITS: lambda: gates.fits(run, verb, known, now),
        GateName.WAVE_APPROVAL: lambda: gates.wave_approval(
            run, approvals[0] if approvals else waves.open_wave_approval(run.wave), now
        ),
        GateName.COMMIT_APPROVAL: lambda: gates.commit_approval(
            run, approvals[1] if approvals else waves.open_commit_approval(run.pk), now
        ),
    }
    armed = run.commit_armed_at is not None
    return gates.first_closed(judged[name]() for name in gates_of(verb, commit_armed=armed))


def commit_gates(run: Run, now: datetime) -> list[Gate]:
    """Every lock of a commit with its state and sentence; all are green when, and only when, `why_not` is None."""
    return gates.commit_gates(run, gates.facts(run), waves.open_commit_approval(run.pk), now)


def commit_sent(run: Run) -> str:
    """Why nobody is asked about the commit any more; empty before it was sent."""
    if run.commit_armed_at is None:
        return ""
    return f"Commit was sent {run.commit_armed_at:%Y-%m-%d %H:%M:%S} UTC; nobody is asked about it any more."


def commit_request_refused(run: Run, now: datetime) -> str:
    """Why no new approval of this commit can be asked for; empty while none is open that still serves."""
    if sent := commit_sent(run):
        return sent
    if run.purpose == Purpose.REHEARSAL:
        return gates.REHEARSAL
    approval = waves.open_commit_approval(run.pk)
    if approval is None:
        return ""
    return standing_approval(waves.approval_state(approval, now), bool(seals.commit_drift(approval, run)))


def standing_approval(state: ApprovalState | None, moved: bool) -> str:
    """The sentence that refuses to replace an open approval; empty when it is of no use any more. `moved`: what it
    seals is no longer so."""
    if moved:
        return ""
    if state is ApprovalState.PENDING:
        return "It was asked for and waits for another person."
    return "It is approved." if state is ApprovalState.APPROVED else ""


def askable(run: Run, now: datetime) -> dict[str, str]:
    """Every wish a person can have of this run, with the reason why it cannot be had now; an empty reason means: go."""
    return wishes(
        run,
        live=live_operation(run),
        waiting=pending_ask(run),
        last=last_operation(run),
        refused=lambda verb: why_not(run, verb, now),
    )


def wishes(
    run: Run,
    *,
    live: Operation | None,
    waiting: Ask | None,
    last: Operation | None,
    refused: Callable[[Verb], tuple[str, str] | None],
) -> dict[str, str]:
    """`askable` from what was read already. `refused` is asked only where nothing else stands against the verb."""
    answers: dict[str, str] = {}
    for verb in Verb:
        if run.ended_at is not None:
            answers[verb] = f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome})."
        elif verb not in asked_verbs(State(run.state), commit_armed=run.commit_armed_at is not None):
            answers[verb] = _never(run, verb)
        elif verb is Verb.COMMIT and run.purpose == Purpose.REHEARSAL:
            answers[verb] = gates.REHEARSAL
        elif live is not None:
            answers[verb] = f"{live.verb.capitalize()} is {live.state}; one operation at a time."
        elif waiting is not None:
            answers[verb] = f"{waiting.verb.capitalize()} was asked for and is about to start."
        else:
            reason = refused(verb)
            answers[verb] = reason[1] if reason and reason[0] not in PARKED else ""
    answers["retry"] = _no_retry(run, live, waiting, last)
    return answers | _controls(run, live, last)


def _no_retry(run: Run, live: Operation | None, waiting: Ask | None, last: Operation | None) -> str:
    if run.ended_at is not None:
        return f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome})."
    if live is not None:
        return f"{live.verb.capitalize()} is {live.state}; one operation at a time."
    if waiting is not None:
        return f"{waiting.verb.capitalize()} was asked for and is about to start."
    return "" if last is not None and last.state in ("failed", "operator") else "Nothing has failed."


def prepare_unsettled(last: Operation | None) -> str:
    """Why a run cannot be cancelled though nothing is under way: a Prepare was sent, and its fate needs a person.
    `last`: the run's last operation."""
    if last is None or last.verb != Verb.PREPARE or last.state != OperationState.OPERATOR or not last.sends:
        return ""
    at = f" {last.armed_at:%Y-%m-%d %H:%M:%S} UTC" if last.armed_at else ""
    return f"Prepare was sent{at}, and what became of it is not known; try it again, which looks first."


def _controls(run: Run, live: Operation | None, last: Operation | None) -> dict[str, str]:
    """Hold, resume, cancel: the same rules `actions.ask` goes by."""
    if run.ended_at is not None:
        ended = f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome})."
        return {"hold": ended, "resume": ended, "cancel": ended}
    cancel = ""
    if run.state not in (State.PLANNED, State.VALIDATED):
        cancel = f"The unit is {run.state}; a run can be cancelled only before Prepare. Abort is the way back."
    elif live is not None and live.verb == Verb.PREPARE and live.sends > 0:
        at = f" {live.armed_at:%Y-%m-%d %H:%M:%S} UTC" if live.armed_at else ""
        cancel = f"Prepare was sent{at}; it cannot be cancelled any more."
    elif live is not None and live.state not in (OperationState.READY, OperationState.HELD):
        cancel = f"{live.verb.capitalize()} is under way; wait for its end."
    elif live is None:
        cancel = prepare_unsettled(last)
    held = run.held_at is not None
    return {
        "hold": "The run is already on hold." if held else "",
        "resume": "" if held else "The run is not on hold.",
        "cancel": cancel,
    }


def _never(run: Run, verb: Verb) -> str:
    if verb is Verb.ABORT and run.commit_armed_at is not None:
        return "Commit was attempted; Azure refuses Abort from then on. Only forward."
    return f"The unit is {run.state}; {verb.value} does not follow from there."


def runs(**filters: Any) -> QuerySet[Run]:
    """Runs for the list: what needs a person first, then the newest."""
    return (
        Run.objects.filter(**filters)
        .select_related("unit__subscription", "wave")
        .annotate(open_attention=Q(attention__gt=""))
        .order_by("-open_attention", F("ended_at").desc(nulls_first=True), "-started_at")
    )


class Standing(StrEnum):
    """Where a run stands in the list: what needs a person first, what is over last."""

    ATTENTION = "attention"
    DOUBT = "doubt"  # nobody knows whether something arrived; being read
    WAITING = "waiting"  # for a person, a window, a freeze, a budget; the reason is in `waiting_for`
    MOVING = "moving"
    ENDED = "ended"


def listed() -> QuerySet[Run]:
    """Runs with `.standing` (a Standing) and `.place`, a number to order by: by standing, then what has waited
    longest, and of what ended the newest first."""
    standing = Case(
        When(ended_at__isnull=False, then=Value(Standing.ENDED.value)),
        When(attention__gt="", then=Value(Standing.ATTENTION.value)),
        When(unknown_since__isnull=False, then=Value(Standing.DOUBT.value)),
        When(
            Q(due_at__isnull=True) | Q(held_at__isnull=False) | Q(waiting_code__in=PAUSED),
            then=Value(Standing.WAITING.value),
        ),
        default=Value(Standing.MOVING.value),
        output_field=CharField(),
    )
    step = 10**10
    big = BigIntegerField()
    order = [When(standing=each.value, then=Value(index * step, big)) for index, each in enumerate(Standing)]
    seconds = Cast(Extract(Coalesce("ended_at", "started_at"), "epoch"), big)
    within = Case(When(ended_at__isnull=False, then=Value(step - 1, big) - seconds), default=seconds, output_field=big)
    return (
        Run.objects.select_related("unit__subscription", "wave")
        .annotate(standing=standing)
        .annotate(place=ExpressionWrapper(Case(*order, output_field=big) + within, big))
    )


def of_wave(wave: Wave) -> dict[int, Run]:
    """The newest run of every unit of a wave, by unit."""
    rows = Run.objects.filter(wave=wave).order_by("unit_id", "-started_at").distinct("unit_id").select_related("unit")
    return {run.unit_id: run for run in rows}


def stream(run: Run) -> dict[str, Any]:
    """Everything a run page shows, in five queries."""
    operations = list(run.operations.order_by("created_at"))
    attempts: dict[Any, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(operation__run=run).order_by("number"):
        attempts.setdefault(attempt.operation_id, []).append(attempt)
    return {
        "operations": [(operation, attempts.get(operation.pk, [])) for operation in operations],
        "asks": list(run.asks.order_by("at")),
        "transitions": list(run.transitions.order_by("id")),
    }


def overdue(now: datetime) -> QuerySet[Run]:
    return Run.objects.filter(due_at__lte=now, ended_at__isnull=True).order_by("due_at")


def counts() -> dict[str, int]:
    """Live runs by state, with those that need a person."""
    rows = (
        Run.objects.filter(ended_at__isnull=True)
        .values("state")
        .annotate(n=Count("id"), a=Count("id", Q(attention__gt="")))
    )
    answer = {row["state"]: row["n"] for row in rows}
    answer["attention"] = sum(row["a"] for row in rows)
    return answer
