"""The field in the top bar: units, resources, waves, runs, rules by name or id, events by id. An exact id leads
straight to its page."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from migrator.readiness import CATALOGUE
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.audit.models import Event
from tracker.inventory import queries as inventory
from tracker.inventory.models import Resource
from tracker.runs import queries as runs
from tracker.runs.models import Attempt, Run
from tracker.waves import queries as waves

LEAST = 2  # characters
SHOWN = 8  # of each sort; the list page shows the rest


@dataclass(frozen=True, slots=True)
class Group:
    """One sort of results. `more_url`: the list with the same text, where there are more than are shown."""

    title: str
    kind: str  # template branch: unit, resource, wave, run, rule
    found: list[tuple[Any, str]]  # (row, address)
    more_url: str = ""


def _address(name: str, *parts: object) -> str:
    try:
        return reverse(name, args=parts)
    except NoReverseMatch:
        return ""


def _exact(text: str) -> str:
    """The page of the one thing whose id this is."""
    if text.startswith("/"):
        if unit := inventory.unit_by_key(text.rstrip("/").lower()):
            return _address("unit", unit.pk)
        member = Resource.objects.defer("document").filter(key=text.rstrip("/").lower(), unit__isnull=False).first()
        return _member(member) if member else ""
    if identity := _uuid(text):
        if Run.objects.filter(pk=identity).exists():
            return _address("run", identity)
        if Event.objects.filter(pk=identity).exists():
            return _address("audit_event", identity)
    return ""


def _member(row: Resource) -> str:
    """A member is shown with its snapshots, on the page of its unit."""
    page = _address("unit_tab", row.unit_id, "snapshots")
    return f"{page}?resource={row.pk}" if page else ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _groups(text: str) -> list[Group]:
    filters = inventory.Filters.read({"q": [text], "gone": ["show"]})
    units = inventory.page(filters, size=SHOWN + 1).units
    found_waves = list(waves.waves().filter(Q(name__icontains=text) | Q(owner__icontains=text))[: SHOWN + 1])
    # a request or correlation id out of a support mail leads to the run that sent it
    sent = Attempt.objects.filter(Q(request_id__iexact=text) | Q(correlation_id__iexact=text) | Q(pk=_uuid(text)))
    found_runs = list(
        runs.runs().filter(Q(unit__name__icontains=text) | Q(pk__in=sent.values("operation__run_id")))[: SHOWN + 1]
    )
    members = Resource.objects.filter(name__icontains=text, unit__isnull=False).exclude(unit__key=F("key"))
    members = members.select_related("unit").defer("document").order_by("name", "pk")
    lowered = text.lower()
    rules = [rule for rule in CATALOGUE if lowered in rule.id.lower() or lowered in rule.title.lower()]
    groups = (
        ("Units", "unit", units, "inventory", lambda row: _address("unit", row.pk)),
        ("Resources", "resource", list(members[: SHOWN + 1]), "", _member),
        ("Waves", "wave", found_waves, "waves", lambda row: _address("wave", row.pk)),
        ("Runs", "run", found_runs, "runs", lambda row: _address("run", row.pk)),
        ("Rules", "rule", rules, "rules", lambda row: _address("rule", row.id)),
    )
    answer = []
    for title, kind, rows, section, address in groups:
        more = _address(section) if section and len(rows) > SHOWN else ""
        if more and kind == "unit":
            more = f"{more}?{urlencode({'q': text})}"
        if rows:
            answer.append(Group(title, kind, [(row, address(row)) for row in rows[:SHOWN]], more))
    return answer


@require(Permission.READ)
def results(request: HttpRequest) -> HttpResponse:
    text = "".join(c for c in request.GET.get("q", "")[:400] if c.isprintable()).strip()
    if len(text) < LEAST:
        return render(request, "search/results.html", {"text_sought": text, "least": LEAST, "groups": []})
    if page := _exact(text):
        return HttpResponseRedirect(page)
    return render(request, "search/results.html", {"text_sought": text, "least": 0, "groups": _groups(text)})
