"""Follow-ups: what the platform dropped, what will be sent to bring it back, and the probe that closes it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from migrator.followups import Kind, Question, RequiredFollowUp, Stage
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.audit import queries as audit
from tracker.followups import actions, queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.web import lists, live
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names
from tracker.web.views.runs import lists_text

State = FollowUp.State
SORTS = {"place": Sort("place"), "title": Sort("title"), "unit": Sort("unit__name")}
FIGURES = (
    ("Need an answer", (State.QUESTION,), "attention", "circle-question-mark"),
    ("To do by people", (State.TODO,), "attention", "hand"),
    ("Open", (State.OPEN,), "neutral", "circle"),
    ("Under way", (State.WANTED, State.APPLIED), "progress", "loader"),
    ("Failed", (State.FAILED,), "stop", "circle-x"),
    ("Closed", (State.CLOSED,), "good", "check-check"),
)
LONGEST_ANSWER = 2000


# --- the list ---------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def follow_ups(request: HttpRequest) -> HttpResponse:
    return render(request, "follow_ups/list.html", _list(request))


@require(Permission.READ)
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    context = _list(request)
    tag = context["live_etag"]
    return live.unchanged(request, tag) or live.fragment(request, "follow_ups/_rows.html", context, tag)


def _number(values: list[str]) -> set[str]:
    return {value for value in values if value.isascii() and value.isdecimal() and len(value) < 10}


def _list(request: HttpRequest) -> dict[str, Any]:
    text = lists_text(request)
    found = queries.placed()
    if text:
        found = found.filter(Q(title__icontains=text) | Q(unit__name__icontains=text))
    if units := _number(request.GET.getlist("unit")[:1]):
        found = found.filter(unit_id__in=units)
    counted = list(
        found.order_by()
        .values("state", "kind", "unit__placement__wave_id", "unit__placement__wave__name", "unit__name")
        .annotate(n=Count("pk"))
        .order_by()
        if units
        else found.order_by()
        .values("state", "kind", "unit__placement__wave_id", "unit__placement__wave__name")
        .annotate(n=Count("pk"))
        .order_by()
    )
    chosen = {
        "state": set(request.GET.getlist("state")),
        "kind": set(request.GET.getlist("kind")),
        "wave": _number(request.GET.getlist("wave")),
    }
    if chosen["state"]:
        found = found.filter(state__in=chosen["state"] & set(State.values))
    if chosen["kind"]:
        found = found.filter(kind__in=chosen["kind"] & {kind.value for kind in Kind})
    if chosen["wave"]:
        found = found.filter(unit__placement__wave_id__in=chosen["wave"])
    today = database_now().date()
    open_ones = found.exclude(state=State.CLOSED)
    special = {
        "late": ("Late", open_ones.filter(due_on__lt=today), "stop", "clock-alert"),
        "undone": ("Won't do asked", open_ones.filter(wont_at__isnull=False), "attention", "circle-slash"),
    }
    pressing = [
        {"label": label, "value": rows.count(), "hue": hue, "icon": icon, "url": f"?only={name}"}
        for name, (label, rows, hue, icon) in special.items()
    ]
    only = request.GET.get("only", "")
    if only in special:
        found = special[only][1]
    facets = _facets(request, counted, chosen)
    page = lists.page(request, found, SORTS, default="place")
    query = lists.address(request.GET)
    if cursor := request.GET.get("cursor", ""):
        query += f"{'&' if len(query) > 1 else ''}cursor={cursor[:2000]}"
    applied = lists.applied(facets)
    if units:
        name = counted[0]["unit__name"] if counted else "a unit"
        applied.append(("Unit", lists.Option(name, lists.address(request.GET, unit=None))))
    figures = [
        {
            "label": label,
            "value": sum(row["n"] for row in counted if row["state"] in states),
            "hue": hue,
            "icon": icon,
            "url": lists.address(request.GET, state=[str(state) for state in states]),
        }
        for label, states, hue, icon in FIGURES
    ]
    figures += [each for each in pressing if each["value"]]
    if only in special:
        applied.append(("Only", lists.Option(special[only][0], lists.address(request.GET, only=None))))
    ready = _ready(counted, chosen["wave"]) if not text and not units and not chosen["kind"] else []
    seen = [(r.pk, r.state, r.last_error, r.probed_at, r.probe_says, r.closed_at, r.owner, r.due_on) for r in page]
    return {
        "page": page, "facets": facets, "applied": applied, "figures": figures, "text_sought": text,
        "count": found.count() if only in special else sum(row["n"] for row in counted if _in(row, chosen)),
        "today": today, "any": bool(counted) or bool(text or units),
        "ready": ready, "rows_url": reverse("follow_ups_rows") + query,
        "why_not": Permits(request.user).why_not(Permission.APPLY_FOLLOW_UP),  # type: ignore[arg-type]
        "live_etag": live.etag(*seen, *[f["value"] for f in figures], page.next_url, ready),
    }  # fmt: skip


def _in(row: Mapping[str, Any], chosen: Mapping[str, set[str]], but: str = "") -> bool:
    wave = row["unit__placement__wave_id"]
    values = {"state": row["state"], "kind": row["kind"], "wave": str(wave) if wave else ""}
    return all(not chosen[name] or values[name] in chosen[name] for name in chosen if name != but)


def _facets(request: HttpRequest, counted: list[dict[str, Any]], chosen: Mapping[str, set[str]]) -> list[lists.Facet]:
    def number(name: str, column: str, value: object) -> int:
        return sum(row["n"] for row in counted if row[column] == value and _in(row, chosen, but=name))

    kinds = {row["kind"] for row in counted}
    waves = {(row["unit__placement__wave__name"], row["unit__placement__wave_id"]) for row in counted}
    return [
        lists.facet(
            request, "state", "State", [(s, s, number("state", "state", s)) for s in State.values], chip="follow-up"
        ),
        lists.facet(
            request,
            "kind",
            "Kind",
            [(k.value, k.value.capitalize(), number("kind", "kind", k.value)) for k in Kind if k.value in kinds],
        ),
        lists.facet(
            request,
            "wave",
            "Wave",
            [(str(pk), name, number("wave", "unit__placement__wave_id", pk)) for name, pk in sorted(
                (name, pk) for name, pk in waves if pk)],
        ),
    ]  # fmt: skip


def _ready(counted: list[dict[str, Any]], waves: set[str]) -> list[dict[str, Any]]:
    """Waves with open follow-ups that need nothing but to be applied."""
    found: dict[int, dict[str, Any]] = {}
    for row in counted:
        pk = row["unit__placement__wave_id"]
        if row["state"] == State.OPEN and pk and (not waves or str(pk) in waves):
            wave = found.setdefault(pk, {"pk": pk, "name": row["unit__placement__wave__name"], "n": 0})
            wave["n"] += row["n"]
    return sorted(found.values(), key=lambda wave: wave["name"])


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def apply_ready(request: HttpRequest) -> HttpResponse:
    """Every open follow-up of one wave, together."""
    wave = next(iter(_number([request.POST.get("wave", "")])), "")
    ids = FollowUp.objects.filter(state=State.OPEN, unit__placement__wave_id=wave or None).values_list("pk", flat=True)
    back = reverse("follow_ups") + (f"?wave={wave}" if wave else "")
    try:
        applied = actions.apply_many(list(ids) if wave else [], by=request.user, now=database_now())
    except actions.FollowUpError as error:
        messages.error(request, f"{error} Nothing was changed.")
        return HttpResponseRedirect(back)
    n = len(applied)
    messages.success(request, f"{n} follow-up{'s are' if n > 1 else ' is'} sent now; each closes when it is seen.")
    return HttpResponseRedirect(back)


# --- one follow-up ----------------------------------------------------------------------------------------------------
def row_or_404(pk: int) -> FollowUp:
    rows = FollowUp.objects.select_related("unit__subscription", "unit__placement__wave", "captured")
    row = rows.filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise Http404("There is no such follow-up.")
    return row


@require(Permission.READ)
@require_safe
def follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    return page(request, pk)


def page(request: HttpRequest, pk: int, *, status: int = 200, **more: Any) -> HttpResponse:
    row = row_or_404(pk)
    return render(request, "follow_ups/follow_up.html", _context(request, row) | more, status=status)


PARTS = {"state": "follow_ups/_state.html", "next": "follow_ups/_next.html", "history": "follow_ups/_history.html"}


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    if name not in PARTS:
        raise Http404("There is no such part of a follow-up.")
    row = row_or_404(pk)
    tag = _tag(row)
    return live.unchanged(request, tag) or live.fragment(request, PARTS[name], _context(request, row), tag)


def _tag(row: FollowUp) -> str:
    return live.etag(
        row.pk, row.state, row.stage, row.sent, row.tries, row.last_error, row.probed_at, row.probe_says, row.due_at,
        row.closed_at, row.wanted_at, row.applied_at, row.answers, row.unit.name, row.wont_at,
    )  # fmt: skip


def _context(request: HttpRequest, row: FollowUp) -> dict[str, Any]:
    value = queries.required(row)
    wave = getattr(getattr(row.unit, "placement", None), "wave", None)
    denied = Permits(request.user).why_not(Permission.APPLY_FOLLOW_UP)  # type: ignore[arg-type]
    captured = row.captured.document if row.captured else row.basis.get("document")
    return {
        "row": row,
        "wave": wave,
        "live_etag": _tag(row),
        "stages": [_stage(row, index, stage, value) for index, stage in enumerate(value.stages)],
        "questions": [_question(row, question) for question in value.questions],
        "open_questions": len(value.open_questions),
        "captured": json.dumps(captured, indent=2, ensure_ascii=False) if captured else "",
        "by_hand": value.by_hand,
        "may_answer": row.state in (State.QUESTION, State.OPEN, State.FAILED),
        "wanted_by": actor_names([row.wanted_by]).get(row.wanted_by, row.wanted_by),
        "denied": denied,
        "apply_why_not": denied or _no_apply(row, value),
        "probe_why_not": denied or _no_probe(row, value),
        "says": queries.shown(value, row.probe_says),
        "history": audit.history_of("follow-up", row.pk),
        "people": _people(request, row),
        "typed": {},
    }


def _people(request: HttpRequest, row: FollowUp) -> dict[str, Any]:
    """Who said what of it, and what this person may say."""
    permits = Permits(request.user)  # type: ignore[arg-type]
    names = actor_names({row.wont_by, row.agreed_by, row.attested_by} - {""})
    own = row.wont_by and row.wont_by == request.user.actor.key  # type: ignore[union-attr]
    decide = "You asked for it yourself; another person decides. " if own else ""
    return {
        "may_assign": permits.may(Permission.APPLY_FOLLOW_UP) or permits.may(Permission.PLAN),
        "attest_why_not": permits.why_not(Permission.ATTEST),
        "decide_why_not": decide or permits.why_not(Permission.APPROVE),
        "asker": names.get(row.wont_by, row.wont_by),
        "agreer": names.get(row.agreed_by, row.agreed_by),
        "attester": names.get(row.attested_by, row.attested_by),
        "late": row.due_on is not None and row.state != State.CLOSED and row.due_on < database_now().date(),
    }


def _no_probe(row: FollowUp, value: RequiredFollowUp) -> str:
    if value.by_hand or row.closed_how in (FollowUp.Closing.ATTESTED, FollowUp.Closing.WONT_DO):
        return "No read of Azure tells whether it is done."
    return "" if value.stages else "There is nothing to look for before it is answered."


def _no_apply(row: FollowUp, value: RequiredFollowUp) -> str:
    match row.state:
        case State.QUESTION if value.open_questions:
            n = len(value.open_questions)
            return f"{n} question{'s have' if n > 1 else ' has'} to be answered first."
        case State.QUESTION | State.TODO:
            return "No request does it; a person does, and says so."
        case _ if row.wont_at is not None and row.state != State.CLOSED:
            return "Somebody asks that it not be done; another person decides first."
        case State.WANTED:
            return "It was asked for and is being sent."
        case State.APPLIED:
            return "It was sent; the probe is looking for it."
        case State.CLOSED:
            how = {"seen": "the probe saw it", "attested": "somebody attested it"}
            return f"It is closed: {how.get(row.closed_how, 'two people agreed that it is not done')}."
    return ""


def _stage(row: FollowUp, index: int, stage: Stage, value: RequiredFollowUp) -> dict[str, Any]:
    body = queries.shown(value, dict(stage.request.body)) if stage.request.body is not None else None
    closed = row.state == State.CLOSED
    return {
        "number": index + 1,
        "method": stage.request.method,
        "path": stage.request.path,
        "version": stage.request.api_version,
        "body": json.dumps(body, indent=2, ensure_ascii=False) if body is not None else "",
        "probe": f"{stage.probe.request.method} {stage.probe.request.path}",
        "expect": len(stage.probe.expect),
        "seen": closed or index < row.stage,
        "sent": not closed and index == row.stage and row.sent,
    }


def _question(row: FollowUp, question: Question) -> dict[str, Any]:
    given = row.answers.get(question.id, question.default)
    picks = {choice.value for choice in question.choices}
    return {
        "question": question,
        "given": "" if question.secret else given or "",
        "answered": question.id in row.answers,
        "free_given": "" if question.secret or given in picks else given or "",
    }


def _carry_out(request: HttpRequest, pk: int, act: Callable[[FollowUp], Any], said: str, **kept: Any) -> HttpResponse:
    row = row_or_404(pk)
    try:
        act(row)
    except actions.FollowUpError as error:
        refused = {"happened": str(error), "changed": "Nothing was changed and nothing was sent."}
        return page(request, pk, status=409, refused=refused, **kept)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("follow_up", args=[pk]))


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """`a<n>`: the choice of the n-th question, `f<n>` a text of the person's own, which wins where it is taken."""
    row = row_or_404(pk)
    value = queries.required(row)
    given: dict[str, str] = {}
    for index, question in enumerate(value.questions):
        free = request.POST.get(f"f{index}", "").strip() if question.free else ""
        text = free or request.POST.get(f"a{index}", "").strip()
        if len(text) > LONGEST_ANSWER or "\x00" in text:
            refused = {
                "happened": f"An answer has at most {LONGEST_ANSWER:,} characters and no NUL.",
                "changed": "Nothing was changed.",
            }
            return page(request, pk, status=409, refused=refused)
        if text:
            given[question.id] = text
    if not given:
        refused = {"happened": "No answer was given.", "changed": "Nothing was changed."}
        return page(request, pk, status=409, refused=refused)
    shown = [
        _question(row, question) | ({} if question.secret else {"given": given.get(question.id, ""),
        "free_given": request.POST.get(f"f{index}", "")[:LONGEST_ANSWER]})
        for index, question in enumerate(value.questions)
    ]  # fmt: skip
    return _carry_out(
        request, pk, lambda each: actions.answer(each, given, by=request.user, now=database_now()),
        "The answer was kept; the requests below were written with it.", questions=shown,
    )  # fmt: skip


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    return _carry_out(
        request, pk, lambda row: actions.apply(row, by=request.user, now=database_now()),
        "It is sent now; it closes when the probe sees it.",
    )  # fmt: skip


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def probe(request: HttpRequest, pk: int) -> HttpResponse:
    return _carry_out(
        request, pk, lambda row: actions.probe(row, by=request.user, now=database_now()),
        "The platform is read in a moment; nothing is sent.",
    )  # fmt: skip
