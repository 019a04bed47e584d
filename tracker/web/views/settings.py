"""Settings: which Azure, how it is signed in to, in which versions it is asked, what was inferred, how long the engine
waits. Read only: settings come from the environment; what Azure said is what the worker stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from migrator.gateway import clouds, versions
from migrator.gateway.kinds import KINDS, Kind
from migrator.gateway.shapes import INFERRED, Inferred, Shapes
from migrator.lifecycle import LIVE, REHEARSAL
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.connections import queries
from tracker.connections.models import Check
from tracker.runs import watching

TIMINGS = {
    "http_deadline": "One exchange with Azure may take",
    "late_arrival": "Latest moment a request may still take effect",
    "quarantine": "After a request without an answer, nothing is sent for",
    "confirm": "Between two equal reads that end a doubt",
    "poll": "Between looks, when Azure names no time",
    "max_poll": "Longest time between looks",
    "look_again": "After a read that failed",
    "held": "Before a held operation is looked at again",
    "first_check": "From Commit to the reading that makes a unit verified",
    "lease": "A worker that says nothing loses its run after",
}
DOORS = {
    Check.Door.RESOURCE_MANAGER: "Resource Manager",
    Check.Door.SERVICE_MANAGEMENT: "Service management",
    Check.Door.CREDENTIAL: "Sign-in",
}
FIXED = (
    ("Subscriptions", versions.SUBSCRIPTIONS),
    ("Providers, resource groups", versions.RESOURCES),
    ("Resource Graph", versions.RESOURCE_GRAPH),
    ("Features", versions.FEATURES),
)
SOURCES = {"setting": "set by hand", "provider metadata": "provider metadata", "table": "built-in table"}


@dataclass(frozen=True, slots=True)
class ShapeRow:
    inferred: Inferred
    value: str
    by_hand: bool


@require(Permission.READ_SETTINGS)
@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    cloud, seen = settings.AZURE_CLOUD, queries.checks()
    used, (registered, more) = queries.versions_used(), queries.registered()
    names = list(dict.fromkeys(name for one in registered for name in one.registrations))
    timings = REHEARSAL if settings.ENGINE_TIMINGS == "rehearsal" else LIVE
    return render(
        request,
        "settings/connections.html",
        {
            "cloud": cloud,
            "resource_manager": settings.ARM_ENDPOINT,
            "service_management": settings.SERVICE_MANAGEMENT_ENDPOINT,
            "service_management_known": _known_by_hearsay(),
            "key_vaults": settings.KEY_VAULTS,
            "audience": _audience(settings.ARM_ENDPOINT),
            "credential": KINDS[Kind(settings.AZURE_CREDENTIAL)],
            "doors": [(label, seen.get(door), _state(seen.get(door))) for door, label in DOORS.items()],
            "registered": [
                (one, [(name, one.registrations.get(name)) for name in names], queries.missing(one))
                for one in registered
            ],
            "registered_more": more,
            "any_used": bool(used),
            "providers": _providers(used),
            "doubts": [one for one in used if one.doubt],
            "fixed": FIXED,
            "shapes": [_shape(one) for one in INFERRED],
            "timings": [(label, getattr(timings, name), getattr(LIVE, name)) for name, label in TIMINGS.items()],
            "rehearsal": timings is REHEARSAL,
            "epoch": watching.epoch(),
            "read_back": watching.read_back(),
            "assertions": watching.assertions_looked(),
            "witness": settings.EPOCH_WITNESS,
            "approvals": settings.APPROVALS_NEEDED,
            "time_zone": settings.TIME_ZONE,
            "old_after": settings.OLD_AFTER_HOURS,
        },
    )


@dataclass(frozen=True, slots=True)
class Provider:
    """The types of one provider, each with where its version came from."""

    name: str
    rows: list[tuple[queries.Used, str]]

    @property
    def sources(self) -> str:
        return ", ".join(dict.fromkeys(source for _, source in self.rows))


def _providers(used: list[queries.Used]) -> list[Provider]:
    found: dict[str, list[tuple[queries.Used, str]]] = {}
    for one in used:
        found.setdefault(one.kind.partition("/")[0], []).append((one, SOURCES.get(one.source, one.source)))
    return [Provider(name, rows) for name, rows in sorted(found.items())]


def _state(check: Check | None) -> str:
    """Value of the chip `connection`."""
    return "unknown" if check is None else "well" if check.good else "not well"


def _known_by_hearsay() -> bool:
    """Whether the address of service management is one nobody has confirmed."""
    cloud = settings.AZURE_CLOUD
    by_default = cloud.service_management == settings.SERVICE_MANAGEMENT_ENDPOINT
    return by_default and cloud.service_management_evidence != "D"


def _audience(endpoint: str) -> str:
    return (clouds.audience_of((urlsplit(endpoint).hostname or "").lower()) or f"{endpoint}/.default").removesuffix(
        "/.default"
    )


def _shape(one: Inferred) -> ShapeRow:
    value, default = getattr(settings.AZURE_SHAPES, one.field), getattr(Shapes(), one.field)
    if isinstance(value, Mapping):
        text = json.dumps(dict(value), ensure_ascii=False, indent=1)
    else:
        text = "\n".join(value) if isinstance(value, tuple) else str(value)
    return ShapeRow(one, text, dict(value) != dict(default) if isinstance(value, Mapping) else value != default)
