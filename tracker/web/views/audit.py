"""The history: its table, one event with its place in the chain, exports, and how an outsider checks them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts import queries as account_queries
from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit import csv_cells, export, export_parts, queries, registry
from tracker.audit.actions import KeyChanged, LogDamaged, vkey
from tracker.audit.models import Event
from tracker.web import lists, live

# What each slice of the registry is called on the page; a test holds it against the registry.
SLICES = {
    "account": "Accounts",
    "access": "Refusals",
    "evidence": "Evidence looked at",
    "inventory": "Inventory",
    "subscription": "Subscriptions",
    "connection": "Connections to Azure",
    "readiness": "Readiness",
    "quota": "Quota",
    "wave": "Waves",
    "approval": "Approvals",
    "freeze": "Freezes",
    "lock": "Locks",
    "run": "Runs",
    "validation": "Validate of many units",
    "operation": "Operations",
    "settings": "Captured settings",
    "comparison": "Comparisons",
    "difference": "Differences",
    "followup": "Follow-ups",
    "fix": "Fixes",
    "drift": "Somebody else's hand",
    "epoch": "Another database",
    "invariant": "What can never be so",
    "export": "Exports",
    "audit": "The history itself",
    "command": "Commands",
}
ACTORS = {"user": "People", "system": "The engine and the clock", "command": "Commands on the server"}
COLUMN_WORDS = {
    "place": "Place in the history",
    "at": "Time (UTC)",
    "type": "Type",
    "actor": "Actor",
    "actor_name": "Actor's name",
    "object_kind": "Object kind",
    "object_id": "Object id",
    "result": "Result",
    "sentence": "Sentence (slower)",
    "detail": "Detail (JSON)",
    "id": "Event id",
}
FIELDS = ("type", "actor", "kind", "object", "result", "since", "until", "q")
LONGEST = 400
PAGES = {
    "wave": "wave",
    "run": "run",
    "approval": "approval",
    "followup": "follow_up",
    "fix": "fix",
    "rule": "rule",
    "waiver": "waiver",
}


@dataclass(frozen=True)
class Asked:
    """The filters of a URL: as typed, and as the history understands them. `problem`: what cannot be understood."""

    typed: dict[str, str]
    types: list[str]
    filters: queries.Filters = field(default_factory=queries.Filters)
    problem: str = ""

    @property
    def query(self) -> str:
        """The same filters as a query string."""
        pairs = [("type", name) for name in self.types]
        return urlencode(pairs + [(name, self.typed[name]) for name in FIELDS[1:] if self.typed[name]])


def asked(given: QueryDict) -> Asked:
    """Reads the filters; never raises."""
    typed = {name: given.get(name, "")[:LONGEST].strip() for name in FIELDS[1:]}
    types = [name for name in dict.fromkeys(value.strip()[:80] for value in given.getlist("type")) if name]
    try:
        filters = queries.Filters(
            types=tuple(types),
            actor=typed["actor"],
            object_kind=typed["kind"],
            object_id=typed["object"],
            result=typed["result"],
            since=_moment(typed["since"], "From"),
            until=_moment(typed["until"], "Until"),
            text=typed["q"],
        )
        if filters.since and filters.until and filters.until <= filters.since:
            raise queries.BadFilter("“Until” is not after “From”, so nothing can lie between them.")
    except queries.BadFilter as error:
        return Asked(typed, types, problem=str(error))
    return Asked(typed, types, filters)


def _moment(text: str, name: str) -> datetime | None:
    """A time as a browser's field or a person writes it; without a zone, in the site's zone. Raises BadFilter."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else timezone.make_aware(at)
        if 1970 <= at.astimezone(UTC).year <= 9998:
            return at
    except (ValueError, OverflowError):
        pass
    raise queries.BadFilter(f"“{name}” is {text[:60]!r}, which is no time; write it like 2026-11-22T19:00.")


@require(Permission.READ)
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """The table, newest first."""
    user: User = request.user  # type: ignore[assignment]
    wanted = asked(request.GET)
    cursor, lost = _cursor(request.GET.get("cursor", ""))
    found = queries.Page([], None)
    if not wanted.problem:
        restricted = account_queries.sees_restricted(user)
        found = queries.events(wanted.filters, before=cursor, restricted=restricted)
    here = lists.address(request.GET)
    joint = "" if here == "?" else "&"
    page = lists.Page(
        found.entries, f"{here}{joint}cursor={found.before}" if found.before else "", here if cursor else "", "", lost
    )
    facets = _facets(request)
    said = {
        "page": page,
        "wanted": wanted,
        "facets": facets,
        "applied": [*lists.applied(facets), *_typed_filters(request, wanted)],
        "plain_filter": [name for name in ("kind", "object", "since", "until") if wanted.typed[name]],
        "kinds": OBJECT_KINDS,
        "zone": timezone.get_current_timezone_name(),
        **_integrity(),
    }
    return render(request, "audit/list.html", said, status=400 if wanted.problem else 200)


OBJECT_KINDS = (
    "account", "approval", "checkpoint", "command", "export", "followup", "freeze", "history", "page", "resource",
    "run", "subscription", "unit", "validation", "wave",
)  # fmt: skip


def _cursor(text: str) -> tuple[UUID | None, bool]:
    """(the event to go on after, whether the address was cut)."""
    try:
        return (UUID(text) if text else None), False
    except ValueError:
        return None, True


def _facets(request: HttpRequest) -> list[lists.Facet]:
    def one_of(name: str, title: str, choices: dict[str, str], chip: str = "") -> lists.Facet:
        now = request.GET.get(name, "")
        options = []
        for value, label in choices.items():
            url = lists.address(request.GET, **{name: None if value == now else value})
            options.append(lists.Option(label, url, None, value == now, chip, value))
        return lists.Facet(title, options)

    exact = [name for name in request.GET.getlist("type") if name in registry.TYPES]
    choices = [(name, label, None) for name, label in SLICES.items()]
    choices += [(name, registry.TYPES[name].label, None) for name in dict.fromkeys(exact)]
    return [
        one_of("result", "Result", {"done": "Done", "denied": "Denied", "failed": "Failed"}, chip="event"),
        one_of("actor", "Who", ACTORS),
        lists.facet(request, "type", "What", choices),
    ]


def _typed_filters(request: HttpRequest, wanted: Asked) -> list[tuple[str, lists.Option]]:
    """What was chosen by other means than a facet, each with the address that takes it off."""
    words = {"kind": "Object", "object": "Object id", "since": "From", "until": "Until", "q": "Text"}
    typed = {name: wanted.typed[name] for name in words if wanted.typed[name]}
    if wanted.typed["actor"] and wanted.typed["actor"] not in ACTORS:
        typed, words = typed | {"actor": wanted.typed["actor"]}, words | {"actor": "Who"}
    return [
        (words[name], lists.Option(value, lists.address(request.GET, **{name: None}), None, True, "", value))
        for name, value in typed.items()
    ]


def _integrity() -> dict[str, Any]:
    """The panel, and the tag under which a browser knows it."""
    now = timezone.now()
    proof = queries.integrity(now)
    signed = proof.signed.size if proof.signed else 0
    stuck = proof.oldest_pending is not None and proof.oldest_pending.total_seconds() > 120
    tag = live.etag(proof.sequenced, proof.pending, signed, proof.verified_at, proof.problem, stuck)
    return {"proof": proof, "stuck": stuck, "total": proof.sequenced + proof.pending, "live_etag": tag}


@require(Permission.READ)
@require_safe
def integrity(request: HttpRequest) -> HttpResponse:
    """The panel alone, asked for again while the page is open."""
    said = _integrity()
    tag = said.pop("live_etag")
    return live.unchanged(request, tag) or live.fragment(request, "audit/_integrity.html", said, tag)


@require(Permission.READ)
@require_safe
def event(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """One event: what it says, what it commits to, and its place in the chain."""
    user: User = request.user  # type: ignore[assignment]
    try:
        place = queries.event(event_id, restricted=account_queries.sees_restricted(user))
    except Event.DoesNotExist:
        raise Http404(f"There is no event {event_id}.") from None
    entry = place.entry
    return render(
        request,
        "audit/event.html",
        {
            "place": place,
            "entry": entry,
            "number": None if place.seq is None else place.seq + 1,
            "rows": [_row(name, value) for name, value in entry.detail.items()],
            "private": list(entry.private.items()),
            "object_url": _object_url(entry),
            "same_object": f"?{urlencode({'kind': entry.object_kind, 'object': entry.object_id})}",
            "same_actor": f"?{urlencode({'actor': entry.actor})}",
            "root": bytes(place.checkpoint.root).hex() if place.checkpoint else "",
        },
    )


def _row(name: str, value: Any) -> tuple[str, str, bool]:
    """(name in words, value, whether it is a block of its own)."""
    words = name.replace("_", " ")
    if isinstance(value, (dict, list)):
        if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value) and len(value) <= 6:
            return words, ", ".join(map(str, value)) or "none", False
        return words, json.dumps(value, indent=2, ensure_ascii=False), True
    return words, f"{value:,}" if isinstance(value, int) else value, False


def _object_url(entry: queries.Entry) -> str:
    """The page of what the event is about, if it has one."""
    try:
        if entry.object_kind in ("unit", "resource"):
            return f"{reverse('search')}?{urlencode({'q': entry.object_id})}"
        if entry.object_kind == "page":
            return entry.object_id if entry.object_id.startswith("/") and entry.object_id[1:2] != "/" else ""
        return reverse(PAGES[entry.object_kind], args=[entry.object_id])
    except (NoReverseMatch, KeyError):
        return ""


# --- exports and proof ------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def export_form(request: HttpRequest) -> HttpResponse:
    """Everybody sees what an export is and how to check one; auditors can make one."""
    return _export_page(request, asked(request.GET))


def _export_page(
    request: HttpRequest, wanted: Asked, *, problem: str = "", status: int = 200, given: QueryDict | None = None
) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    may = user.may(Permission.EXPORT_AUDIT)
    chosen = given.getlist("columns") if given is not None else list(csv_cells.USUAL)
    kind = given.get("format", "bundle") if given is not None else "bundle"
    said = {
        "wanted": wanted,
        "problem": problem or wanted.problem,
        "why_not": "" if may else f"You may not export the audit history. {_whom()}",
        "columns": [(name, COLUMN_WORDS[name], name in chosen) for name in csv_cells.COLUMNS],
        "chosen_format": kind if kind in export.FORMATS else "bundle",
        "types": [
            (name, [(t.name, t.label) for t in registry.TYPES.values() if t.name.startswith(f"{name}.")], label)
            for name, label in SLICES.items()
        ],
        "actors": ACTORS,
        "kinds": OBJECT_KINDS,
        **_exports(),
        "verifier_key": vkey(),
        "command": f"python3 verify_audit.py \\\n  '{vkey()}' \\\n  events-….zip",
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "audit/export.html", said, status=status)


def _whom() -> str:
    return account_queries.whom_to_ask(Permission.EXPORT_AUDIT)


def _exports() -> dict[str, Any]:
    """The last exports, newest first, each as its newest event tells."""
    entries = queries.events(queries.Filters(types=("export",)), limit=30).entries
    newest: dict[str, queries.Entry] = {}
    begun: dict[str, queries.Entry] = {}
    for entry in entries:
        newest.setdefault(entry.object_id, entry)
        if entry.type == "export.started":
            begun[entry.object_id] = entry
    shown = [
        {"id": identity, "last": last, "begun": begun[identity], "running": last.type == "export.started"}
        for identity, last in newest.items()
        if identity in begun
    ][:8]
    return {"exports": shown, "live_etag": live.etag(entries[0].id if entries else "", len(shown))}


@require(Permission.READ)
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """The list of exports alone, asked for again while the page is open: it shows when a download has ended."""
    said = _exports()
    tag = said.pop("live_etag")
    return live.unchanged(request, tag) or live.fragment(request, "audit/_exports.html", said, tag)


@require(Permission.EXPORT_AUDIT)
@require_POST
def export_download(request: HttpRequest) -> HttpResponseBase:
    """Makes the export and sends it as it grows. What it covers is committed, sequenced and signed before the first
    byte (`export.stream`)."""
    user: User = request.user  # type: ignore[assignment]
    wanted = asked(request.POST)
    if wanted.problem:
        return _export_page(request, wanted, status=400, given=request.POST)
    kind = request.POST.get("format", "")
    columns = list(dict.fromkeys(request.POST.getlist("columns"))) if kind == "csv" else []
    if kind == "csv" and not columns:
        return _export_page(
            request, wanted, problem="Choose at least one column. Nothing was exported.", status=400, given=request.POST
        )
    try:
        made = export.stream(
            wanted.filters,
            columns,
            kind,
            by=user.actor,
            now=export.database_now(),
            restricted=account_queries.sees_restricted(user),
        )
    except export.BadExport as error:
        return _export_page(request, wanted, problem=f"{error} Nothing was exported.", status=400, given=request.POST)
    except (export.ExportBusy, LogDamaged, KeyChanged) as error:
        return _export_page(request, wanted, problem=str(error), status=409, given=request.POST)
    return _attached(StreamingHttpResponse(made, content_type=made.content_type), made.filename)


@require(Permission.READ)
@require_safe
def verifier(request: HttpRequest) -> HttpResponseBase:
    """The script that checks an export: the same file that every bundle carries."""
    content = export_parts.VERIFIER.read_bytes()
    return _attached(HttpResponse(content, content_type="text/x-python; charset=utf-8"), "verify_audit.py")


@require(Permission.READ)
@require_safe
def checkpoints(request: HttpRequest) -> HttpResponseBase:
    """Signed checkpoints to keep elsewhere: each is a witness that nothing before it was rewritten."""
    content = export_parts.checkpoints_text()
    return _attached(HttpResponse(content, content_type="text/plain; charset=utf-8"), "checkpoints.txt")


def _attached(answer: HttpResponseBase, name: str) -> HttpResponseBase:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
