"""/validations/: Validate of many units: the wishes, a new one with what it reaches, and one while it goes on."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Subscription
from tracker.runs import actions, validations
from tracker.runs.queries import database_now
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope
from tracker.waves.models import Wave
from tracker.web import lists, live
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names
from tracker.web.views import said
from tracker.web.views.runs import lists_text

State = ValidatedUnit.State
# what a number says first comes first; icon and hue of each
STANDS = {
    State.FOUND: ("stop", "ban"),
    State.REFUSED: ("stop", "circle-x"),
    State.UNANSWERED: ("attention", "circle-question-mark"),
    State.WAITING: ("neutral", "hourglass"),
    State.SENT: ("progress", "loader"),
    State.PASSED: ("good", "check"),
    State.HANDED: ("progress", "corner-down-right"),
    State.LEFT_OUT: ("neutral", "circle-slash"),
    State.STOPPED: ("neutral", "octagon-x"),
}
SORTS = {
    "unit": Sort("unit__name"),
    "ended": Sort("ended_at", nullable=True, decode=datetime.fromisoformat),
    "turn": Sort("pk", decode=int),
}


@require(Permission.READ)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    rows = validations.recent()
    counted = validations.counts(rows)
    people = actor_names({row.asked_by for row in rows})
    shown = [(row, people.get(row.asked_by, row.asked_by), _bar(row, counted[row.pk])) for row in rows]
    no_act = Permits(request.user).why_not(Permission.OPERATE)  # type: ignore[arg-type]
    return render(request, "validations/list.html", {"shown": shown, "no_act": no_act})


def _bar(row: Validation, counted: dict[str, int]) -> dict[str, Any]:
    """How far it is: done of all, and the numbers that matter."""
    live_ones = sum(counted.get(state, 0) for state in ValidatedUnit.LIVE)
    bad = counted.get(State.FOUND, 0) + counted.get(State.REFUSED, 0)
    return {
        "done": row.units - live_ones, "live": live_ones, "bad": bad, "passed": counted.get(State.PASSED, 0),
        "silent": counted.get(State.UNANSWERED, 0),
    }  # fmt: skip


# --- a new one --------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`?scope=estate`, `subscription:<id>` or `wave:<number>`: what it reaches. POST asks for it."""
    given = (request.POST if request.method == "POST" else request.GET).get("scope", "")
    scope, problem = _scope(given)
    old_only = request.POST.get("which", "old") != "all"
    status = 404 if problem else 200
    if request.method == "POST" and not problem:
        try:
            row = actions.validate_many(scope, by=request.user, now=database_now(), old_only=old_only)  # type: ignore[arg-type]
        except actions.RunError as error:
            problem, status = str(error), 409
        else:
            messages.success(request, f"Validate of {row.units:,} units of {scope.words} was asked for.")
            return HttpResponseRedirect(reverse("validation", args=[row.pk]))
    reach = validations.reach(scope, database_now())
    context = {
        "scope": scope, "chosen": given or "estate", "reach": reach, "old_only": old_only, "problem": problem,
        "no_act": Permits(request.user).why_not(Permission.OPERATE),  # type: ignore[arg-type]
        "subscriptions": Subscription.objects.order_by("name").values_list("pk", "name"),
        "waves": Wave.objects.order_by("name").values_list("pk", "name"),
        "which": [
            ("old", "Without an answer of the last seven days", reach.wanted(True), _long(reach.seconds(True))),
            ("all", "All that can be validated", reach.wanted(False), _long(reach.seconds(False))),
        ],
        "pace": validations.PACE,
    }  # fmt: skip
    return render(request, "validations/new.html", context, status=status)


def _long(seconds: float) -> timedelta:
    return timedelta(seconds=max(1, round(seconds)))


def _scope(text: str) -> tuple[Scope, str]:
    """(what is meant, what is wrong with it)."""
    kind, _, key = text.partition(":")
    if kind in ("", "estate"):
        return Scope(), ""
    if kind == "wave" and (number := said.number(key)) is not None:
        wave = Wave.objects.filter(pk=number).first()
        return Scope(wave=wave), "" if wave else "There is no such wave any more. Choose again."
    if kind == "subscription" and "\x00" not in key:
        subscription = Subscription.objects.filter(pk=key.lower()).first()
        return Scope(subscription=subscription), "" if subscription else "There is no such subscription. Choose again."
    return Scope(), "What is to be validated could not be read. Choose again."


# --- one --------------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def validation(request: HttpRequest, pk: int) -> HttpResponse:
    """/validations/7/?state=found&q=…"""
    return render(request, "validations/validation.html", _one(request, _or_404(pk)))


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """The live part; the same filters, the same page."""
    context = _one(request, _or_404(pk))
    tag = context["live_etag"]
    over = context["row"].ended_at is not None
    return live.unchanged(request, tag) or live.fragment(request, "validations/_live.html", context, tag, finished=over)


def _or_404(pk: int) -> Validation:
    row = Validation.objects.select_related("wave", "subscription").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def _one(request: HttpRequest, row: Validation) -> dict[str, Any]:
    counted = validations.counts([row])[row.pk]
    chosen = [state for state in request.GET.getlist("state") if state in STANDS]
    text = lists_text(request)
    found = validations.items(row)
    if chosen:
        found = found.filter(state__in=chosen)
    if text:
        found = found.filter(Q(unit__name__icontains=text) | Q(why__icontains=text))
    page = lists.page(request, found, SORTS, default="-ended" if row.ended_at is None else "unit")
    bar = _bar(row, counted)
    freezes = validations.stopping() if bar["live"] else []
    permits = Permits(request.user)  # type: ignore[arg-type]
    people = actor_names({row.asked_by, row.stopped_by} - {""})
    figures = [
        {"label": state.label, "value": counted.get(state, 0), "hue": hue, "icon": icon, "url": f"?state={state}"}
        for state, (hue, icon) in STANDS.items()
        if counted.get(state) or state in (State.FOUND, State.PASSED)
    ]
    last = validations.last_due(row) if counted.get(State.WAITING) and not freezes else None
    facet = lists.Facet(
        "State",
        [
            lists.Option(
                State(state).label, lists.address(request.GET, state=[s for s in chosen if s != state]), chosen=True
            )
            for state in chosen
        ],
    )
    shown = [(item, *STANDS[State(item.state)]) for item in page]
    query = lists.address(request.GET)
    if cursor := request.GET.get("cursor", ""):
        query += f"{'&' if len(query) > 1 else ''}cursor={cursor[:2000]}"
    return {
        "row": row, "bar": bar, "figures": figures, "page": page, "shown": shown, "applied": lists.applied([facet]),
        "text_sought": text, "asker": people.get(row.asked_by, row.asked_by), "freezes": freezes, "last": last,
        "stopper": people.get(row.stopped_by, row.stopped_by), "no_act": permits.why_not(Permission.OPERATE),
        "part_url": reverse("validation_part", args=[row.pk]) + query, "every": "2s",
        "live_etag": live.etag(
            *sorted(counted.items()), row.stopped_at, row.ended_at, last and last.replace(second=0),
            *((f.scope, f.reason) for f in freezes), *((i.pk, i.state, i.why) for i in page), page.next_url,
        ),
    }  # fmt: skip


@require(Permission.OPERATE)
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    row = _or_404(pk)
    try:
        count = actions.stop_validation(row, by=request.user, now=database_now())  # type: ignore[arg-type]
        messages.success(request, f"{count:,} units are not asked for any more; what was sent is read to its end.")
    except actions.RunError as error:
        messages.error(request, f"{error} Nothing was changed.")
    return HttpResponseRedirect(reverse("validation", args=[row.pk]))
