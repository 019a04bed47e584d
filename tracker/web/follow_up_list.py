"""The list of follow-ups: what the address asks for, the numbers over it, and how it goes down.

Each number is counted with every filter in force but its own, and its link sets just that one: what a number says is
what its link shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from migrator.followups import Kind
from migrator.followups.ageing import BANDS
from tracker.followups import queries
from tracker.followups.models import FollowUp
from tracker.web import charts, lists
from tracker.web.views.runs import lists_text

State = FollowUp.State
FIGURES = (
    ("Need an answer", (State.QUESTION,), "attention", "circle-question-mark"),
    ("To do by people", (State.TODO,), "attention", "hand"),
    ("Open", (State.OPEN,), "neutral", "circle"),
    ("Under way", (State.WANTED, State.APPLIED), "progress", "loader"),
    ("Failed", (State.FAILED,), "stop", "circle-x"),
    ("Closed", (State.CLOSED,), "good", "check-check"),
)
ONLY = {"late": ("Late", "stop", "clock-alert"), "undone": ("Won't do asked", "attention", "circle-slash")}
AGES = {band.id: band.label for band in BANDS}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address narrows the list to; unknown words narrow it to nothing."""

    now: datetime
    text: str
    units: set[str]
    only: str
    chosen: Mapping[str, set[str]]  # state, kind, wave, age

    @classmethod
    def of(cls, request: HttpRequest, now: datetime) -> "Asked":
        chosen = {
            "state": set(request.GET.getlist("state")),
            "kind": set(request.GET.getlist("kind")),
            "wave": number(request.GET.getlist("wave")),
            "age": set(request.GET.getlist("age")),
        }
        only = request.GET.get("only", "")
        units = number(request.GET.getlist("unit")[:1])
        return cls(now, lists_text(request), units, only if only in ONLY else "", chosen)

    def around(self) -> QuerySet[FollowUp]:
        """By text and unit."""
        found = queries.placed()
        if self.text:
            found = found.filter(Q(title__icontains=self.text) | Q(unit__name__icontains=self.text))
        return found.filter(unit_id__in=self.units) if self.units else found

    def only_those(self, only: str) -> Q:
        still = ~Q(state=State.CLOSED)
        return still & (Q(due_on__lt=self.now.date()) if only == "late" else Q(wont_at__isnull=False))

    def special(self, found: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        return found.filter(self.only_those(self.only)) if self.only else found

    def pressing(self) -> dict[str, int]:
        """How many the list would show with each word of `ONLY`; one query."""
        each = {only: Count("pk", filter=self.only_those(only)) for only in ONLY}
        found: dict[str, int] = self.narrowed(self.around()).order_by().aggregate(**each)
        return found

    def narrowed(self, found: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        """By what was chosen of the facets."""
        if self.chosen["state"]:
            found = found.filter(state__in=self.chosen["state"] & set(State.values))
        if self.chosen["kind"]:
            found = found.filter(kind__in=self.chosen["kind"] & {kind.value for kind in Kind})
        if self.chosen["wave"]:
            found = found.filter(unit__placement__wave_id__in=self.chosen["wave"])
        return queries.of_ages(found, self.chosen["age"], self.now) if self.chosen["age"] else found

    def rows(self) -> QuerySet[FollowUp]:
        """Exactly what the list shows, all pages of it."""
        return self.narrowed(self.special(self.around()))

    @property
    def anything(self) -> bool:
        return bool(self.text or self.units or self.only)


def number(values: list[str]) -> set[str]:
    return {value for value in values if value.isascii() and value.isdecimal() and len(value) < 10}


_COLUMNS = {"state": "state", "kind": "kind", "wave": "unit__placement__wave_id", "age": "age"}


class Counted:
    """How many there are by state, kind, wave and age; one query, a line for each that occurs."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        names = [*_COLUMNS.values(), "unit__placement__wave__name"] + (["unit__name"] if asked.units else [])
        found = queries.with_age(asked.special(asked.around()), asked.now).order_by()
        self.lines = list(found.values(*names).annotate(n=Count("pk")).order_by())

    def __call__(self, but: str = "", **values: object) -> int:
        """Those in the filters in force, `but` one of them, which have one of the `values`."""
        return sum(
            line["n"]
            for line in self.lines
            if self._in(line, but) and all(line[_COLUMNS[name]] in wanted for name, wanted in values.items())  # type: ignore[operator]
        )

    def _in(self, line: Mapping[str, Any], but: str) -> bool:
        wave = line["unit__placement__wave_id"]
        values = {"state": line["state"], "kind": line["kind"], "wave": str(wave) if wave else "", "age": line["age"]}
        chosen = self.asked.chosen
        return all(not chosen[name] or values[name] in chosen[name] for name in chosen if name != but)

    def figures(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [
            {
                "label": label,
                "value": self("state", state=states),
                "hue": hue,
                "icon": icon,
                "url": lists.address(request.GET, state=[str(state) for state in states]),
            }
            for label, states, hue, icon in FIGURES
        ]

    def ages(self, request: HttpRequest) -> list[dict[str, Any]]:
        """How old what is owed is."""
        return [
            {
                "label": label,
                "value": self("age", age=(name,)),
                "chosen": name in self.asked.chosen["age"],
                "url": lists.address(request.GET, age=name),
            }
            for name, label in AGES.items()
        ]

    def facets(self, request: HttpRequest) -> list[lists.Facet]:
        kinds = {line["kind"] for line in self.lines}
        waves = {(line["unit__placement__wave__name"], line["unit__placement__wave_id"]) for line in self.lines}
        return [
            lists.facet(
                request, "state", "State", [(s, s, self("state", state=(s,))) for s in State.values], chip="follow-up"
            ),
            lists.facet(
                request, "age", "Owed for", [(name, label, self("age", age=(name,))) for name, label in AGES.items()]
            ),
            lists.facet(
                request, "kind", "Kind",
                [(k.value, k.value.capitalize(), self("kind", kind=(k.value,))) for k in Kind if k.value in kinds],
            ),
            lists.facet(
                request, "wave", "Wave",
                [(str(pk), name, self("wave", wave=(pk,))) for name, pk in sorted(
                    (name, pk) for name, pk in waves if pk)],
            ),
        ]  # fmt: skip

    def ready(self) -> list[dict[str, Any]]:
        """Waves with open follow-ups that need nothing but to be applied; not where the list is narrowed further."""
        if self.asked.anything or self.asked.chosen["kind"] or self.asked.chosen["age"]:
            return []
        found: dict[int, dict[str, Any]] = {}
        waves = self.asked.chosen["wave"]
        for line in self.lines:
            pk = line["unit__placement__wave_id"]
            if line["state"] == State.OPEN and pk and (not waves or str(pk) in waves):
                wave = found.setdefault(pk, {"pk": pk, "name": line["unit__placement__wave__name"], "n": 0})
                wave["n"] += line["n"]
        return sorted(found.values(), key=lambda wave: wave["name"])

    def wave(self) -> dict[str, Any] | None:
        """The one wave the list is narrowed to, with how many of it are not closed."""
        if len(self.asked.chosen["wave"]) != 1:
            return None
        (pk,) = self.asked.chosen["wave"]
        lines = [line for line in self.lines if str(line["unit__placement__wave_id"]) == pk]
        if not lines:
            return None
        still = sum(line["n"] for line in lines if line["state"] != State.CLOSED)
        return {"pk": pk, "name": lines[0]["unit__placement__wave__name"], "open": still}


def burn_down(asked: Asked, wave: str) -> dict[str, Any]:
    """What `parts/burn_up.html` needs: open and closed by day, of all or of the waves chosen, whatever else the list is
    narrowed to. `wave`: its name, when it is one."""
    rows = FollowUp.objects.all()
    if asked.chosen["wave"]:
        rows = rows.filter(unit__placement__wave_id__in=asked.chosen["wave"])
    days = queries.burning_down(rows, timezone.localdate(asked.now))
    series = [
        charts.Series("Not closed", "scope", [(one.day, float(one.open)) for one in days]),
        charts.Series("Closed", "done", [(one.day, float(one.closed)) for one in days]),
    ]
    last = days[-1] if days else None
    of = f" of {wave}" if wave else " of the waves chosen" if asked.chosen["wave"] else ""
    if last is None:
        finding = f"No follow-up{of} yet"
    elif not last.open:
        finding = f"All {last.closed:,} follow-ups{of} are closed"
    else:
        finding = f"{last.open:,} of {last.open + last.closed:,} follow-ups{of} are not closed"
    return {"finding": finding, "chart": charts.burn_up(series, today=timezone.localdate(asked.now))}
