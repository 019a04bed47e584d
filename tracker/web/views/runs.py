"""Runs: the list, one run live, its commit, and what people ask of it. Each POST is one action."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrator.lifecycle import State
from migrator.resources import Verb
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.crash import crashpoint
from tracker.inventory.actions import IllegalMove
from tracker.runs import actions, story, watching
from tracker.runs.models import AskVerb, Difference, Run
from tracker.runs.queries import Standing, database_now, listed
from tracker.waves.actions import WaveError
from tracker.web import lists, live, run_page
from tracker.web.lists import Sort
from tracker.web.reviews import actor_names

REFUSALS = (actions.RunError, WaveError, IllegalMove)
SORTS = {
    "place": Sort("place"),
    "unit": Sort("unit__name"),
    "started": Sort("started_at", decode=run_page.moment),
    "lock": Sort("unit__locked_since", nullable=True, decode=run_page.moment),
}
STANDINGS = {
    Standing.ATTENTION: ("Needs a person", "stop", "hand"),
    Standing.DOUBT: ("In doubt", "attention", "circle-question-mark"),
    Standing.WAITING: ("Waiting", "neutral", "hourglass"),
    Standing.MOVING: ("Moving", "progress", "activity"),
    Standing.ENDED: ("Ended", "neutral", "history"),
}
TEXT = 200  # characters of a text filter that are looked at


# --- the list ---------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    context = _list(request) | {"outside": watching.open_drifts().count()}
    return render(request, "runs/list.html", context)


@require(Permission.READ)
@require_safe
def rows(request: HttpRequest) -> HttpResponse:
    """The live part of the list; the same filters, the same page."""
    context = _list(request)
    tag = context["live_etag"]
    return live.unchanged(request, tag) or live.fragment(request, "runs/_rows.html", context, tag)


def _list(request: HttpRequest) -> dict[str, Any]:
    text = lists_text(request)
    found = listed()
    if text:
        found = found.filter(Q(unit__name__icontains=text) | Q(wave__name__icontains=text))
    counted = list(
        found.order_by().values("standing", "state", "wave_id", "wave__name").annotate(n=Count("pk")).order_by()
    )
    chosen = {
        "standing": set(request.GET.getlist("standing")),
        "state": set(request.GET.getlist("state")),
        "wave": {value for value in request.GET.getlist("wave") if value.isdecimal() and len(value) < 10},
    }
    if chosen["standing"]:
        found = found.filter(standing__in=chosen["standing"] & set(Standing))
    if chosen["state"]:
        found = found.filter(state__in=chosen["state"] & set(State))
    if chosen["wave"]:
        found = found.filter(wave_id__in=chosen["wave"])
    facets = _facets(request, counted, chosen)
    page = lists.page(request, found, SORTS, default="place")
    people = actor_names({run.started_by for run in page})
    grouped = page.sort == "place"
    shown = []
    before = None
    for run in page:
        heading = STANDINGS[Standing(run.standing)][0] if grouped and run.standing != before else ""
        before = run.standing
        shown.append((heading, run, people.get(run.started_by, run.started_by)))
    applied = lists.applied(facets)
    total = sum(row["n"] for row in counted if _in(row, chosen))
    figures = [
        {
            "label": word,
            "value": sum(row["n"] for row in counted if row["standing"] == standing),
            "hue": hue,
            "icon": icon,
            "url": f"?standing={standing}",
        }
        for standing, (word, hue, icon) in STANDINGS.items()
    ]
    parts = [
        (r.pk, r.standing, r.state, r.attention, r.waiting_for, r.waiting_since,
         r.due_at and r.due_at.replace(second=0), r.unknown_since, r.held_at, r.unit.locked_since,
         r.outcome, r.wave.name)
        for r in page
    ]  # fmt: skip
    query = lists.address(request.GET)
    if cursor := request.GET.get("cursor", ""):
        query += f"{'&' if len(query) > 1 else ''}cursor={cursor[:2000]}"
    return {
        "page": page, "shown": shown, "facets": facets, "applied": applied, "figures": figures, "grouped": grouped,
        "count": total, "any": bool(counted), "text_sought": text,
        "rows_url": reverse("runs_rows") + query,
        "live_etag": live.etag(*parts, page.next_url, *[(f["label"], f["value"]) for f in figures], total),
    }  # fmt: skip


def lists_text(request: HttpRequest) -> str:
    """The text filter without what no name holds."""
    return "".join(c for c in request.GET.get("q", "")[:TEXT] if c.isprintable()).strip()


def _in(row: dict[str, Any], chosen: dict[str, set[str]], but: str = "") -> bool:
    values = {"standing": row["standing"], "state": row["state"], "wave": str(row["wave_id"])}
    return all(not chosen[name] or values[name] in chosen[name] for name in chosen if name != but)


def _facets(request: HttpRequest, counted: list[dict[str, Any]], chosen: dict[str, set[str]]) -> list[lists.Facet]:
    """Each option's number is what the list shows when it is the only one chosen of its facet."""

    def number(name: str, column: str, value: object) -> int:
        return sum(row["n"] for row in counted if row[column] == value and _in(row, chosen, but=name))

    waves = sorted({(row["wave__name"], row["wave_id"]) for row in counted})
    states = {row["state"] for row in counted}
    standings = [(s.value, STANDINGS[s][0], number("standing", "standing", s)) for s in Standing]
    return [
        lists.facet(request, "standing", "Where it stands", standings),
        lists.facet(
            request,
            "state",
            "State",
            [(s.value, s.value, number("state", "state", s)) for s in State if s in states],
            chip="progress",
        ),
        lists.facet(request, "wave", "Wave", [(str(pk), name, number("wave", "wave_id", pk)) for name, pk in waves]),
    ]


# --- one run ----------------------------------------------------------------------------------------------------------
def run_or_404(run_id: UUID) -> Run:
    run = story.run(run_id)
    if run is None:
        raise Http404("There is no such run.")
    return run


@require(Permission.READ)
@require_safe
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    return _page(request, run_id)


def _page(request: HttpRequest, run_id: UUID, *, status: int = 200, **more: Any) -> HttpResponse:
    tag = story.version(run_id)
    context = run_page.context(request, run_or_404(run_id), tag)
    return render(request, "runs/run.html", context | _watched(context["run"]) | more, status=status)


def _watched(run: Run) -> dict[str, Any]:
    """Of runs/_watched.html."""
    ended = run.ended_at is not None or run.state in (State.PREPARING, State.COMMITTED, State.VERIFIED)
    found = watching.checks_of(run) if ended else []
    done = [row.at for row in found if row.at is not None]
    drifts = list(watching.open_drifts().filter(unit=run.unit_id))
    return {"end_checks": found, "checked": len(done), "last_checked": max(done, default=None), "drifts": drifts}


# Live parts of the run page and of the commit page: name -> template, what fills it.
Builder = Callable[[HttpRequest, Run, str], dict[str, Any]]
PARTS: dict[str, tuple[str, Builder]] = {
    "top": ("runs/_top.html", run_page.context),
    "next": ("runs/_next.html", run_page.context),
    "stream": ("runs/_stream.html", run_page.context),
    "compare": ("runs/_compare.html", run_page.context),
    "locks": ("runs/_locks.html", run_page.commit_context),
    "commit": ("runs/_commit.html", run_page.commit_context),
}


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, run_id: UUID, name: str) -> HttpResponse:
    """One live part. Unchanged costs one small query."""
    tag = story.version(run_id)
    if not tag or name not in PARTS:
        raise Http404("There is no such part of a run.")
    if answer := live.unchanged(request, tag):
        return answer
    found = run_or_404(run_id)
    template, build = PARTS[name]
    return live.fragment(request, template, build(request, found, tag), tag, finished=found.ended_at)


@require(Permission.READ)
@require_safe
def download(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The whole run as JSON."""
    found = run_or_404(run_id)
    answer = JsonResponse(story.document(found), json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="run-{found.pk}.json"'
    return answer


def _carry_out(request: HttpRequest, run_id: UUID, act: Callable[[Run], Any], said: str, **kept: Any) -> HttpResponse:
    """Do it and go back to the run; a refusal shows the page again with the sentence and what was typed."""
    found = run_or_404(run_id)
    try:
        act(found)
    except REFUSALS as error:
        refused = {"happened": str(error), "changed": "Nothing was changed and nothing was sent."}
        return _page(request, run_id, status=409, refused=refused, **kept)
    messages.success(request, said)
    crashpoint("C04")
    return HttpResponseRedirect(reverse("run", args=[run_id]))


SAID = {
    AskVerb.VALIDATE: "Validate was asked for; it starts within a second.",
    AskVerb.PREPARE: "Prepare was asked for. The engine looks at the unit first, then sends it.",
    AskVerb.ABORT: "Abort was asked for. The engine looks at the unit first, then sends it.",
    AskVerb.RETRY: "Asked to try again. It begins with a look at both sides.",
    AskVerb.HOLD: "The run is on hold: nothing more is sent. What was sent is still watched.",
    AskVerb.RESUME: "The run goes on.",
    AskVerb.CANCEL: "The run was cancelled; nothing was changed on the platform.",
}


@require(Permission.OPERATE)
@require_POST
def ask(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Every wish but Commit, which has a page of its own."""
    word, reason = request.POST.get("verb", ""), request.POST.get("reason", "")
    if word not in SAID:
        refused = {
            "happened": "This is nothing a run can be asked for.",
            "changed": "Nothing was changed.",
            "next": "Use the buttons of this page; Commit has its own page.",
        }
        return _page(request, run_id, status=400, refused=refused)
    verb = AskVerb(word)
    return _carry_out(
        request,
        run_id,
        lambda found: actions.ask(found, verb, by=request.user, now=found.now, reason=reason),
        SAID[verb],
        typed={"verb": word, "reason": reason},
    )


@require(Permission.OPERATE)
@require_POST
def overrun(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let Prepare or Commit start though it may end after its window."""
    verb = Verb.COMMIT if request.POST.get("verb") == "commit" else Verb.PREPARE
    reason = request.POST.get("reason", "")
    return _carry_out(
        request,
        run_id,
        lambda found: actions.allow_overrun(found, verb, reason=reason, by=request.user, now=found.now),
        f"{verb.value.capitalize()} may start now, though it may end after its window.",
    )


@require(Permission.OPERATE)
@require_POST
def accept_gap(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let Prepare start without what could not be read before it."""
    told, reason = request.POST.getlist("told"), request.POST.get("reason", "")
    return _carry_out(
        request,
        run_id,
        lambda found: actions.accept_gap(found, told=told, reason=reason, by=request.user, now=found.now),
        "Prepare may start without them; what was not read becomes work for people after Commit.",
    )


@require(Permission.OPERATE)
@require_POST
def dispose(request: HttpRequest, run_id: UUID, pk: int) -> HttpResponse:
    """Say why an unexpected difference is acceptable."""
    words = request.POST.get("disposition", "")
    row = Difference.objects.filter(pk=pk, run_id=run_id).first() if pk < 2**63 else None
    if row is None:
        refused = {
            "happened": "This difference is not there any more: both sides were compared again.",
            "changed": "Nothing was changed.",
            "next": "Look at the comparison below.",
        }
        return _page(request, run_id, status=409, refused=refused)
    return _carry_out(
        request,
        run_id,
        lambda found: actions.dispose(row, disposition=words, by=request.user, now=found.now),
        "The difference was accepted; the approver will read your words.",
        disposing={"pk": pk, "words": words},
    )


# --- commit -----------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def commit(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The locks of a commit; the POST types the unit's name and sends the wish with the digest that was shown."""
    return _commit_post(request, run_id) if request.method == "POST" else _commit_page(request, run_id)


def _commit_page(request: HttpRequest, run_id: UUID, *, status: int = 200, **more: Any) -> HttpResponse:
    context = run_page.commit_context(request, run_or_404(run_id), story.version(run_id))
    return render(request, "runs/commit.html", context | more, status=status)


@require(Permission.OPERATE)
def _commit_post(request: HttpRequest, run_id: UUID) -> HttpResponse:
    found = run_or_404(run_id)
    typed, reason = request.POST.get("typed", ""), request.POST.get("reason", "")
    kept = {"typed_name": typed[:200], "typed_reason": reason[: actions.LONGEST_REASON]}
    if typed.strip() != found.unit.name:
        refused = {
            "happened": f"What you typed is not the name of this unit: {found.unit.name}.",
            "changed": "Nothing was sent.",
            "next": "Type the name exactly as it is written, capitals included.",
        }
        return _commit_page(request, run_id, status=409, refused=refused, **kept)
    try:
        actions.ask(
            found,
            AskVerb.COMMIT,
            by=request.user,
            now=database_now(),
            reason=reason,
            seal=request.POST.get("seal", "")[:64],
        )
    except REFUSALS as error:
        refused = {"happened": str(error), "changed": "Nothing was sent.", "next": "Read the locks again."}
        return _commit_page(request, run_id, status=409, refused=refused, **kept)
    messages.success(request, "Commit was asked for. Every lock is checked once more at the second it is sent.")
    crashpoint("C04")
    return HttpResponseRedirect(reverse("run", args=[run_id]))


@require(Permission.OPERATE)
@require_POST
def request_commit(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask another person to agree to the commit."""
    found = run_or_404(run_id)
    try:
        actions.request_commit(found, by=request.user, now=found.now)
    except REFUSALS as error:
        refused = {"happened": str(error), "changed": "Nothing was changed."}
        return _commit_page(request, run_id, status=409, refused=refused)
    messages.success(request, "The approval was asked for; another engineer decides.")
    return HttpResponseRedirect(reverse("run_commit", args=[run_id]))
