"""What a unit's page says on its way through Azure: where it goes, what goes before it, and the commands people know
for the four verbs."""

from typing import Any

from migrator import destination, runbook
from migrator import order as ranks
from migrator.units import UnitKind
from tracker.inventory import queries as inventory
from tracker.inventory.models import Unit
from tracker.waves import destinations, order


def shown(unit: Unit) -> dict[str, Any]:
    """Context of units/_going.html. Reads the members of the unit once more, as values."""
    members = inventory.members_of(unit, gone=unit.gone_at is not None)
    chosen = destinations.of(unit)
    placement = getattr(unit, "placement", None)
    sentence, left = order.waits(unit)
    return {
        "commands": runbook.commands(unit.kind, unit.azure_id, members, chosen.wish if chosen else None),
        "is_deployment": unit.kind == UnitKind.DEPLOYMENT,
        "chosen": chosen,
        "only_new": next(iter(destination.refusals(destinations.moving(unit, members))), ""),
        "order_sentence": sentence,
        "order_left": left[:12],
        "order_aside": order.set_aside(unit) if placement and unit.kind in ranks.UNATTACHED else None,
        "may_set_aside": bool(sentence and placement and unit.kind in ranks.UNATTACHED),
    }
