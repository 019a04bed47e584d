"""What a comparison shows that the comparison of the rehearsal showed already, what is new in it, and what is gone."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Beside:
    """`same`: for each row now the place of its like in the rehearsal, None where it is new; `gone`: the places in the
    rehearsal that have no like now."""

    same: tuple[int | None, ...]
    gone: tuple[int, ...]


def beside(now: Sequence[Mapping[str, Any]], then: Sequence[Mapping[str, Any]]) -> Beside:
    """Rows as `compare` makes them: classic_key, arm_key, field, before, after, kind. Alike are rows that say the same
    of the same field of the same resource; what is there twice has to be there twice."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(then):
        places[_said(row)].append(place)
    same = [places[said].pop(0) if places[(said := _said(row))] else None for row in now]
    return Beside(tuple(same), tuple(sorted(place for left in places.values() for place in left)))


def _said(row: Mapping[str, Any]) -> str:
    resource = str(row["classic_key"] or row["arm_key"]).lower()
    return json.dumps([resource, row["field"], row["before"], row["after"], row["kind"]], sort_keys=True, default=str)
