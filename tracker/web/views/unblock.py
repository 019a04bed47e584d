"""What would unblock most: each blocking rule, and the order in which lifting them frees units soonest."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from migrator.readiness import Rule
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.queries import Filters
from tracker.readiness import unblocking
from tracker.readiness.queries import rule_or_none
from tracker.readiness.unblocking import Blocker
from tracker.web import lists
from tracker.web.views.inventory import TITLES, label_of

SORTS = {
    "frees": lambda one: (one.frees, one.blocks),
    "blocks": lambda one: (one.blocks, one.frees),
    "rule": lambda one: (one.rule.title if one.rule else one.rule_id).lower(),
}
DEFAULT = "-frees"
FIRST = 3  # steps of which the sentence on top tells


@dataclass(frozen=True, slots=True)
class Row:
    """A blocker with the lists behind its numbers."""

    blocker: Blocker
    frees_url: str
    blocks_url: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the order. `frees_url`: the units this step frees; `freed_url`: those free after it."""

    number: int
    lifted: int  # rules until now
    rules: list[tuple[str, Rule | None]]
    frees: int
    freed: int
    share: int  # of all blocked units, per cent, rounded down
    frees_url: str
    freed_url: str


@require(Permission.READ)
@require_safe
def unblock(request: HttpRequest) -> HttpResponse:
    filters = filters_of(request)
    found = unblocking.unblocking(filters)
    facets = _facets(request, found)
    stages = _stages(filters, found)
    rows = [
        Row(one, _units(filters, frees=[one.rule_id]), _units(filters, blocks=[one.rule_id]))
        for one in _sorted(request, found.blockers)
    ]
    return render(
        request,
        "rules/unblock.html",
        {
            "found": found,
            "narrow": filters.narrow,
            "rows": rows,
            "stages": stages,
            "first": stages[:FIRST][-1] if stages else None,
            "facets": facets,
            "applied": lists.applied(facets),
        },
    )


def filters_of(request: HttpRequest) -> Filters:
    """Only what has a filter here: else a number would be narrowed by something nobody sees."""
    return Filters.read({name: request.GET.getlist(name) for name in unblocking.FACETS})


def _sorted(request: HttpRequest, blockers: list[Blocker]) -> list[Blocker]:
    wanted = request.GET.get("sort", "")
    wanted = wanted if wanted.removeprefix("-") in SORTS else DEFAULT
    by_name = sorted(blockers, key=lambda one: one.rule_id)
    return sorted(by_name, key=SORTS[wanted.removeprefix("-")], reverse=wanted.startswith("-"))


def _units(filters: Filters, **rules: list[str]) -> str:
    """The list of the inventory behind a number."""
    return f"{reverse('inventory')}?{urlencode([*filters.pairs(), *((k, one) for k in rules for one in rules[k])])}"


def _stages(filters: Filters, found: unblocking.Unblocking) -> list[Stage]:
    return [
        Stage(
            number,
            len(step.lifted),
            [(rule_id, rule_or_none(rule_id)) for rule_id in step.rules],
            step.frees,
            step.freed,
            100 * step.freed // found.blocked,
            # freed by now, and held by a rule of this step: so not freed before
            _units(filters, frees=list(step.lifted), blocks=list(step.rules)),
            _units(filters, frees=list(step.lifted)),
        )
        for number, step in enumerate(found.steps, 1)
    ]


def _facets(request: HttpRequest, found: unblocking.Unblocking) -> list[lists.Facet]:
    facets = []
    for name, counted in found.facets.items():
        given: list[tuple[str, str, Any]] = [(one.value, label_of(name, one), one.count) for one in counted]
        facet = lists.facet(request, name, TITLES[name], given)
        if len(facet.options) > 1 or facet.chosen:
            facets.append(facet)
    return facets
