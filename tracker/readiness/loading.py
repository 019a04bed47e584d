"""What an evaluation needs, out of the database, as the values of `migrator.readiness`. Reads only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrator import quota, units
from migrator.readiness import DEPENDENTS, Context, Shortfall, ValidationAnswer
from migrator.resources import UNKNOWN, Category, PlatformMessage, ResourceType, Unknown, Verb
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.inventory.reading import hidden_types
from tracker.readiness import around, given_files, people
from tracker.readiness.models import Assessment, PlatformAnswer

Told = Mapping[str, Iterable[quota.Shortfall]]  # unit key -> what the sums of quota found


@dataclass(frozen=True, slots=True)
class Last:
    """The newest assessment of a unit, as far as the next one needs it."""

    pk: int
    digest: str
    catalogue_version: str
    verdict: str
    score: int
    shortfalls: list[dict[str, Any]] | None
    movable: bool | None


@dataclass(frozen=True, slots=True)
class Ground:
    """One subscription's estate, ready to evaluate units of it."""

    context: Context
    drawn: Mapping[str, units.Unit]
    said: people.Said


FEW = 20  # units that are looked at without reading their whole subscription


def ground(subscription_id: str, now: datetime, listed: Sequence[Unit]) -> Ground:
    """What these units of one subscription are evaluated with; of a few, no more than they look at is read."""
    here = unread(subscription_id)
    if len(listed) <= FEW and (found := around.estate_around(subscription_id, listed)):
        estate, drawn = found
    else:
        estate = inventory.estate_of([subscription_id])
        drawn = {unit.key: unit for unit in units.resolve(estate.resources)}
    files = given_files.counting(subscription_id)
    return Ground(Context(estate=estate, now=now, unread=here, files=files), drawn, people.said(subscription_id, now))


def unread(subscription_id: str) -> frozenset[tuple[str, str]]:
    """What the last reading could not list in the whole subscription: silence about it means nothing."""
    reading = inventory.latest_reading(subscription_id)
    if reading is None:
        return frozenset()
    whole = ("", f"/subscriptions/{subscription_id}")
    hidden = [
        hidden_types(entry.get("action", ""))
        for entry in reading.unreadable
        if entry.get("resource", "").lower() in whole and entry.get("action")
    ]
    kinds = [*(member.value for member in ResourceType), DEPENDENTS]
    return frozenset((subscription_id, kind) for kind in kinds if any(hides(kind) for hides in hidden))


def answers(listed: Sequence[Unit]) -> dict[int, dict[str, ValidationAnswer]]:
    """The newest answer of each verb, by unit; not one that a later reading settled."""
    rows = (
        PlatformAnswer.objects.filter(unit__in=listed)
        .order_by("unit_id", "verb", "-at", "-pk")
        .distinct("unit_id", "verb")
        .select_related("settled")
    )
    found: dict[int, dict[str, ValidationAnswer]] = {}
    for row in rows:
        if hasattr(row, "settled"):
            continue
        messages = tuple(message(one) for one in row.messages)
        found.setdefault(row.unit_id, {})[row.verb] = ValidationAnswer(row.at, row.passed, messages)
    return found


def message(stored: Mapping[str, Any]) -> PlatformMessage:
    """A stored message; a category this version does not know counts as an error (azure.md 2.5)."""
    category = stored.get("category", "")
    return PlatformMessage(
        category=Category(category) if category in list(Category) else Category.ERROR,
        message=stored.get("message", ""),
        resource_type=stored.get("resource_type", ""),
        resource_name=stored.get("resource_name", ""),
        virtual_machine=stored.get("virtual_machine", ""),
        code=stored.get("code", ""),
    )


def last(units: Collection[int]) -> dict[int, Last]:
    """The newest assessment of each unit, by the unit's number."""
    rows = Assessment.objects.filter(unit__in=units).order_by("unit_id", "-at", "-pk").distinct("unit_id")
    found = rows.values_list(
        "unit_id", "pk", "digest", "catalogue_version", "verdict", "score", "shortfalls", "movable"
    )  # without the deductions, by far the most of it
    return {unit_id: Last(*told) for unit_id, *told in found}


def told_shortfalls(told: Told | None, unit: Unit, before: Last | None) -> list[dict[str, Any]] | None:
    """What is known of a unit's quota, as stored: from the caller, else from the last assessment; None: nobody counted.

    What is short for certain counts even where something else could not be judged; when nothing is short for certain
    and something could not be judged, nothing is known.
    """
    if told is None or unit.key not in told:
        return before.shortfalls if before else None
    listed = list(told[unit.key])
    short = [one for one in listed if one.enough is False]
    if not short and any(one.enough is UNKNOWN for one in listed):
        return None
    return [
        {
            "provider": one.need.provider,
            "family": one.need.name,
            "need": one.need.amount,
            "available": max(0, int(one.available)),  # known, because it is short for certain
        }
        for one in short
    ]


def told_movable(told: Collection[ResourceType] | None, unit: units.Unit, before: Last | None) -> bool | None:
    """Whether the verbs can be sent for a unit of this kind: as the caller says, else as at the last assessment; None:
    nobody said."""
    if told is None:
        return before.movable if before else None
    return units.SENT_TO[unit.kind] in told


def shortfall_values(stored: list[dict[str, Any]] | None) -> tuple[Shortfall, ...] | Unknown:
    if stored is None:
        return UNKNOWN
    return tuple(Shortfall(one["family"], one["need"], one["available"], one["provider"]) for one in stored)


def context_of(
    here: Ground,
    unit: Unit,
    given: Mapping[str, ValidationAnswer],
    shortfalls: list[dict[str, Any]] | None,
    movable: bool | None,
) -> Context:
    """The context of one unit: the shared estate, the platform's word on it and people's, its quota, whether it can be
    moved."""
    return here.context.about(
        attestations=here.said.attestations(here.drawn[unit.key]),
        waived=here.said.waived.get(unit.pk, {}),
        validation=given.get(Verb.VALIDATE),
        preparation=given.get(Verb.PREPARE),
        shortfalls=shortfall_values(shortfalls),
        movable=UNKNOWN if movable is None else movable,
    )
