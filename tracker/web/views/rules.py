"""The catalogue as a document: every rule with its sources, what was said before, and how many units it touches."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from migrator import readiness as catalogue
from migrator.readiness import CATALOGUE, DOCUMENTS, PLATFORM, Effect, Rule, Scope, UnknownRule
from migrator.readiness.rows import PLACES, SEED0, SEED1, coverage
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.readiness import queries as readiness
from tracker.readiness import touched
from tracker.readiness.catalogue import in_force_version
from tracker.readiness.queries import RuleCount
from tracker.web import lists, rechecks

SORTS = {"name": lists.Sort("name")}  # of the units of one rule
LONGEST = 100
AUTOMATABLE = {
    "yes": "can be done through Azure’s APIs",
    "part": "can partly be done through Azure’s APIs",
    "no": "is done by a person",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One scope with the rules that are left of it."""

    scope: str
    anchor: str
    rules: list[Any]  # RuleCount on the Rules page; (Rule, who makes its remedy) in the manual


@require(Permission.READ)
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    listed = readiness.rules()
    text = "".join(c for c in request.GET.get("q", "")[:LONGEST] if c.isprintable()).strip().lower()
    chosen = {name: request.GET.getlist(name) for name in ("effect", "scope", "touching")}
    left = [one for one in listed if _matches(one, text, chosen)]
    facets = _facets(request, listed, text, chosen)
    chapters = [
        Chapter(scope.value, _anchor(scope), [one for one in left if one.rule.scope is scope]) for scope in Scope
    ]
    return render(
        request,
        "rules/list.html",
        {
            "chapters": [one for one in chapters if one.rules],
            "facets": facets,
            "applied": lists.applied(facets),
            "left": len(left),
            "all": len(listed),
            "version": catalogue.catalogue_version,
            "in_force": in_force_version(),
            "documents": DOCUMENTS,
            "coverage": coverage(),
        },
    )


def _anchor(scope: Scope) -> str:
    return scope.name.lower().replace("_", "-")


@require(Permission.READ)
@require_safe
def manual(request: HttpRequest) -> HttpResponse:
    """Every rule whole on one page to print, then every row of the two source documents with what answers it."""
    listed: tuple[Rule, ...] = (*CATALOGUE, PLATFORM)
    return render(
        request,
        "rules/manual.html",
        {
            "chapters": [
                Chapter(
                    scope.value,
                    _anchor(scope),
                    [(one, AUTOMATABLE[one.automatable.value]) for one in listed if one.scope is scope],
                )
                for scope in Scope
            ],
            "all": len(listed),
            "version": catalogue.catalogue_version,
            "in_force": in_force_version(),
            "documents": DOCUMENTS,
            "coverage": coverage(),
            "tables": [
                (short, [(row, PLACES.get(row.place, "")) for row in rows])
                for short, rows in (("seed0", SEED0), ("seed1", SEED1))
            ],
        },
    )


def _matches(one: RuleCount, text: str, chosen: dict[str, list[str]], *, but: str = "") -> bool:
    """Whether a rule is left by the filters; `but`: a facet that is not asked, because its own choices are counted."""
    rule = one.rule
    if text and text not in f"{rule.id} {rule.title} {rule.statement} {rule.remedy}".lower():
        return False
    if but != "effect" and chosen["effect"] and rule.effect.value not in chosen["effect"]:
        return False
    if but != "scope" and chosen["scope"] and rule.scope.value not in chosen["scope"]:
        return False
    touching = {"yes": one.yes, "unknown": one.unknown}
    return but == "touching" or not chosen["touching"] or any(touching.get(word) for word in chosen["touching"])


def _facets(
    request: HttpRequest, listed: list[RuleCount], text: str, chosen: dict[str, list[str]]
) -> list[lists.Facet]:
    def number(name: str, fits: Any) -> int:
        return sum(1 for one in listed if fits(one) and _matches(one, text, chosen, but=name))

    effects = [(e.value, e.value, number("effect", lambda one, e=e: one.rule.effect is e)) for e in Effect]
    scopes = [(s.value, s.value.capitalize(), number("scope", lambda one, s=s: one.rule.scope is s)) for s in Scope]
    touching = [
        ("yes", "Applies to some unit", number("touching", lambda one: one.yes)),
        ("unknown", "Unknown for some unit", number("touching", lambda one: one.unknown)),
    ]
    return [
        lists.facet(request, "effect", "Effect", effects, chip="effect"),
        lists.facet(request, "scope", "Scope", scopes),
        lists.facet(request, "touching", "In this estate", touching),
    ]


@require(Permission.READ)
@require_safe
def rule(request: HttpRequest, rule_id: str) -> HttpResponse:
    """One rule whole, and the units it touches. `?only=yes`: those that no other rule blocks; `?outcome=unknown`."""
    try:
        found = catalogue.rule(rule_id)
    except UnknownRule as error:
        raise Http404 from error
    outcome = "unknown" if request.GET.get("outcome") == "unknown" else "yes"
    only = request.GET.get("only") == "yes" and outcome == "yes"
    page = lists.page(request, touched.units(rule_id, outcome, only=only), SORTS, default="name")
    return render(
        request,
        "rules/rule.html",
        {
            "rule": found,
            "automatable": AUTOMATABLE[found.automatable.value],
            "page": page,
            "units": touched.shown(page.rows, rule_id, outcome),
            "outcome": outcome,
            "only": only,
            "numbers": touched.numbers(rule_id),
            "rule_id": found.id,
            **rechecks.shown(request.user, rule=found.id),
        },
    )
