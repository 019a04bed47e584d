"""Waves, approvals, quota."""

from datetime import UTC
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from migrator import leads
from tracker.api import pages, serializers
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NotHere
from tracker.api.pages import Parameter, words
from tracker.quota import lead_times
from tracker.quota import queries as quota
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs import forecast, wave_facts
from tracker.runs import queries as runs
from tracker.runs.queries import database_now
from tracker.waves import actions as wave_actions
from tracker.waves import queries as waves
from tracker.waves.models import Approval

SUBSCRIPTION = Parameter("subscription", "Id of a subscription.")
REGION = Parameter("region", "A region.")
WAVE = Parameter("wave", "Id of a wave.", kind="number")
UNIT = Parameter("unit", "Id of a unit.", kind="number")


class Waves(Endpoint):
    name, tag, about, listed = "waves", "waves", "Waves, by id.", True
    answer = serializers.WAVE

    def get(self, request: Request) -> HttpResponse:
        return self.listing(*pages.keyset(waves.waves(), self.name, {"id": int}, self.asked))


class OneWave(Endpoint):
    name, tag, about = "wave", "waves", "One wave with its units, windows, gates and approval."
    answer = serializers.WAVE_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        wave: Any = waves.waves().filter(pk=pk).first()
        if wave is None:
            raise NotHere(f"There is no wave {pk}.")
        now = database_now()
        newest = runs.of_wave(wave)
        wave.placed = list(waves.placements(wave))
        for placement in wave.placed:
            run = newest.get(placement.unit_id)
            placement.run_id = run.pk if run else None
        wave.its_windows = list(wave.windows.all())
        wave.its_approval = waves.approvals(now).filter(wave=wave, kind=Approval.Kind.WAVE, voided_at=None).first()
        wave.quota = waves.quota_lines([wave])[wave.pk]
        wave.forecast = forecast.forecast(wave.pk, now)
        wave.standing = wave_facts.standing(wave, now=now, zone=UTC)
        return self.one(wave)


class Approvals(Endpoint):
    name, tag, about, listed = "approvals", "waves", "Approvals, the newest first.", True
    answer = serializers.APPROVAL
    parameters = (
        Parameter("kind", "Of a wave, or of a commit.", of=words(Approval.Kind)),
        Parameter("state", "Its state.", of=words(waves.ApprovalState)),
        WAVE,
    )

    def get(self, request: Request) -> HttpResponse:
        rows = waves.approvals(database_now()).filter(
            **{name: self.asked[name] for name in ("kind", "state", "wave") if name in self.asked}
        )
        return self.listing(*pages.keyset(rows, self.name, {"-id": int}, self.asked))


class OneApproval(Endpoint):
    name, tag, about = "approval", "waves", "One approval, with what its approvers were shown."
    answer = serializers.APPROVAL_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        now = database_now()
        found = waves.approvals(now).defer(None).filter(pk=pk).first()
        if found is None:
            raise NotHere(f"There is no approval {pk}.")
        if request.method == "GET":
            wave_actions.viewed(found, by=request.user, now=now)
        return self.one(found)


class Usages(Endpoint):
    name, tag, about, listed = "quota_usages", "quota", "Limits and what is in use, as last read.", True
    answer = serializers.USAGE
    parameters = (SUBSCRIPTION, REGION)

    def get(self, request: Request) -> HttpResponse:
        rows = Usage.objects.filter(
            **{name: self.asked[name] for name in ("subscription", "region") if name in self.asked}
        )
        return self.listing(*pages.keyset(rows, self.name, {"id": int}, self.asked))


class Matrix(Endpoint):
    name, tag, about, listed = (
        "quota_matrix",
        "quota",
        "Region and family: have, in use, reserved, planned, short.",
        True,
    )
    answer = serializers.QUOTA_ROW
    parameters = (SUBSCRIPTION, Parameter("short", "yes: only what is short, or cannot be told.", kind="yes-no"))

    def get(self, request: Request) -> HttpResponse:
        rows = quota.matrix(subscription=self.asked.get("subscription", ""), short_only=self.asked.get("short", False))
        return self.listing(
            *pages.sliced(
                rows,
                self.name,
                lambda row: "|".join((row.subscription.pk, row.region, row.provider, row.name)),
                self.asked,
            )
        )


class LeadTimes(Endpoint):
    name, tag, about, listed = (
        "quota_lead_times",
        "quota",
        "How long requests to raise limits usually took here, by region and limit.",
        True,
    )
    answer = serializers.LEAD_TIME
    parameters = (REGION,)

    def get(self, request: Request) -> HttpResponse:
        place = self.asked.get("region", "").replace(" ", "").lower()
        rows = [
            row
            for row in leads.table(lead_times.granted())
            if not place or row.region.replace(" ", "").lower() == place
        ]
        return self.listing(*pages.sliced(rows, self.name, lambda row: f"{row.region}|{row.name}", self.asked))


class Requests(Endpoint):
    name, tag, about, listed = "quota_requests", "quota", "Requests to raise limits, the newest first.", True
    answer = serializers.QUOTA_REQUEST
    parameters = (SUBSCRIPTION, REGION, Parameter("state", "Its state.", of=words(QuotaRequest.State)))

    def get(self, request: Request) -> HttpResponse:
        chosen = {name: self.asked[name] for name in ("subscription", "region", "state") if name in self.asked}
        return self.listing(*pages.keyset(quota.requests().filter(**chosen), self.name, {"-id": int}, self.asked))
