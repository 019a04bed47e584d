"""How many units a list holds, and how many each of its filters would leave. Summed from the tallies; only a search is
counted, and only while it finds few."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tracker.inventory import tallies
from tracker.inventory.queries.units import FACETS, HELD, NOBODY, Filters, Gone, selection, sought

FEW = 1_000  # a search that finds more is not counted any further


@dataclass(frozen=True, slots=True)
class Count:
    """One value of a facet: how many units it would leave, were the facet's own choice taken back; None: many."""

    value: str
    label: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """`total`: units of all pages; `more`: there are more than that, which nobody counted."""

    total: int
    more: bool
    facets: dict[str, list[Count]]


_PLACES = {name: place for place, name in enumerate(tallies.CELL, 1)}  # PostgreSQL counts from one
_GONE = f"key[{_PLACES['gone']}] = 'gone'"
_LISTED = {
    Gone.HIDE: f"NOT ({_GONE} AND key[{_PLACES['progress']}] IN {tallies.FORGOTTEN})",
    Gone.SHOW: "TRUE",
    Gone.ONLY: _GONE,
}
_SUMMED = "GROUP BY 1, 2 HAVING sum(units) > 0"
# Every name in these statements is a constant of this module; what a person chose is among the parameters.
_ALL = """
SELECT key[1] AS facet, key[2] AS value, sum(units)::bigint AS units FROM tracker_tally WHERE name = 'facet'
 GROUP BY key HAVING sum(units) > 0
"""
_LABELLED = """
SELECT c.facet, c.value, coalesce(s.name, w.name, c.value), c.units FROM ({}) AS c(facet, value, units)
  LEFT JOIN tracker_subscription s ON c.facet = 'subscription' AND s.id = c.value
  LEFT JOIN tracker_wave w ON c.facet = 'wave' AND w.id::text = c.value
"""


def numbers(filters: Filters) -> Numbers:
    """The total and every facet; one query, three for a search that finds many."""
    if filters.text or filters.rule:
        return _sought(filters)
    chosen = [name for name in FACETS if getattr(filters, name)]
    if chosen or filters.gone is not Gone.HIDE or any(getattr(filters, name) for name in HELD):
        return _made(filters, *_of_cells(filters, chosen))
    return _made(filters, _ALL, [])


def _made(filters: Filters, statement: str, parameters: list[Any]) -> Numbers:
    with connection.cursor() as cursor:
        cursor.execute(_LABELLED.format(statement), parameters)
        rows = cursor.fetchall()
    total = next((units for facet, _, _, units in rows if facet == "all"), 0) or 0
    return Numbers(total, False, _sorted(filters, rows))


def _sorted(filters: Filters, rows: Iterable[tuple[str, str, str, int | None]]) -> dict[str, list[Count]]:
    facets: dict[str, list[Count]] = {name: [] for name in FACETS}
    for facet, value, label, units in rows:
        if facet in facets:
            value = value or NOBODY
            facets[facet].append(Count(value, label, units, value in getattr(filters, facet)))
    for listed in facets.values():
        listed.sort(key=lambda one: (one.value == NOBODY, one.label.lower(), one.value))
    return facets


def _of_cells(
    filters: Filters, chosen: list[str], *, of: str = "cell", facets: Iterable[str] = FACETS
) -> tuple[str, list[Any]]:
    """(statement, parameters): a facet counts what the choices of the others leave, so that it can be widened. `of`:
    tallies whose keys begin with CELL; `facets`: those that are counted, and every chosen one."""
    flags = "".join(f", key[{_PLACES[name]}] = ANY(%s) AS in_{name}" for name in chosen)
    parameters = [[_stored(name, value) for value in getattr(filters, name)] for name in chosen]
    values = ", ".join(f"('{name}', key[{_PLACES[name]}])" for name in facets if name not in chosen)
    fits = " AND ".join(f"in_{name}" for name in chosen) or "TRUE"
    parts = [f"SELECT 'all', '', coalesce(sum(units), 0)::bigint FROM cells WHERE {fits}"]  # noqa: S608
    if values:  # else every facet is chosen
        several = f"cells CROSS JOIN LATERAL (VALUES {values}) AS f(facet, value)"
        parts.append(f"SELECT f.facet, f.value, sum(units)::bigint FROM {several} WHERE {fits} {_SUMMED}")  # noqa: S608
    for name in chosen:
        others = " AND ".join(f"in_{other}" for other in chosen if other != name) or "TRUE"
        value = f"'{name}', key[{_PLACES[name]}]"
        parts.append(f"SELECT {value}, sum(units)::bigint FROM cells WHERE {others} {_SUMMED}")  # noqa: S608
    blocking, rules = _blocking(filters)
    name = "blocked" if blocking else of
    cells = f"SELECT key, units{flags} FROM tracker_tally WHERE name = '{name}' AND {_LISTED[filters.gone]}{blocking}"  # noqa: S608
    return f"WITH cells AS MATERIALIZED ({cells}) {' UNION ALL '.join(parts)}", [*parameters, *rules]


_RULES = f"key[{len(tallies.CELL) + 1}:]"  # of a key of 'blocked'
_SETS = f"""
SELECT 'rules', array_to_string({_RULES}, ' '), sum(units)::bigint FROM cells WHERE {{}} GROUP BY {_RULES}
HAVING sum(units) > 0
"""  # noqa: S608 - no id of a rule holds a space


@dataclass(frozen=True, slots=True)
class Held:
    """Units in scope that rules block. `sets`: rules → how many units exactly these block; `facets` as in Numbers."""

    sets: dict[frozenset[str], int]
    facets: dict[str, list[Count]]

    @property
    def total(self) -> int:
        return sum(self.sets.values())


def held(filters: Filters, facets: Iterable[str] = FACETS) -> Held:
    """By which sets of rules the units of a list are blocked; one query. Text, rule and outcome do not narrow it."""
    chosen = [name for name in FACETS if getattr(filters, name)]
    statement, parameters = _of_cells(filters, chosen, of="blocked", facets=facets)
    fits = " AND ".join(f"in_{name}" for name in chosen) or "TRUE"
    with connection.cursor() as cursor:
        cursor.execute(_LABELLED.format(f"{statement} UNION ALL ({_SETS.format(fits)})"), parameters)
        rows = cursor.fetchall()
    sets = {frozenset(value.split(" ")): units for name, value, _, units in rows if name == "rules"}
    return Held(sets, _sorted(filters, rows))


def _blocking(filters: Filters) -> tuple[str, list[Any]]:
    """(condition, parameters) of the chosen rules, for tallies of units that rules block; empty: none are chosen."""
    condition, parameters = "", []
    for chosen, operator in ((filters.blocks, "&&"), (filters.frees, "<@")):
        if chosen:
            condition += f" AND {_RULES} {operator} %s"
            parameters.append(list(chosen))
    return condition, parameters


def _stored(name: str, value: str) -> str:
    """A chosen value as a cell has it."""
    if value == NOBODY:
        return ""
    return str(int(value)) if name == "wave" and value.isascii() and value.isdigit() else value


def _sought(filters: Filters) -> Numbers:
    """Of a search: counted while it finds few. Beyond that only the facets' values are told, without numbers."""
    columns = [column for column, _ in FACETS.values()]
    labels = [FACETS["subscription"][1], FACETS["wave"][1]]
    found = list(sought(filters).order_by().values_list(*columns, *labels)[: FEW + 1])
    if len(found) <= FEW:
        return _counted(filters, found)
    kept = _kept(filters)
    total = kept or selection(filters).order_by()[: FEW + 1].count()
    with connection.cursor() as cursor:
        cursor.execute(_LABELLED.format(_ALL))
        values = [(facet, value, label, None) for facet, value, label, _ in cursor.fetchall()]
    more = total > FEW and not kept
    return Numbers(FEW if more else total, more, _sorted(filters, values))


def _kept(filters: Filters) -> int:
    """Of what a rule says and nothing else, the number that is kept; 0: none is."""
    if filters != Filters(rule=filters.rule, outcome=filters.outcome):
        return 0
    return units_by_rule()[f"{filters.outcome or 'yes'} {filters.rule}"]


def _counted(filters: Filters, found: Iterable[tuple[Any, ...]]) -> Numbers:
    chosen = {name: {_stored(name, value) for value in getattr(filters, name)} for name in FACETS}
    counts: Counter[tuple[str, str]] = Counter()
    labels: dict[tuple[str, str], str] = {}
    total = 0
    for row in found:
        *values, subscription, wave = row
        values = {name: str(value or "") for name, value in zip(FACETS, values, strict=True)}
        missed = [name for name, wanted in chosen.items() if wanted and values[name] not in wanted]
        if not missed:
            total += 1
        for name in FACETS if not missed else missed if len(missed) == 1 else ():
            counts[(name, values[name])] += 1
        labels[("subscription", values["subscription"])] = subscription
        labels[("wave", values["wave"])] = wave or ""
    rows = [(name, value, labels.get((name, value), value), units) for (name, value), units in counts.items()]
    return Numbers(total, False, _sorted(filters, rows))


def units_by_rule() -> Counter[str]:
    """`Unit.open_rules` → units in scope; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key[1], sum(units)::bigint FROM tracker_tally WHERE name = 'rule' GROUP BY 1 HAVING sum(units) > 0"
        )
        return Counter(dict(cursor.fetchall()))


@dataclass(frozen=True, slots=True)
class Standing:
    """`stands`: (progress, verdict, health, wave or None, units) of the list as it opens; `rules`: as units_by_rule."""

    stands: list[tuple[str, str, str, int | None, int]]
    rules: Counter[str]


def standing() -> Standing:
    """How all units stand; one query."""
    found = Standing([], Counter())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, key, sum(units)::bigint FROM tracker_tally WHERE name IN ('stand', 'rule')"
            " GROUP BY name, key HAVING sum(units) > 0"
        )
        for name, key, units in cursor.fetchall():
            if name == "rule":
                found.rules[key[0]] = units
            else:
                progress, verdict, health, wave = key
                found.stands.append((progress, verdict, health, int(wave) if wave else None, units))
    return found
