"""Where placed deployments go, as the pages and the engine ask. Reads only."""

from collections.abc import Sequence
from datetime import datetime

from migrator import destination
from migrator.destination import Moving
from migrator.resources import Resource
from migrator.units import UnitKind
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.waves.plan_models import Destination


def of(unit: Unit) -> Destination | None:
    """The network chosen for a placed unit; None: a new one, or nothing to choose."""
    if unit.kind != UnitKind.DEPLOYMENT:
        return None
    return Destination.objects.filter(placement__unit=unit).select_related("placement", "chosen_by").first()


def moving(unit: Unit, members: Sequence[Resource] | None = None) -> Moving:
    """The unit as last read, for `migrator.destination`. `members`: its values, where the caller has them."""
    return destination.moving(
        inventory.members_of(unit) if members is None else members,
        name=unit.name,
        kind=unit.kind,
        subscription=unit.subscription_id,
        region=unit.region,
    )


def due(now: datetime) -> list[int]:
    """Chosen networks that wait to be read."""
    return list(Destination.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)[:50])


def missing(wave_id: int) -> list[str]:
    """What stands against a submission of the wave, one phrase each: networks not read yet, or that do not fit."""
    rows = Destination.objects.filter(placement__wave=wave_id).select_related("placement__unit")
    found = []
    for row in rows.order_by("placement__unit__name"):
        name = row.placement.unit.name
        if row.problem:
            found.append(f"{name} cannot go where it was planned: {row.problem.rstrip('.')}")
        elif row.read_at is None:
            found.append(f"network {row.network}, chosen for {name}, is still being read")
    return found
