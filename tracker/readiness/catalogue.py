"""Which catalogue is in force, what waits, and what of stored findings it holds. Reads only.

The code has one catalogue; the one in force is the one somebody switched on last. While they differ, `Standing` says
what of the code's counts and what of the stored findings stands in its place (migrator.readiness.holding).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from migrator import readiness
from migrator.readiness import Context, Effect, Evaluation, Evidence, Finding, Outcome
from migrator.readiness.holding import Age, Held, Stored, hold
from migrator.readiness.manifest import Changes, Manifest, compare
from migrator.units import Unit as Drawn
from tracker.inventory.models import Resource, Unit
from tracker.readiness import models
from tracker.readiness.catalogue_models import AnsweredAhead, CatalogueVersion, CatalogueWork

IN_FORCE = """
SELECT version FROM tracker_catalogueversion WHERE switched_on_at IS NOT NULL ORDER BY switched_on_at DESC, id DESC
 LIMIT 1
"""


def in_force() -> CatalogueVersion | None:
    """The catalogue switched on last; None before the product first ran."""
    switched = CatalogueVersion.objects.filter(switched_on_at__isnull=False)
    return switched.order_by("-switched_on_at", "-pk").defer("manifest").first()


def in_force_version() -> str:
    """Digest of the catalogue in force, for seals; the code's own before the product first ran."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FORCE)
        row = cursor.fetchone()
    return row[0] if row else readiness.catalogue_version


def waiting() -> CatalogueVersion | None:
    """The code's catalogue, when it is not the one in force and was noticed already."""
    row = in_force()
    if row is None or row.version == readiness.catalogue_version:
        return None
    return CatalogueVersion.objects.filter(version=readiness.catalogue_version, switched_on_at__isnull=True).first()


def changes(row: CatalogueVersion) -> Changes:
    """What the code's catalogue does to the one in force."""
    return compare(row.manifest, readiness.catalogue_manifest)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an evaluation goes by. `version`: in force; `other`: of the code. `since`: when the waiting catalogue came;
    None: none waits."""

    in_force_id: int
    version: str
    other: str
    since: datetime | None = None
    manifest: Manifest = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    @property
    def waits(self) -> bool:
        return self.since is not None


def standing() -> Standing | None:
    """None when it is not written yet what is in force, or what waits: `actions.know_catalogue` does."""
    row = in_force()
    if row is None:
        return None
    if row.version == readiness.catalogue_version:
        return Standing(row.pk, row.version, row.version)
    other = CatalogueVersion.objects.filter(version=readiness.catalogue_version, switched_on_at__isnull=True)
    since = other.values_list("known_since", flat=True).first()
    if since is None:
        return None
    return Standing(row.pk, row.version, readiness.catalogue_version, since, row.manifest, changes(row))


@dataclass(frozen=True, slots=True)
class Judged:
    """One unit and what the code's catalogue says of it."""

    unit: Unit
    drawn: Drawn
    context: Context
    evaluation: Evaluation
    seen: bool  # assessed before


def held(here: Standing, batch: Sequence[Judged]) -> list[Held]:
    """What the catalogue in force says of the units, in their order; three queries."""
    assert here.since is not None  # noqa: S101 - asked only where one waits
    pks = [one.unit.pk for one in batch]
    stored: dict[int, list[Finding]] = {pk: [] for pk in pks}
    rows = models.Finding.objects.filter(unit__in=pks, rule__in=here.changes.held) if here.changes.held else ()
    for row in rows:
        stored[row.unit_id].append(_finding(row))
    ahead: dict[int, frozenset[tuple[str, str]]] = {}
    for told in AnsweredAhead.objects.filter(unit__in=pks).exclude(version=here.version):
        ahead[told.unit_id] = frozenset((rule, key) for rule, key in told.rows)
    keys = {finding.resource_key for listed in stored.values() for finding in listed}
    keys |= {f.resource_key for one in batch for f in one.evaluation.findings if f.rule_id in here.changes.changed}
    ages = _ages(keys, here.since)
    return [
        hold(
            one.evaluation,
            one.drawn,
            one.context,
            changes=here.changes,
            in_force=here.manifest,
            stored=Stored(
                tuple(stored[one.unit.pk]),
                ahead.get(one.unit.pk, frozenset()),
                one.seen,
                any(answer.at > here.since for answer in one.context.answers()),
            ),
            ages=_with_unit(ages, one.unit, here.since),
        )
        for one in batch
    ]


def _finding(row: models.Finding) -> Finding:
    return Finding(
        row.rule,
        Effect(row.effect),
        Outcome(row.outcome),
        row.resource_key,
        row.resource_name,
        tuple(Evidence(one["field"], one["value"]) for one in row.evidence),
        row.sentence,
        row.settles,
        row.source,
        row.waived,
    )


def _ages(keys: Iterable[str], since: datetime) -> dict[str, Age]:
    rows = Resource.objects.filter(key__in=list(keys), gone_at__isnull=True)
    return {key: _age(*at, since) for key, *at in rows.values_list("key", "first_seen_at", "changed_at")}


def _age(first: datetime, changed: datetime, since: datetime) -> Age:
    return Age.NEW if first > since else Age.CHANGED if changed > since else Age.SAME


def _with_unit(ages: Mapping[str, Age], unit: Unit, since: datetime) -> Mapping[str, Age]:
    """The unit's key is often that of a member too; what moved last counts."""
    own = _age(unit.first_seen_at, unit.changed_at, since)
    return {**ages, unit.key: min(own, ages.get(unit.key, Age.SAME))}


def due(now: datetime) -> list[int]:
    """Walks over the units to take a step of."""
    free = CatalogueWork.objects.filter(due_at__lte=now).filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
    return list(free.values_list("pk", flat=True))


def locked() -> QuerySet[Unit]:
    """Units whose management plane is locked: prepared, or on the way there or back."""
    return Unit.objects.filter(locked_since__isnull=False, gone_at__isnull=True)


def as_of(unit: Unit, newest: models.Assessment | None) -> dict[tuple[str, str], str]:
    """While a catalogue waits: which stored findings of held rules are which catalogue's, by (rule, resource).
    `newest`: the unit's assessment; made with the code's own catalogue, it says that none waits."""
    if newest is None or newest.catalogue_version == readiness.catalogue_version:
        return {}
    here = standing()
    if here is None or not here.waits or not here.changes.held:
        return {}
    rows = models.Finding.objects.filter(unit=unit, rule__in=here.changes.held).values_list("rule", "resource_key")
    told = AnsweredAhead.objects.filter(unit=unit).exclude(version=here.version).first()
    ahead = {(rule, key) for rule, key in told.rows} if told else set()
    return {key: told.version if told and key in ahead else here.version for key in rows}


def named(version: str) -> str:
    """A catalogue as people are told of it: the beginning of its digest."""
    return version[:12]
