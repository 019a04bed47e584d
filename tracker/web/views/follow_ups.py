"""Follow-ups: what the platform dropped, what will be sent to bring it back, and the probe that closes it."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from migrator.followups import Question, RequiredFollowUp, Stage
from migrator.vaults import MARK, referred
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.audit import queries as audit
from tracker.audit import tables
from tracker.followups import actions, exporting, queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.web import follow_up_list, lists, live
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

State = FollowUp.State
SORTS = {"place": Sort("place"), "title": Sort("title"), "unit": Sort("unit__name")}
LONGEST_ANSWER = 2000


# --- the list ---------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def follow_ups(request: HttpRequest) -> HttpResponse:
    context = _list(request)
    wave = context["wave"]
    context["burn"] = follow_up_list.burn_down(context["asked"], wave["name"] if wave else "")
    return render(request, "follow_ups/list.html", context)


@require(Permission.READ)
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Exactly what the list is narrowed to, all pages of it, as CSV or JSON lines; streamed."""
    kind = request.GET.get("format", "")
    return exported(follow_up_list.Asked.of(request, now := database_now()).rows(), kind, now)


def exported(found: QuerySet[FollowUp], kind: str, now: datetime) -> HttpResponseBase:
    kind = kind if kind in tables.FORMATS else "csv"
    content = exporting.stream(found.order_by("pk"), kind, now)
    answer = StreamingHttpResponse(content, content_type=tables.FORMATS[kind])
    answer["Content-Disposition"] = f'attachment; filename="follow-ups.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


@require(Permission.READ)
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    context = _list(request)
    tag = context["live_etag"]
    return live.unchanged(request, tag) or live.fragment(request, "follow_ups/_rows.html", context, tag)


def _list(request: HttpRequest) -> dict[str, Any]:
    asked = follow_up_list.Asked.of(request, database_now())
    counted = follow_up_list.Counted(asked)
    facets, figures, ages, ready = (
        counted.facets(request), counted.figures(request), counted.ages(request), counted.ready(),
    )  # fmt: skip
    for name, value in asked.pressing().items():
        if value:
            label, hue, icon = follow_up_list.ONLY[name]
            url = lists.address(request.GET, only=name)
            figures.append({"label": label, "value": value, "hue": hue, "icon": icon, "url": url})
    page = lists.page(request, asked.rows(), SORTS, default="place")
    query = lists.address(request.GET)
    if cursor := request.GET.get("cursor", ""):
        query += f"{'&' if len(query) > 1 else ''}cursor={cursor[:2000]}"
    applied = lists.applied(facets)
    if asked.units:
        name = counted.lines[0]["unit__name"] if counted.lines else "a unit"
        applied.append(("Unit", lists.Option(name, lists.address(request.GET, unit=None))))
    if asked.only:
        applied.append(
            ("Only", lists.Option(follow_up_list.ONLY[asked.only][0], lists.address(request.GET, only=None)))
        )
    seen = [(r.pk, r.state, r.last_error, r.probed_at, r.probe_says, r.closed_at, r.owner, r.due_on) for r in page]
    numbers = [each["value"] for each in (*figures, *ages)]
    return {
        "asked": asked, "page": page, "facets": facets, "applied": applied, "figures": figures, "ages": ages,
        "text_sought": asked.text, "count": counted(), "today": asked.now.date(),
        "any": bool(counted.lines) or asked.anything, "ready": ready, "wave": counted.wave(),
        "rows_url": reverse("follow_ups_rows") + query,
        "why_not": Permits(request.user).why_not(Permission.APPLY_FOLLOW_UP),  # type: ignore[arg-type]
        "live_etag": live.etag(*seen, *numbers, page.next_url, ready),
    }  # fmt: skip


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def apply_ready(request: HttpRequest) -> HttpResponse:
    """Every open follow-up of one wave, together."""
    wave = next(iter(follow_up_list.number([request.POST.get("wave", "")])), "")
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
        "vaults": settings.KEY_VAULTS,
        "open_questions": len(value.open_questions),
        "captured": json.dumps(captured, indent=2, ensure_ascii=False) if captured else "",
        "by_hand": value.by_hand,
        "snippets": queries.snippets(row, value) if not value.by_hand and row.state != State.CLOSED else None,
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
        "label": f"Request {index + 1}",
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
    place = given.removeprefix(MARK) if question.secret and isinstance(given, str) and referred(given) else ""
    return {
        "question": question,
        "given": "" if question.secret else given or "",
        "answered": question.id in row.answers,
        "place": place,
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
