"""What each tab of a unit's page reads, beside its head. Three queries at most, whatever the unit holds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, Count, Q, TextField, Value, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone

from migrator.configuration import LARGEST, Kind
from migrator.gateway import wire
from migrator.lifecycle import State
from tracker.accounts.permissions import Permission
from tracker.accounts.queries import sees_restricted
from tracker.audit import queries as audit
from tracker.audit.models import Event
from tracker.audit.registry import actor_words
from tracker.fixes import queries as fixes
from tracker.fixes.models import Fix
from tracker.followups import queries as followups
from tracker.inventory import differences, queries
from tracker.inventory.lock_models import Lock
from tracker.inventory.models import Resource, Snapshot, Unit
from tracker.readiness import catalogue, people, verdicts
from tracker.readiness import queries as readiness
from tracker.readiness.models import Waiver
from tracker.runs import rehearsals
from tracker.runs.models import Comparison, Difference, Purpose, Run
from tracker.web import (
    captured,
    charts,
    configuration,
    findings,
    lists,
    naming,
    provenance,
    readings,
    rechecks,
    resource_words,
    reviews,
    status,
    unit_going,
)

ROWS = 300  # of a comparison or a difference; more is said, and exported with the run
EVENTS = 50
# Order of a comparison: what a person has to look at comes first.
KINDS = ("unexpected", "unread", "dropped", "renamed", "same")


def readiness_tab(request: HttpRequest, unit: Any) -> dict[str, Any]:
    told = readiness.findings_of(unit)
    shown = [one.finding for group in told for one in group.all]
    naming.name_people(shown)
    waivers = people.live_waivers([unit.pk]) if unit.live_waivers else {}
    assessment = readiness.latest_assessment(unit)
    held = catalogue.as_of(unit, assessment)
    for one in shown:
        one.waiver = waivers.get((unit.pk, one.rule, one.resource_key))  # type: ignore[attr-defined]
        one.as_of = held.get((one.rule, one.resource_key), "")  # type: ignore[attr-defined]
    groups = findings.sections(told)
    answers = readiness.platform_answers(unit, limit=6)
    return {
        "sections": groups,
        "quiet_sections": [one for one in groups if not one.yes and not one.unknown and not one.waived],
        **rechecks.shown(request.user, unit=unit, known=unit.newest_recheck),  # type: ignore[arg-type]
        "assessment": assessment,
        "score": findings.score(assessment) if assessment else None,
        "answers": answers,
    }


class Member(NamedTuple):
    """A row of the table: what stands out, who said it, when it was last seen."""

    resource: Resource
    facts: str
    sources: str
    seen_at: datetime
    old: bool


def members_tab(request: HttpRequest, unit: Any) -> dict[str, Any]:
    members = list(Resource.objects.filter(unit=unit).order_by("key"))
    live = [one for one in members if one.gone_at is None]
    roots = queries.tree(live)
    facts = resource_words.outstanding(wire.resources([one.document for one in live]))
    now, read_at = timezone.now(), unit.told.readings.at
    rows: dict[str, list[Member]] = {}
    for node in _walk(roots):
        one = node.resource
        seen = queries.seen_at(one, read_at)
        sources = ", ".join(dict.fromkeys(map(provenance.source_words, sorted(one.sources.values())))) or "Not recorded"
        row = Member(one, facts.get(one.key, ""), sources, seen, now - seen > queries.old_after())
        rows.setdefault(one.type, []).append(row)
    order = resource_words.ORDER
    table = sorted(rows.items(), key=lambda pair: (order.get(pair[0].lower(), 99), pair[0]))
    return {
        "tree": _picture(unit, roots, facts),
        "table": table,
        "gone_members": [one for one in members if one.gone_at is not None],
    }


def _walk(nodes: list[queries.Node]) -> list[queries.Node]:
    return [each for node in nodes for each in (node, *_walk(node.children))]


def _picture(unit: Unit, roots: list[queries.Node], facts: dict[str, str]) -> list[dict[str, Any]]:
    """The tree with the unit's own resource (or what holds it) on top, and beside its children all that moves along."""
    top = next((node for node in roots if f"{unit.key}/".startswith(f"{node.resource.key}/")), None)
    if top is None:
        return [_drawn(node, facts) for node in sorted(roots, key=_rank)]
    others = [node for node in roots if node is not top]
    return [_drawn(queries.Node(top.resource, [*top.children, *others]), facts)]


def _rank(node: queries.Node) -> tuple[int, str]:
    return resource_words.ORDER.get(node.resource.type.lower(), 99), node.resource.name


def _drawn(node: queries.Node, facts: dict[str, str]) -> dict[str, Any]:
    children = [_drawn(child, facts) for child in sorted(node.children, key=_rank)]
    return {"resource": node.resource, "facts": facts.get(node.resource.key, ""), "children": children}


def configuration_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    """Configuration files of the deployments. Six queries, whatever the unit holds."""
    return {
        "files": configuration.tab_of(unit, reviews.actor_names),
        "kinds": list(Kind),
        "why_not": readings.why_not(request.user, Permission.IMPORT),  # type: ignore[arg-type]
        "kib": LARGEST // 1024,
        "chosen_deployment": request.POST.get("deployment", ""),
    }


def snapshots_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    """The members with how often each changed; of the chosen one its snapshots, and any two held against each other."""
    listed = list(Resource.objects.filter(unit=unit).defer("document").order_by("gone_at", "key"))
    counts = dict(
        Snapshot.objects.filter(resource_key__in=[one.key for one in listed])
        .values_list("resource_key")
        .annotate(n=Count("pk"))
        .order_by()
    )
    chosen = _chosen(listed, counts, request.GET.get("resource", ""))
    taken = queries.snapshots(chosen) if chosen else []
    before, after = _two(taken, request.GET.get("before", ""), request.GET.get("after", ""))
    rows = differences.differences(before.document, after.document) if before and after and before != after else []
    return {
        "resources": [(one, counts.get(one.key, 0)) for one in listed],
        "chosen": chosen,
        "snapshots": taken,
        "before": before,
        "after": after,
        "changes": rows[:ROWS],
        "more_changes": max(0, len(rows) - ROWS),
    }


def _chosen(listed: list[Resource], counts: dict[str, int], wanted: str) -> Resource | None:
    """The resource asked for, else the one that changed most, else the first."""
    for one in listed:
        if str(one.pk) == wanted:
            return one
    return max(listed, key=lambda one: counts.get(one.key, 0), default=None)


def _two(taken: list[Snapshot], before: str, after: str) -> tuple[Snapshot | None, Snapshot | None]:
    """The two asked for; without a wish the newest and the one before it."""
    by_pk = {str(one.pk): one for one in taken}
    newer = by_pk.get(after) or (taken[0] if taken else None)
    older = by_pk.get(before) or (taken[1] if len(taken) > 1 else newer)
    return older, newer


def compare_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    """The newest run that was compared: counts of each kind, then its rows, those a person has to look at first."""
    comparison = Comparison.objects.filter(run__unit=unit).select_related("run__wave").order_by("-at").first()
    if comparison is None:
        return {"comparison": None}
    kinds = dict(Difference.objects.filter(run=comparison.run).values_list("kind").annotate(n=Count("pk")).order_by())
    wanted = [kind for kind in request.GET.getlist("kind") if kind in KINDS]
    rows = Difference.objects.filter(run=comparison.run)
    rows = rows.filter(kind__in=wanted) if wanted else rows.exclude(kind="same")
    rank = Case(*[When(kind=kind, then=Value(place)) for place, kind in enumerate(KINDS)], default=Value(len(KINDS)))
    listed = list(rows.order_by(rank, "classic_key", "field")[: ROWS + 1])
    disposed = {row.disposed_by.partition(":")[2] for row in listed if row.disposed_by.startswith("user:")}
    people = audit.names(disposed)
    facet = lists.facet(
        request, "kind", "Kind", [(k, status.chip("difference", k).word, kinds.get(k, 0)) for k in KINDS]
    )
    return {
        "comparison": comparison,
        "kinds": facet.options,
        "differences": [(row, _who(row.disposed_by, people)) for row in listed[:ROWS]],
        "more": len(listed) > ROWS,
        "all_kinds": not wanted,
        "hidden_same": kinds.get("same", 0) if not wanted else 0,
    }


def runs_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    rows = Run.objects.filter(unit=unit).select_related("wave").order_by("-started_at")
    listed = list(rows[:100])
    people = audit.names(run.started_by.partition(":")[2] for run in listed if run.started_by.startswith("user:"))
    operate_why_not = readings.why_not(request.user, Permission.OPERATE)  # type: ignore[arg-type]
    shown = unit_going.shown(unit) | {"operate_why_not": operate_why_not}
    shown |= _rehearsal(unit, operate_why_not, listed, people)
    return shown | {"runs": [(run, _who(run.started_by, people)) for run in listed]}


LOCKS = 20  # of a unit, on its tab


def _rehearsal(unit: Unit, operate_why_not: str, runs: Sequence[Run], people: Mapping[str, str]) -> dict[str, Any]:
    """Its last rehearsal, its locks, and whether it can be rehearsed now."""
    found = rehearsals.told(unit.pk)
    placement = getattr(unit, "placement", None)
    why_not = operate_why_not
    if not why_not and unit.progress != State.PLANNED:
        why_not = f"It is {unit.progress}; a rehearsal starts from planned."
    elif not why_not and any(run.ended_at is None for run in runs):
        why_not = "It has a live run."
    expected = rehearsals.expected_lock([unit]) if placement and not why_not else ""
    return {
        "rehearsed": found,
        "rehearsed_by": _who(found.run.started_by, people) if found else "",
        "wave": placement.wave if placement else None,
        "locks": list(Lock.objects.filter(unit=unit)[:LOCKS]),
        "rehearse_why_not": why_not,
        "rehearse_title": f"Rehearse {unit.name}",
        "rehearse_hidden": [("purpose", Purpose.REHEARSAL.value), ("unit", unit.pk)],
        "rehearse_points": [
            {"text": "Its management plane is locked from Prepare until Abort has ended: nobody else can change it.",
             "icon": "lock"},
            {"text": expected, "icon": "timer"},
            {"text": "The Abort is part of what you ask for now. A rehearsal is never committed.", "icon": "undo-2"},
        ],
    }  # fmt: skip


def _who(actor: str, people: Mapping[str, str]) -> str:
    """What to call an actor: by name where the history knows it."""
    return people.get(actor.partition(":")[2], "") or actor_words(actor)


def follow_ups_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    rows = list(followups.listed(unit=unit.key)[:300])
    return {
        "follow_ups": rows,
        "states": Counter(row.state for row in rows),
        "fixes_again": fixes.again(unit),
        "captured": captured.of(unit),
    }


def _verdict_line(unit: Unit) -> dict[str, Any]:
    """The picture of score and verdict over time, and the sentence it shows."""
    line, older = verdicts.line(unit)
    changes = [(timezone.localtime(one.at), float(one.score), one.verdict) for one in line]
    first, last = line[0], line[-1]
    best, worst = max(one.score for one in line), min(one.score for one in line)
    was = "the same as" if last.score == first.score else "up from" if last.score > first.score else "down from"
    return {
        "drawn": charts.steps(changes, until=timezone.localtime()),
        "drawn_finding": f"Score {last.score}, {last.verdict}: {was} {first.score}, {first.verdict}",
        "drawn_about": f"{len(line)} assessments changed something, the score between {worst} and {best}",
        "drawn_older": older,
    }


def history_tab(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    """Events of the unit, of its runs, fixes and waivers, newest first."""
    kinds = (("run", Run), ("fix", Fix), ("waiver", Waiver))
    named = [
        model.objects.filter(unit=unit)
        .order_by()
        .annotate(told=Value(kind), number=Cast("pk", TextField()))
        .values_list("told", "number")
        for kind, model in kinds
    ]
    about = Q(object_kind="unit", object_id=unit.key)
    listed: dict[str, list[str]] = {}
    for kind, number in named[0].union(*named[1:], all=True):
        listed.setdefault(kind, []).append(number)
    for kind, numbers in listed.items():
        about |= Q(object_kind=kind, object_id__in=numbers)
    wanted = Event.objects.filter(about)
    before = _uuid(request.GET.get("before", ""))
    if before:
        wanted = wanted.filter(id__lt=before)
    ids = list(wanted.order_by("-id").values_list("id", flat=True)[: EVENTS + 1])
    found = audit.entries(ids[:EVENTS], restricted=sees_restricted(request.user))  # type: ignore[arg-type]
    entries = [found[one] for one in ids[:EVENTS]]
    assessed_before = _number(request.GET.get("assessed_before", ""))
    turns, older_turns = verdicts.turns(unit, assessed_before)
    return {
        "entries": entries,
        "older": ids[EVENTS - 1] if len(ids) > EVENTS else None,
        "newer": before is not None,
        "turns": turns,
        **(_verdict_line(unit) if assessed_before is None and len(turns) > 1 else {}),
        "older_turns": older_turns,
        "newer_turns": assessed_before is not None,
    }


def _number(text: str) -> int | None:
    """A number the database can hold, or nothing."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
