"""Approvals: what waits on whom, and the page on which a person decides."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.models import Event
from tracker.fixes import queries as fixes
from tracker.runs import actions as runs
from tracker.runs import gates as run_gates
from tracker.runs import seals
from tracker.runs.models import Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Approval
from tracker.web import lists, reviews, wave_board
from tracker.web.forms_waves import DecisionForm
from tracker.web.lists import Sort
from tracker.web.permits import Permits

TABS = (("waiting", "Waiting on me"), ("asked", "I asked"), ("decided", "Decided"), ("all", "All"))
SORTS = {"asked": Sort("requested_at", decode=timezone.datetime.fromisoformat)}


@require(Permission.READ)
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """/approvals/?tab=waiting|asked|decided|all"""
    now = timezone.now()
    rows = queries.approvals(now)
    waiting = queries.waiting_on(request.user, now).values("pk")
    may = request.user.may(Permission.APPROVE)
    counts = _counts(request.user, rows, waiting, may)
    tab = request.GET.get("tab", "")
    if tab not in dict(TABS):
        tab = "waiting" if may else "all"
    narrowed = _narrowed(tab, rows, waiting, request.user, may)
    if (wave := request.GET.get("wave", "")).isascii() and wave.isdigit() and len(wave) < 18:
        narrowed = narrowed.filter(wave=int(wave))
    default = "asked" if tab == "waiting" else "-asked"  # what waits longest, else what is newest
    page = lists.page(request, narrowed, SORTS, default=default)
    return render(
        request,
        "approvals/list.html",
        {
            "page": page,
            "tab": tab,
            "default_sort": default,
            "tabs": [
                {
                    "label": label,
                    "url": f"?tab={name}",
                    "here": name == tab,
                    "count": counts[name],
                    "hue": "attention" if name == "waiting" and counts[name] else "neutral",
                }
                for name, label in TABS
            ],
            "fixes_waiting": fixes.waiting_on(request.user).count() if may else 0,
            "no_approve": "" if may else Permits(request.user).why_not(Permission.APPROVE),
        },
    )


def _narrowed(tab: str, rows: QuerySet[Approval], waiting: QuerySet[Any], user: User, may: bool) -> QuerySet[Approval]:
    match tab:
        case "waiting":
            return rows.filter(pk__in=waiting) if may else rows.none()
        case "asked":
            return rows.filter(requester=user)
        case "decided":
            return rows.exclude(state=queries.ApprovalState.PENDING.value)
    return rows


def _counts(user: User, rows: QuerySet[Approval], waiting: QuerySet[Any], may: bool) -> dict[str, int]:
    """How many stand behind each tab; one query."""
    bare = rows.order_by().values("pk", "state")
    return Approval.objects.aggregate(
        waiting=Count("pk", filter=Q(pk__in=waiting) if may else Q(pk__in=[])),
        asked=Count("pk", filter=Q(requester=user)),
        decided=Count("pk", filter=~Q(pk__in=bare.filter(state=queries.ApprovalState.PENDING.value).values("pk"))),
        all=Count("pk"),
    )


# --- the review page --------------------------------------------------------------------------------------------------
def _approval(pk: int, user: User) -> Approval:
    """With body, people, decisions, state, and whether this person looked at it before; two queries."""
    seen = Event.objects.filter(
        type="evidence.viewed",
        object_kind="approval",
        object_id=Cast(OuterRef("pk"), TextField()),
        actor=user.actor.key,
    )
    rows = queries.approvals(timezone.now()).defer(None).annotate(seen=Exists(seen))
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@require(Permission.READ)
@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """/approvals/<pk>/: everything that was sealed, what moved since, and the decision."""
    approval = _approval(pk, request.user)
    if request.method == "GET" and not approval.seen:
        waves.viewed(approval, by=request.user, now=database_now())
    return _page(request, approval)


def _page(
    request: HttpRequest, approval: Approval, *, form: DecisionForm | None = None, refused: str = "", status: int = 200
) -> HttpResponse:
    now, zone = timezone.now(), timezone.get_current_timezone()
    context: dict[str, Any] = {
        "approval": approval,
        "decisions": list(approval.decisions.all()),
        "form": form or DecisionForm(),
        "refused": refused,
        "verdict_chips": [("approval", approval.state)],
    }
    if approval.kind == Approval.Kind.WAVE:
        context |= _wave_context(approval, now, zone)
    else:
        context |= _commit_context(approval, now)
    context["why_not"] = _why_not(approval, request.user, context["moved"])
    context["may_revoke"] = [
        decision
        for decision in context["decisions"]
        if decision.approver_id == request.user.pk and decision.approved and decision.revoked_at is None
    ]
    name = "wave" if approval.kind == Approval.Kind.WAVE else "commit"
    return render(request, f"approvals/{name}.html", context, status=status)


def _wave_context(approval: Approval, now: Any, zone: Any) -> dict[str, Any]:
    from tracker.web.views.waves import shown_gates

    sealed = reviews.wave(approval)
    moved = queries.wave_drift(approval) if approval.state == "pending" else []
    wave = approval.wave
    wave.windows_then = sealed.windows  # of an open one they are the wave's
    gates: list[dict[str, str]] = []
    if approval.voided_at is None:
        [found] = wave_board.summaries([wave], now=now, zone=zone, approvals=[approval])
        gates = shown_gates(found)
    return {"sealed": sealed, "moved": moved, "gates": gates, "subject": f"Wave “{sealed.name}”"}


def _commit_context(approval: Approval, now: Any) -> dict[str, Any]:
    run = Run.objects.select_related("unit", "wave", "comparison").get(pk=approval.run_id)
    names = reviews.actor_names(reviews.people_in(approval))
    sealed = reviews.commit(approval, names)
    body = seals.commit_body(run)
    moved = seals.commit_drift(approval, run, body) if approval.state == "pending" else []
    found = reviews.evidence(sealed, run, body)
    return {
        "sealed": sealed,
        "run": run,
        "moved": moved,
        "evidence": found,
        "locks": _locks(approval, sealed, run, now),
        "subject": f"Commit of {sealed.unit}",
    }


def _locks(approval: Approval, sealed: reviews.SealedCommit, run: Run, now: Any) -> list[dict[str, str]]:
    """What must hold at the second of the commit, as parts/gates.html takes it: the gates the engine goes by, and what
    was captured. Empty when this approval is of no use any more."""
    if approval.voided_at is not None or run.ended_at is not None:
        return []
    url = reverse("run", args=[run.pk])
    found = run_gates.commit_gates(run, run_gates.facts(run), approval, now)
    rows = [{"name": gate.name, "state": gate.state.value, "sentence": gate.sentence, "url": url} for gate in found]
    complete = sealed.captured["complete"] == "yes"
    said = f"{sealed.captured['count']} captured, complete." if complete else "Not everything dropped could be read."
    rows.insert(4, {"name": "Captured settings", "state": "green" if complete else "red", "sentence": said, "url": url})
    return rows


def _why_not(approval: Approval, user: User, moved: list[str]) -> str:
    """The one reason why this person cannot decide now; empty: they can."""
    match approval.state:  # type: ignore[attr-defined]
        case "voided":
            return f"This approval is void: {approval.void_reason}."
        case "rejected":
            return "This was rejected; it has to be asked for again."
        case "expired":
            return "Nobody decided in time; it has to be asked for again."
        case "approved":
            return "This is approved; there is nothing left to decide."
    if user.pk == approval.requester_id:
        return f"You asked for this; another person decides. {Permits(user).whom(Permission.APPROVE, but=user)}"
    if user.pk == approval.editor_id:
        return f"You edited it last; another person decides. {Permits(user).whom(Permission.APPROVE, but=user)}"
    if refusal := Permits(user).why_not(Permission.APPROVE):
        return refusal
    if any(decision.approver_id == user.pk for decision in approval.decisions.all()):
        return "You have decided this already; it waits for somebody else."
    if moved:
        return "Something moved since it was asked for; the requester has to ask again."
    return ""


@require(Permission.APPROVE)
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject exactly the version the page showed."""
    approval = _approval(pk, request.user)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, approval, form=form, refused=_first(form), status=422)
    said = form.cleaned_data
    act = runs.approve if said["decision"] == "approve" else waves.reject
    try:
        act(approval, digest=said["digest"], reason=said["reason"], by=request.user, now=database_now())
    except waves.WaveError as error:
        return _page(request, _approval(pk, request.user), form=form, refused=str(error), status=409)
    name = approval.unit.name if approval.unit else approval.wave.name
    messages.success(request, f"{name}: {'approved' if said['decision'] == 'approve' else 'rejected'}.")
    return HttpResponseRedirect(reverse("approval", args=[pk]))


def _first(form: DecisionForm) -> str:
    name, errors = next(iter(form.errors.items()))
    if name == "reason":
        return f"The reason cannot be used: {errors[0]}"
    return "The page did not say what was decided, or on which version; read it again and decide again."


@require(Permission.APPROVE)
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own agreement back."""
    approval = _approval(pk, request.user)
    mine = next((each for each in approval.decisions.all() if each.approver_id == request.user.pk), None)
    reason = " ".join(request.POST.get("reason", "").replace("\x00", " ").split())[:300]
    if mine is None:
        messages.error(request, "You have not approved this. Nothing was changed.")
    elif not reason:
        messages.error(request, "Say why you take it back. Nothing was changed.")
    else:
        try:
            waves.revoke(mine, reason=reason, by=request.user, now=database_now())
            messages.success(request, "Your approval was taken back.")
        except waves.WaveError as error:
            messages.error(request, f"{error} Nothing was changed.")
    return HttpResponseRedirect(reverse("approval", args=[pk]))


@require(Permission.READ)
@require_safe
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """The sealed bytes themselves: sha256 of "approval/1", a line feed and these is the seal."""
    approval = _approval(pk, request.user)
    answer = HttpResponse(approval.body.encode(), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="approval-{pk}.json"'
    return answer
