"""Follow-ups: the list, also as a file; one, with its requests, also as texts for those who send them by hand."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from migrator.followups.ageing import BANDS
from tracker.api import pages, serializers, serializers_follow_ups
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NotHere
from tracker.api.pages import Parameter, words
from tracker.api.views.inventory import unit_or_404
from tracker.api.views.planning import UNIT, WAVE
from tracker.audit import tables
from tracker.followups import exporting, gaps, queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now

FILTERS = (
    Parameter("state", "Its state.", of=words(FollowUp.State)),
    Parameter("closed", "no: all that are not yet closed.", kind="yes-no"),
    Parameter("age", "How long it has not been closed.", of=tuple(band.id for band in BANDS)),
    Parameter("kind", "What has to be rebuilt."),
    WAVE,
    UNIT,
    Parameter("q", "Part of its title, its unit's name or its new target."),
)


def _narrowed(asked: Mapping[str, Any]) -> QuerySet[FollowUp]:
    rows = queries.listed(kind=asked.get("kind", ""), text=asked.get("q", ""))
    for name, column in (("state", "state"), ("wave", "unit__placement__wave_id"), ("unit", "unit_id")):
        if name in asked:
            rows = rows.filter(**{column: asked[name]})
    if "closed" in asked:
        rows = rows.filter(done=asked["closed"])
    return queries.of_ages(rows, {asked["age"]}, database_now()) if "age" in asked else rows


class FollowUps(Endpoint):
    name, tag, about, listed = "followups", "followups", "Follow-ups, by id.", True
    answer = serializers.FOLLOW_UP
    parameters = FILTERS

    def get(self, request: Request) -> HttpResponse:
        return self.listing(*pages.keyset(_narrowed(self.asked), self.name, {"id": int}, self.asked))


class Export(Endpoint):
    name, tag = "followups_export", "followups"
    about = "Follow-ups, all pages of them, as a file that streams. Secrets that were given are masked."
    media = tuple(kind.partition(";")[0] for kind in tables.FORMATS.values())
    parameters = (
        *FILTERS,
        Parameter("format", "csv (when left out) or jsonl: a JSON object a line.", of=tuple(tables.FORMATS)),
    )

    def get(self, request: Request) -> HttpResponseBase:
        kind = self.asked.get("format", "csv")
        if request.method == "HEAD":
            return HttpResponse(content_type=tables.FORMATS[kind])
        content = exporting.stream(_narrowed(self.asked).order_by("pk"), kind, database_now())
        answer = StreamingHttpResponse(content, content_type=tables.FORMATS[kind])
        answer["Content-Disposition"] = f'attachment; filename="follow-ups.{kind}"'
        answer["Cache-Control"] = "no-store"
        return answer


def _row(pk: int) -> Any:
    found = queries.listed().filter(pk=pk).first()
    if found is None:
        raise NotHere(f"There is no follow-up {pk}.")
    return found


class OneFollowUp(Endpoint):
    name, tag, about = "followup", "followups", "One follow-up, with what will be sent."
    answer = serializers.FOLLOW_UP_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = _row(pk)
        found.owed = queries.required(found)
        found.shown_requests = [queries.shown_request(found.owed, each) for each in found.owed.requests]
        return self.one(found)


class Captured(Endpoint):
    name, tag = "captured", "followups"
    about = "What was captured of a unit before its Prepare, what could not be read, and who went on without it."
    answer = serializers_follow_ups.CAPTURED

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.one(gaps.captured(unit_or_404(pk)))


class Snippets(Endpoint):
    name, tag = "followup_snippets", "followups"
    about = "The requests of a follow-up as Azure CLI and as Bicep, for those who send them by hand; without secrets."
    answer = serializers_follow_ups.SNIPPETS

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.one(queries.snippets(_row(pk)))
