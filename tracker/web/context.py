"""What every page carries around its content: who, where, what waits, whether anything is frozen. One query, made
only when used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Value, prefetch_related_objects
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from tracker.accounts.models import User
from tracker.accounts.permissions import Permission, Role
from tracker.followups.models import FollowUp
from tracker.inventory.models import Subscription
from tracker.runs.models import Run
from tracker.waves import queries as waves
from tracker.waves.models import Freeze
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
    Section("Inventory", "inventory", "boxes", ("/inventory/", "/units/"), short=True),
    Section("Waves", "waves", "waves-horizontal", ("/waves/",), short=True, gap=True),
    Section("Approvals", "approvals", "clipboard-check", ("/approvals/",)),
    Section("Runs", "runs", "activity", ("/runs/",), short=True),
    Section("Quota", "quota", "gauge", ("/quota/",), gap=True),
    Section("Follow-ups", "follow_ups", "list-todo", ("/follow-ups/",)),
    Section("Audit", "audit", "scroll-text", ("/audit/",), gap=True),
    Section("Rules", "rules", "book-open", ("/rules/",)),
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
class Frame:
    roles: tuple[Role, ...]
    places: tuple[Place, ...]
    waiting: int  # approvals this person could decide now
    needs_person: int  # live runs that wait for a person
    freezes: tuple[Freeze, ...]
    search_url: str  # empty until the page exists

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
    prefetch_related_objects([user], "grants")  # once; then every `user.may` of the page is free
    rows = list(_rows(user, now))
    for row in rows:
        row.words = words.frozen(row.scope, row.subscription_name or "")
    first = rows[0] if rows else None
    waiting, needs, owed = (first.waiting, first.needs, first.owed) if first else (0, 0, 0)
    counts = {
        "approvals": (waiting, "attention", "waiting on you"),
        "runs": (needs, "stop", "need a person"),
        "follow_ups": (owed, "neutral", "not yet closed"),
    }
    return Frame(
        roles=tuple(sorted(user.roles)),
        places=tuple(_places(request.path, counts, user)),
        waiting=waiting,
        needs_person=needs,
        freezes=tuple(sorted((row for row in rows if row.frozen), key=lambda row: (row.scope != "all", row.scope))),
        search_url=_address("search"),
    )


class _CountOf(Subquery):
    """`(SELECT count(*) FROM (…))`: also right for a query that groups."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _rows(user: User, now: datetime) -> QuerySet[Freeze]:
    """Active freezes, and on each of them (the row `all` is always there) the counts of the rail: one query."""
    waiting = waves.waiting_on(user, now).order_by().values("pk") if user.may(Permission.APPROVE) else None
    needs = Run.objects.filter(ended_at__isnull=True).exclude(attention="").values("pk")
    owed = FollowUp.objects.exclude(state=FollowUp.State.CLOSED).values("pk")
    named = Subscription.objects.filter(pk=Substr(OuterRef("scope"), len("subscription:") + 1))
    return Freeze.objects.filter(Q(scope="all") | Q(frozen=True)).annotate(
        waiting=_CountOf(waiting) if waiting is not None else Value(0),
        needs=_CountOf(needs),
        owed=_CountOf(owed),
        subscription_name=Subquery(named.values("name")[:1]),
    )


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
