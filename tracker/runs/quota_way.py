"""The facts of `migrator.quota_way` for one run: what Azure said of the missing quota, and what became of it since.
Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from migrator.gateway.protocol import ErrorClass
from migrator.lifecycle import State
from migrator.messages import QuotaNumbers, quota_numbers
from migrator.quota_way import Facts, Step, named, steps
from migrator.resources import Verb
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs.models import Operation, Run
from tracker.runs.story import Story


@dataclass(frozen=True, slots=True)
class Way:
    """The three steps, the numbers, and the row of usages and the request they are about (None where not known)."""

    steps: tuple[Step, Step, Step]
    numbers: QuotaNumbers
    usage: Usage | None
    request: QuotaRequest | None


def of(run: Run, told: Story) -> Way | None:
    """The way out for a run whose last Prepare was refused for want of quota; None for any other run. Two queries."""
    prepares = [each for each in told.operations if each.verb == Verb.PREPARE]
    failed = next((each for each in reversed(prepares) if _for_quota(each)), None)
    if failed is None or run.state in (State.PREPARED, State.COMMITTING, State.COMMITTED, State.VERIFIED, State.CLOSED):
        return None
    numbers = quota_numbers(failed.error["message"])
    if numbers is None:
        return None
    numbers = named(numbers, run.unit.region)
    since = failed.ended_at or failed.created_at
    usage = _usage(run, numbers.name)
    request = _request(run, usage.name if usage else numbers.name, since)
    live = told.live
    return Way(
        steps(
            Facts(
                numbers=numbers,
                locked=run.unit.locked_since is not None,
                aborting=live is not None and live.verb == Verb.ABORT,
                limit=usage.limit if usage else None,
                fresh=usage is not None and usage.read_at > since,
                request=request.state if request else "",
                request_total=request.limit_wanted if request else 0,
                words=(request.azure_message or request.azure_state) if request else "",
                again=prepares[-1] is not failed,
            )
        ),
        numbers,
        usage,
        request,
    )


def _for_quota(operation: Operation) -> bool:
    error = operation.error or {}
    return error.get("class") == ErrorClass.QUOTA and bool(error.get("message"))


def _usage(run: Run, name: str) -> Usage | None:
    rows = Usage.objects.filter(subscription_id=run.unit.subscription_id, region__iexact=run.unit.region)
    return rows.filter(name__iexact=name).first()


def _request(run: Run, name: str, since: datetime) -> QuotaRequest | None:
    """The newest one; what was decided before the refusal did not help, and is not the one that will."""
    rows = QuotaRequest.objects.filter(subscription_id=run.unit.subscription_id, region__iexact=run.unit.region)
    rows = rows.filter(Q(decided_at__isnull=True) | Q(decided_at__gt=since), name__iexact=name)
    return rows.order_by("-requested_at").first()
