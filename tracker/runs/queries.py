"""What the pages and the engine ask about runs. Reads only."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from migrator.lifecycle import ASKABLE, LIVE_OPERATION, OperationState, State
from migrator.resources import Verb
from tracker.inventory.models import Unit
from tracker.runs import seals
from tracker.runs.models import Ask, AskVerb, Attempt, Operation, Run
from tracker.waves import queries as waves
from tracker.waves.models import Wave

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


def lock_for_arming(run: Run, operation: Operation) -> None:
    """Take the locks of an arming in the one order used everywhere: freeze (share), run, operation; approvals and
    budget follow.
    Refreshes both objects."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE")
    Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
    fence = run.fence
    run.refresh_from_db()
    run.fence = fence  # ours, as claimed; `fence()` compares it with the row
    operation.refresh_from_db()


def last_operation(run: Run, verb: str | None = None) -> Operation | None:
    rows = Operation.objects.filter(run=run)
    return (rows.filter(verb=verb) if verb else rows).order_by("-created_at").first()


def in_flight(subscription_id: str) -> int:
    """Operations of a subscription that are being polled: poll intervals stretch with it (engine.md, Pace)."""
    return Operation.objects.filter(
        state__in=[OperationState.POLLING, OperationState.UNKNOWN], run__unit__subscription_id=subscription_id
    ).count()


def why_not(run: Run, verb: Verb, now: datetime) -> tuple[str, str] | None:
    """The one reason why this verb may not be armed now, as (code, sentence), or None. The same answer serves the page,
    the API
    and the engine; the arming transaction asks again under its locks."""
    freeze = waves.frozen(run.unit.subscription_id, verb)
    if freeze is not None:
        return "frozen", f"Frozen ({freeze.scope}): {freeze.reason}"
    if run.held_at is not None:
        return "held", "This run is on hold; resume it to go on."
    if run.wave.stopped_at is not None:
        return "stopped", f"The line of wave “{run.wave.name}” is stopped: {run.wave.stop_reason}"
    if verb in (Verb.VALIDATE, Verb.ABORT):
        return None
    window = waves.open_window(run.wave, now)
    if window is None:
        coming = waves.next_window(run.wave, now)
        when = f"the next one opens {coming.opens_at:%Y-%m-%d %H:%M} UTC" if coming else "no window is planned"
        return "window-closed", f"The window of wave “{run.wave.name}” is closed; {when}."
    if verb is Verb.PREPARE:
        approval = waves.open_wave_approval(run.wave)
        state = waves.approval_state(approval, now) if approval else None
        if approval is None or state is not waves.ApprovalState.APPROVED:
            return "wave-not-approved", f"Wave “{run.wave.name}” is {state or 'not submitted'}; it has to be approved."
        drift = waves.wave_drift(approval, run.unit)
        if drift:
            return "approval-stale", f"The approval of the wave no longer matches: {'; '.join(drift[:3])}"
        return None
    if run.commit_armed_at is not None:
        return None  # the irreversible decision was taken (reliability-notes 4.1, rule 9)
    return _why_no_commit(run, now)


def _why_no_commit(run: Run, now: datetime) -> tuple[str, str] | None:
    open_ends = run.differences.filter(kind__in=["unexpected", "unread"], disposed_at__isnull=True).count()
    if open_ends:
        return "differences-open", f"{open_ends} unexpected differences wait for a disposition."
    approval = waves.open_commit_approval(run.pk)
    state = waves.approval_state(approval, now) if approval else None
    if approval is None:
        return "commit-not-asked", "Nobody has asked for the approval of this commit yet."
    if state is not waves.ApprovalState.APPROVED:
        return "commit-not-approved", f"The approval of this commit is {state}."
    drift = seals.commit_drift(approval, run)
    if drift:
        return "approval-stale", f"The approval no longer matches: {'; '.join(drift[:3])}"
    return None


def askable(run: Run, now: datetime) -> dict[str, str]:
    """Every wish a person can have of this run, with the reason why it cannot be had now; an empty reason means: go."""
    live = live_operation(run)
    waiting = pending_ask(run)
    last = last_operation(run)
    answers: dict[str, str] = {}
    for verb in Verb:
        if run.ended_at is not None:
            answers[verb] = f"The run ended {run.ended_at:%Y-%m-%d %H:%M} UTC ({run.outcome})."
        elif verb not in ASKABLE.get(State(run.state), frozenset()):
            answers[verb] = _never(run, verb)
        elif live is not None:
            answers[verb] = f"{live.verb.capitalize()} is {live.state}; one operation at a time."
        elif waiting is not None:
            answers[verb] = f"{waiting.verb.capitalize()} was asked for and is about to start."
        elif verb is Verb.ABORT and run.commit_armed_at is not None:
            answers[verb] = "Commit was attempted; Azure refuses Abort from then on. Only forward."
        else:
            reason = why_not(run, verb, now)
            answers[verb] = reason[1] if reason else ""
    can_retry = live is None and waiting is None and run.ended_at is None and last is not None
    answers["retry"] = "" if can_retry and last.state in ("failed", "operator") else "Nothing has failed."
    return answers


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
