"""Runs: operations, attempts, transitions, and what they wait for."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from migrator.lifecycle import State
from tracker.api import pages, serializers, serializers_locks
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NotHere
from tracker.api.pages import Parameter, words
from tracker.inventory.queries import ledger
from tracker.runs import queries as runs
from tracker.runs import rehearsals
from tracker.runs.models import Purpose, Run
from tracker.runs.watch_models import Drift


class Runs(Endpoint):
    name, tag, about, listed = "runs", "runs", "Runs, the newest first.", True
    answer = serializers.RUN
    parameters = (
        Parameter("unit", "Id of a unit.", kind="number"),
        Parameter("wave", "Id of a wave.", kind="number"),
        Parameter("state", "A state.", of=words(State), many=True),
        Parameter("outcome", "How it ended.", of=serializers.RUN_OUTCOMES),
        Parameter("purpose", "What it was asked for.", of=words(Purpose)),
        Parameter("live", "yes: only those that have not ended.", kind="yes-no"),
        Parameter("attention", "yes: only those a person should look at.", kind="yes-no"),
    )

    def get(self, request: Request) -> HttpResponse:
        rows = Run.objects.select_related("unit", "wave").defer("members")
        for name in ("unit", "wave", "outcome", "purpose"):
            if name in self.asked:
                rows = rows.filter(**{name: self.asked[name]})
        if "state" in self.asked:
            rows = rows.filter(state__in=self.asked["state"])
        if "live" in self.asked:
            rows = rows.filter(ended_at__isnull=self.asked["live"])
        if "attention" in self.asked:
            rows = rows.exclude(attention="") if self.asked["attention"] else rows.filter(attention="")
        return self.listing(*pages.keyset(rows, self.name, {"-id": UUID}, self.asked))


class Locks(Endpoint):
    name, tag, about, listed = "locks", "runs", "Locks of management planes, the newest first.", True
    answer = serializers_locks.LOCK
    parameters = (
        Parameter("unit", "Id of a unit.", kind="number"),
        Parameter("wave", "Id of a wave.", kind="number"),
        Parameter("held", "yes: only those that hold.", kind="yes-no"),
    )

    def get(self, request: Request) -> HttpResponse:
        columns = {"unit": "unit_id", "wave": "wave_id"}
        rows = ledger.locks().filter(**{c: self.asked[n] for n, c in columns.items() if n in self.asked})
        if "held" in self.asked:
            rows = rows.filter(closed_at__isnull=self.asked["held"])
        return self.listing(*pages.keyset(rows, self.name, {"-id": int}, self.asked))


def run_or_404(run_id: UUID) -> Any:
    found = Run.objects.select_related("unit", "wave", "comparison").filter(pk=run_id).first()
    if found is None:
        raise NotHere(f"There is no run {run_id}.")
    return found


class OneRun(Endpoint):
    name, tag, about = "run", "runs", "One run with everything that happened in it."
    answer = serializers.RUN_IN_FULL

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        run = run_or_404(pk)
        stream = runs.stream(run)
        run.its_operations, run.its_asks, run.its_transitions = (
            stream["operations"],
            stream["asks"],
            stream["transitions"],
        )
        run.its_comparison = getattr(run, "comparison", None)
        return self.one(run)


class Differences(Endpoint):
    name, tag, about, listed = "differences", "runs", "Rows of the comparison of a run.", True
    answer = serializers.DIFFERENCE
    parameters = (
        Parameter("kind", "What sort of difference.", of=serializers.DIFFERENCE_KINDS, many=True),
        Parameter("settled", "no: only those that wait for a person.", kind="yes-no"),
    )

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        run = run_or_404(pk)
        earlier = rehearsals.against(run)
        rows = run.differences.all()
        if "kind" in self.asked:
            rows = rows.filter(kind__in=self.asked["kind"])
        if "settled" in self.asked:
            rows = rows.filter(disposed_at__isnull=not self.asked["settled"])
        found, cursor = pages.keyset(rows, self.name, {"id": int}, self.asked)
        for row in found:
            row.rehearsal = None if earlier is None else earlier.mark(row.pk)
        return self.listing(found, cursor)


class Outside(Endpoint):
    name, tag, about, listed = "outside", "runs", "What Azure shows otherwise than it is held here.", True
    answer = serializers.DRIFT
    parameters = (
        Parameter("unit", "Id of a unit.", kind="number"),
        Parameter("kind", "How it differs.", of=serializers.DRIFT_KINDS, many=True),
        Parameter("open", "yes: only what is not over.", kind="yes-no"),
    )

    def get(self, request: Request) -> HttpResponse:
        rows = Drift.objects.all()
        if "unit" in self.asked:
            rows = rows.filter(unit=self.asked["unit"])
        if "kind" in self.asked:
            rows = rows.filter(kind__in=self.asked["kind"])
        if "open" in self.asked:
            rows = rows.filter(ended_at__isnull=self.asked["open"])
        return self.listing(*pages.keyset(rows, self.name, {"-id": int}, self.asked))
