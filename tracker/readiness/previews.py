"""What a preview of a waiting catalogue found. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet

from tracker.inventory.models import VERDICTS, Unit
from tracker.readiness.catalogue_models import CatalogueEffect, CatalogueVersion, CatalogueWork

Kind, State = CatalogueWork.Kind, CatalogueWork.State


def newest(base: CatalogueVersion, other: CatalogueVersion) -> CatalogueWork | None:
    """The preview of `other` over `base`, finished or under way."""
    found = CatalogueWork.objects.filter(kind=Kind.PREVIEW, base=base, catalogue=other)
    return found.exclude(state=State.OUTDATED).order_by("-pk").first()


def assessing() -> CatalogueWork | None:
    """The walk over all units after a catalogue was switched on, while it lasts."""
    return CatalogueWork.objects.filter(kind=Kind.ASSESS, state=State.RUNNING).first()


def to_look_at(work: CatalogueWork) -> QuerySet[Unit]:
    """The units a walk goes over."""
    units = Unit.objects.filter(gone_at__isnull=True)
    return units.filter(_moved(work.since)) if work.since is not None else units


def moved_since(work: CatalogueWork) -> int:
    """Units the preview no longer speaks of: their inventory or their findings changed after it began."""
    return Unit.objects.filter(_moved(work.as_of), gone_at__isnull=True).count()


def _moved(since: datetime) -> Q:
    return Q(changed_at__gt=since) | Q(assessed_at__gt=since)


@dataclass(frozen=True, slots=True)
class Cell:
    """Units that go from one verdict to another."""

    before: str
    after: str
    units: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`touched`: units of which anything would change; `moved`: their verdict; `cells`: from → to, those that move."""

    touched: int
    moved: int
    cells: tuple[Cell, ...]

    def row(self, before: str) -> list[Cell]:
        """The matrix, line by line: one cell for every verdict after."""
        found = {cell.after: cell for cell in self.cells if cell.before == before}
        return [found.get(str(after), Cell(before, str(after), 0)) for after in VERDICTS]


def effects(work: CatalogueWork) -> QuerySet[CatalogueEffect]:
    """What would change, of units Azure still has."""
    return CatalogueEffect.objects.filter(work=work, unit__gone_at__isnull=True)


def summary(work: CatalogueWork) -> Summary:
    counted = effects(work).order_by().values_list("verdict_before", "verdict_after").annotate(n=Count("pk"))
    cells = tuple(Cell(before, after, n) for before, after, n in sorted(counted))
    return Summary(
        sum(cell.units for cell in cells), sum(cell.units for cell in cells if cell.before != cell.after), cells
    )


def of_units(work: CatalogueWork, units: Sequence[int]) -> dict[int, CatalogueEffect]:
    return {one.unit_id: one for one in effects(work).filter(unit__in=units)}


def moving(work: CatalogueWork) -> QuerySet[CatalogueEffect]:
    """Those whose verdict moves."""
    return effects(work).exclude(verdict_before=F("verdict_after"))
