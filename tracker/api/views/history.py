"""The audit history: events, one event with its place, checkpoints, export."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from tracker.accounts.permissions import Permission
from tracker.accounts.queries import sees_restricted
from tracker.api import pages, serializers
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NOTHING, BadParameter, NotHere, Problem
from tracker.api.pages import Parameter
from tracker.api.permissions import Requires
from tracker.audit import csv_cells, export, queries
from tracker.audit.actions import KeyChanged, LogDamaged
from tracker.audit.models import Checkpoint, Event

FILTERS = (
    Parameter("type", "A type such as wave.created, or a whole slice such as wave.", many=True),
    Parameter("actor", "An actor (user:p-…), or a kind: user, system, command."),
    Parameter("object_kind", "What it is about."),
    Parameter("object_id", "Which one."),
    Parameter("result", "How it ended.", of=("done", "denied", "failed")),
    Parameter("since", "This time or later.", kind="time"),
    Parameter("until", "Before this time.", kind="time"),
    Parameter("text", "Part of the object's id."),
)


def filters(asked: Mapping[str, Any]) -> queries.Filters:
    names = ("actor", "object_kind", "object_id", "result", "since", "until", "text")
    try:
        return queries.Filters(types=asked.get("type", ()), **{name: asked[name] for name in names if name in asked})
    except queries.BadFilter as error:
        raise BadParameter(str(error)) from error


class Events(Endpoint):
    name, tag, about, listed = "events", "audit", "Lines of the history, the newest first.", True
    answer = serializers.EVENT
    parameters = FILTERS

    def get(self, request: Request) -> HttpResponse:
        before = pages.opened(self.asked["cursor"], self.name, [UUID])[0] if "cursor" in self.asked else None
        found = queries.events(
            filters(self.asked),
            before=before,
            limit=self.asked.get("limit", pages.PAGE),
            restricted=sees_restricted(request.user),
        )
        return self.listing(found.entries, pages.written([self.name, found.before]) if found.before else None)


class OneEvent(Endpoint):
    name, tag, about = "event", "audit", "One line of the history and its place in the chain."
    answer = serializers.EVENT_IN_FULL

    def get(self, request: Request, pk: UUID) -> HttpResponse:
        try:
            return self.one(queries.event(pk, restricted=sees_restricted(request.user)))
        except Event.DoesNotExist:
            raise NotHere(f"There is no event {pk}.") from None


class Checkpoints(Endpoint):
    name, tag, about, listed = "checkpoints", "audit", "Signed checkpoints, the newest first.", True
    answer = serializers.CHECKPOINT

    def get(self, request: Request) -> HttpResponse:
        rows = Checkpoint.objects.exclude(note="").defer("frontier")
        return self.listing(*pages.keyset(rows, self.name, {"-size": int}, self.asked))


class Export(Endpoint):
    name, tag = "audit_export", "audit"
    about = "The history, or a part of it, as a file that streams. The export itself becomes a line of the history."
    permission = Requires(Permission.EXPORT_AUDIT)
    media = tuple(dict.fromkeys(kind.partition(";")[0] for kind, _ in export.FORMATS.values()))
    may_conflict = True
    parameters = (
        *FILTERS,
        Parameter(
            "format", "jsonl (the record; when left out), csv (a view), bundle (a ZIP that proves itself).",
            of=tuple(export.FORMATS),
        ),
        Parameter("columns", "Columns of a CSV, several times.", of=csv_cells.COLUMNS, many=True),
    )  # fmt: skip

    def get(self, request: Request) -> HttpResponseBase:
        kind, columns = self.asked.get("format", "jsonl"), self.asked.get("columns", ())
        if columns and kind != "csv":
            raise BadParameter(f"`columns` is for csv; the format is {kind}.")
        wanted = filters(self.asked)
        if request.method == "HEAD":
            return HttpResponse(content_type=export.FORMATS[kind][0])
        try:
            made = export.stream(
                wanted, columns, kind, by=request.user.actor, now=export.database_now(),
                restricted=sees_restricted(request.user),
            )  # fmt: skip
        except export.ExportBusy as error:
            raise Problem(409, "export-busy", "Another export is running", str(error), "Wait for its end.") from error
        except (LogDamaged, KeyChanged) as error:
            raise Problem(
                409, "history-damaged", "The history does not check out", f"{error} {NOTHING}",
                "Keep a copy of the database, and compare it with exports kept elsewhere.",
            ) from error  # fmt: skip
        answer = StreamingHttpResponse(made, content_type=made.content_type)
        answer["Content-Disposition"] = f'attachment; filename="{made.filename}"'
        answer["Cache-Control"] = "no-store"
        return answer
