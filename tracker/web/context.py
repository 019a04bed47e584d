"""What every page carries around its content: who, where, what waits, whether anything is frozen. One query, made
only when used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import CharField, IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat, Substr
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString

from migrator import readiness
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission, Role
from tracker.fixes import queries as fixes
from tracker.followups.models import FollowUp
from tracker.inventory.models import Subscription
from tracker.readiness import people
from tracker.readiness.catalogue_models import CatalogueVersion
from tracker.runs.models import Run
from tracker.waves import queries as waves
from tracker.waves.models import Freeze, Wave
from tracker.web import words

THEMES = ("auto", "light", "dark")
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True, slots=True)
class Section:
    """One place of the rail. `under`: beginnings of the addresses that belong to it. `short`: it stands in the bottom
    bar of a phone."""

    label: str
    name: str  # of the URL
    icon: str
    under: tuple[str, ...]
    short: bool = False
    gap: bool = False
    permission: Permission = Permission.READ  # only people with it see the place


SECTIONS = (
    Section("Overview", "overview", "layout-dashboard", (), short=True),
    Section("Inventory", "inventory", "boxes", ("/inventory/", "/units/", "/resources/"), short=True),
    Section("Waves", "waves", "waves-horizontal", ("/waves/",), short=True, gap=True),
    Section("Approvals", "approvals", "clipboard-check", ("/approvals/",)),
    Section("Runs", "runs", "activity", ("/runs/", "/validations/", "/locks/"), short=True),
    Section("Quota", "quota", "gauge", ("/quota/",), gap=True),
    Section("Follow-ups", "follow_ups", "list-todo", ("/follow-ups/",)),
    Section("Fixes", "fixes", "wrench", ("/fixes/",)),
    Section("Waivers", "waivers", "circle-slash", ("/waivers/", "/attestations/")),
    Section("Audit", "audit", "scroll-text", ("/audit/",), gap=True),
    Section("Rules", "rules", "book-open", ("/rules/", "/readiness/")),
    Section("Settings", "settings", "settings", ("/settings/",), permission=Permission.READ_SETTINGS),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A section as this request shows it."""

    label: str
    url: str
    icon: str
    here: bool
    count: int
    count_hue: str
    count_means: str
    short: bool
    gap: bool


@dataclass(frozen=True, slots=True)
class Frozen:
    """An active freeze as a banner says it."""

    scope: str
    words: str
    reason: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Frame:
    roles: tuple[Role, ...]
    places: tuple[Place, ...]
    waiting: int  # approvals this person could decide now
    needs_person: int  # live runs that wait for a person
    freezes: tuple[Frozen, ...]
    search_url: str  # empty until the page exists
    catalogue_waits: bool = False  # and this person may switch it on

    @property
    def rail(self) -> SafeString:
        return _drawn("parts/rail.html", self.places, self.waiting)

    @property
    def bottom_bar(self) -> SafeString:
        return _drawn("parts/bottom_bar.html", self.places, self.waiting)

    @property
    def initial(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.short)

    @property
    def further(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if not place.short)

    @property
    def further_here(self) -> bool:
        return any(place.here for place in self.further)

    @property
    def further_count(self) -> int:
        return sum(place.count for place in self.further)


@lru_cache(maxsize=512)
def _drawn(template: str, places: tuple[Place, ...], waiting: int) -> SafeString:
    """A bar of the frame: the same for everybody who is at the same place and is told the same numbers."""
    return render_to_string(template, {"frame": Frame((), places, waiting, 0, (), "")})


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` (signed-in people only, lazy), `chosen` (theme and density), `now`, `simulator`."""
    user = getattr(request, "user", None)
    now = timezone.now()
    context: dict[str, Any] = {"chosen": chosen(request), "now": now, "simulator": settings.ENDPOINT_IS_SIMULATOR}
    if user is not None:
        context["frame"] = SimpleLazyObject(lambda: build(request, now) if user.is_authenticated else None)
    return context


def chosen(request: HttpRequest) -> dict[str, str]:
    """Theme and density as the person chose them, from two cookies; anything unknown is the default."""
    theme, density = request.COOKIES.get("theme", ""), request.COOKIES.get("density", "")
    return {
        "theme": theme if theme in THEMES else THEMES[0],
        "density": density if density in DENSITIES else DENSITIES[0],
    }


def build(request: HttpRequest, now: datetime) -> Frame:
    user: User = request.user  # type: ignore[assignment]
    user.know_roles()
    rows = _rows(user, now)
    waiting, needs, owed, fixing, waiving = rows[0][-5:] if rows else (0, 0, 0, 0, 0)
    counts = {
        "approvals": (waiting, "attention", "waiting on you"),
        "runs": (needs, "stop", "need a person"),
        "follow_ups": (owed, "neutral", "not yet closed"),
        "fixes": (fixing, "attention", "waiting on you"),
        "waivers": (waiving, "attention", "waiting on you"),
    }
    freezes = [
        Frozen(scope, words.frozen(scope, name or ""), reason, at) for scope, on, reason, at, name, *_ in rows if on
    ]
    return Frame(
        roles=tuple(sorted(user.roles)),
        places=tuple(_places(request.path, counts, user)),
        waiting=waiting,
        needs_person=needs,
        freezes=tuple(sorted(freezes, key=lambda one: (one.scope != "all", one.scope))),
        search_url=_address("search"),
        catalogue_waits=bool(rows) and user.may(Permission.SWITCH_CATALOGUE) and _another(rows[0][5]),
    )


def _another(in_force: str | None) -> bool:
    """Whether the catalogue of rules in force is not the one of this version of the product."""
    return in_force is not None and in_force != readiness.catalogue_version


class _CountOf(Subquery):
    """`(SELECT count(*) FROM (…))`: also right for a query that groups."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _rows(user: User, now: datetime) -> list[tuple[Any, ...]]:
    """(scope, frozen, reason, since when, subscription's name, the catalogue of rules in force, waiting, needs, owed,
    fixing, waiving) of each active freeze; the row of `all` is always there, and the counts of the rail stand on each:
    one query."""
    statement, parameters = _composed(user.may(Permission.APPROVE))
    given = {_SOMEBODY.pk: user.pk, _SOME_TIME: now}
    with connection.cursor() as cursor:
        cursor.execute(statement, [given.get(value, value) for value in parameters])
        return cursor.fetchall()


_SOMEBODY, _SOME_TIME = User(pk=-1), datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=2)
def _composed(approves: bool) -> tuple[str, tuple[Any, ...]]:
    """The statement of `_rows` for somebody at some time. Composing it takes three times as long as running it, and
    every page needs it."""
    waiting = waves.waiting_on(_SOMEBODY, _SOME_TIME).order_by().values("pk") if approves else None
    needs = Run.objects.filter(ended_at__isnull=True).exclude(attention="").values("pk")
    open_states = [state for state in FollowUp.State if state is not FollowUp.State.CLOSED]
    fixing = fixes.waiting_on(_SOMEBODY).values("pk") if approves else None
    waiving = people.waiting_on(_SOMEBODY).values("pk") if approves else None
    owed = FollowUp.objects.filter(state__in=open_states).values("pk")
    named = Subscription.objects.filter(pk=Substr(OuterRef("scope"), len("subscription:") + 1))
    wave = Wave.objects.annotate(scope=Concat(Value("wave:"), Cast("pk", CharField()))).filter(scope=OuterRef("scope"))
    in_force = CatalogueVersion.objects.filter(switched_on_at__isnull=False).order_by("-switched_on_at", "-pk")
    rows = Freeze.objects.filter(Q(scope="all") | Q(frozen=True)).annotate(
        named=Coalesce(Subquery(named.values("name")[:1]), Subquery(wave.values("name")[:1])),
        in_force=Subquery(in_force.values("version")[:1]),
        waiting=_CountOf(waiting) if waiting is not None else Value(0),
        needs=_CountOf(needs),
        owed=_CountOf(owed),
        fixing=_CountOf(fixing) if fixing is not None else Value(0),
        waiving=_CountOf(waiving) if waiving is not None else Value(0),
    )
    counts = ("waiting", "needs", "owed", "fixing", "waiving")
    columns = ("scope", "frozen", "reason", "changed_at", "named", "in_force", *counts)
    return rows.values_list(*columns).query.sql_with_params()


def _places(path: str, counts: Mapping[str, tuple[int, str, str]], user: User) -> list[Place]:
    places = []
    for section in SECTIONS:
        url = _address(section.name)
        if not url or not user.may(section.permission):
            continue  # only pages that exist, and open to this person
        count, hue, means = counts.get(section.name, (0, "neutral", ""))
        here = path == url or path.startswith(section.under) if section.under else path == url
        places.append(Place(section.label, url, section.icon, here, count, hue, means, section.short, section.gap))
    return places


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
