"""Numbers which pages show and nobody counts: how many units stand alike, kept by triggers as units change.

A change of units writes rows of plus and minus one, in its own transaction, and never touches a row of somebody else:
nobody waits for a counter. A number is the sum of its rows; `actions.fold_tallies` makes one row of them now and then.
Counting the facets of 100,000 units takes 200 ms and more, summing them 3 ms (figures.md F1).

What is kept, by name and key:

    facet   (facet, value)                    units of the list as it opens; `all`: every one of them
    cell    CELL                              units that agree in everything a list is filtered by
    stand   STAND                             units of the list that agree in how they stand
    rule    (word and rule)                   units in scope by Unit.open_rules
    blocked CELL and the rules that block     units in scope that rules block, by all of them
    found   (quarter of an hour, UTC)         units by when they were first seen
    left    (quarter of an hour, UTC)         units that went away before anything was planned, by when
    ill     (wave, health, reason)            units in a wave that are not on track
    owed    (wave, state)                     follow-ups of units in a wave
    reserved (wave, RESERVED)                 the amounts that units have reserved; wave empty: of units in none
"""

from collections.abc import Callable

import pgtrigger

# What a unit is filtered by, in the order of a cell's key. `gone`: "gone" when it is no longer listed, else empty.
CELL = ("subscription", "region", "kind", "verdict", "progress", "health", "owner", "wave", "gone")
STAND = ("progress", "verdict", "health", "wave")
RESERVED = ("subscription", "region", "provider", "name")  # the row of a usages list
FORGOTTEN = ("discovered", "assessed", "excluded")  # gone from here, a unit is history: nothing was planned

# A change of any of these changes a number.
_COUNTED = (
    "subscription_id", "region", "kind", "verdict", "progress", "health", "owner", "gone_at", "open_rules",
    "first_seen_at", "health_reason",
)  # fmt: skip
_IN_LIST = f"NOT (u.gone_at IS NOT NULL AND u.progress IN {FORGOTTEN})"
_QUARTER = (
    """to_char(date_bin('15 minutes', {}, '2000-01-01 00:00+00') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')"""
)
_WAVE = "coalesce(u.wave_id::text, '')"
_SCOPE = "u.gone_at IS NULL AND u.progress <> 'excluded'"
_CELL = f"""ARRAY[u.subscription_id, u.region, u.kind, u.verdict, u.progress, u.health, u.owner, {_WAVE},
                         CASE WHEN u.gone_at IS NULL THEN '' ELSE 'gone' END]"""
# Of `u`, one unit with the wave it is in.
_NUMBERS = f"""
    SELECT 'facet', ARRAY[f.facet, f.value]
      FROM (VALUES ('all', ''), ('subscription', u.subscription_id), ('region', u.region), ('kind', u.kind),
                   ('verdict', u.verdict), ('progress', u.progress), ('health', u.health), ('owner', u.owner),
                   ('wave', {_WAVE})) AS f(facet, value)
     WHERE {_IN_LIST}
    UNION ALL
    SELECT 'cell', {_CELL}
    UNION ALL
    SELECT 'stand', ARRAY[u.progress, u.verdict, u.health, {_WAVE}] WHERE {_IN_LIST}
    UNION ALL
    SELECT 'rule', ARRAY[said] FROM unnest(u.open_rules) AS said WHERE {_SCOPE}
    UNION ALL
    SELECT 'blocked', {_CELL} || array_agg(substr(said, 8) ORDER BY said) FROM unnest(u.open_rules) AS said
     WHERE {_SCOPE} AND starts_with(said, 'blocks ') HAVING count(*) > 0
    UNION ALL
    SELECT 'found', ARRAY[{_QUARTER.format("u.first_seen_at")}]
    UNION ALL
    SELECT 'left', ARRAY[{_QUARTER.format("u.gone_at")}]
     WHERE u.gone_at IS NOT NULL AND u.progress IN ('discovered', 'assessed')
    UNION ALL
    SELECT 'ill', ARRAY[{_WAVE}, u.health, u.health_reason] WHERE u.wave_id IS NOT NULL AND u.health <> 'on track'
"""  # noqa: S608 - constants of this module


def written(rows: str) -> str:
    """The statement that writes what `rows` change: SQL of units (`u.*`, `wave_id`) with `n`, plus or minus one."""
    return (
        "INSERT INTO tracker_tally (name, key, units)"  # noqa: S608
        f" SELECT t.name, t.key, sum(u.n) FROM ({rows}) AS u CROSS JOIN LATERAL ({_NUMBERS}) AS t(name, key)"
        " GROUP BY t.name, t.key HAVING sum(u.n) <> 0"
    )


def _owed(rows: str) -> str:
    """The statement that writes what `rows` change: SQL of follow-ups, (n, wave_id, state)."""
    return (
        "INSERT INTO tracker_tally (name, key, units)"  # noqa: S608
        f" SELECT 'owed', ARRAY[f.wave_id::text, f.state], sum(f.n) FROM ({rows}) AS f WHERE f.wave_id IS NOT NULL"
        " GROUP BY f.wave_id, f.state HAVING sum(f.n) <> 0"
    )


def _reserved(rows: str) -> str:
    """The statement that writes what `rows` change: SQL of reservations (`r.*`) with n and wave_id."""
    key = "coalesce(r.wave_id::text, ''), r.subscription_id, r.region, r.provider, r.name"
    return (
        "INSERT INTO tracker_tally (name, key, units)"  # noqa: S608
        f" SELECT 'reserved', ARRAY[{key}], sum(r.n * r.amount) FROM ({rows}) AS r"
        f" GROUP BY {key} HAVING sum(r.n * r.amount) <> 0"
    )


def _units(change: str) -> str:
    """Rows for `written` of units before and after; a unit in a wave is locked by whoever puts it there, below."""
    return f"SELECT c.*, p.wave_id FROM ({change}) c LEFT JOIN tracker_placement p ON p.unit_id = c.id"  # noqa: S608


def _moved(change: str, table: str) -> str:
    """Rows for `written` of placements: (unit_id, wave_id, n). The units are locked, so that nobody changes one of
    them, or what it owes or has reserved, between this look at it and the end of the transaction."""
    touched = f"SELECT unit_id FROM {table}"  # noqa: S608
    locked = f"SELECT * FROM tracker_unit WHERE id IN ({touched}) ORDER BY id FOR UPDATE"  # noqa: S608
    return f"SELECT m.n, u.*, m.wave_id FROM ({change}) m JOIN ({locked}) u ON u.id = m.unit_id"  # noqa: S608


def _same(columns: tuple[str, ...], a: str, b: str) -> str:
    before, after = (", ".join(f"{side}.{column}" for column in columns) for side in (a, b))
    return f"({before}) IS NOT DISTINCT FROM ({after})"


def _trigger(
    name: str, operation: pgtrigger.Operation, referencing: pgtrigger.Referencing, *statements: str
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=referencing,
        func=f"{'; '.join(statements)}; RETURN NULL;",
    )


_ADDED, _REMOVED = "SELECT 1 AS n, w.* FROM new_rows w", "SELECT -1 AS n, o.* FROM old_rows o"
_PLACED = "SELECT unit_id, wave_id, 1 AS n FROM new_rows UNION ALL SELECT unit_id, NULL, -1 FROM new_rows"
_TAKEN = "SELECT unit_id, wave_id, -1 AS n FROM old_rows UNION ALL SELECT unit_id, NULL, 1 FROM old_rows"
_OLD, _NEW = pgtrigger.Referencing(old="old_rows"), pgtrigger.Referencing(new="new_rows")
_OLD_NEW = pgtrigger.Referencing(old="old_rows", new="new_rows")


def _both(columns: tuple[str, ...]) -> str:
    """Of an update, the rows in which one of these differs: as they were, and as they are."""
    changed = f"JOIN {{}} ON o.id = w.id WHERE NOT {_same(columns, 'o', 'w')}"
    return f"{_REMOVED} {changed.format('new_rows w')} UNION ALL {_ADDED} {changed.format('old_rows o')}"


def of_units() -> list[pgtrigger.Trigger]:
    """The triggers of the table of units."""
    return [
        _trigger("tally_insert", pgtrigger.Insert, _NEW, written(_units(_ADDED))),
        _trigger("tally_update", pgtrigger.Update, _OLD_NEW, written(_units(_both(_COUNTED)))),
        _trigger("tally_delete", pgtrigger.Delete, _OLD, written(_units(_REMOVED))),
    ]


def of_placements() -> list[pgtrigger.Trigger]:
    """The triggers of the table that says which unit is in which wave."""

    def statements(change: str, table: str) -> tuple[str, str, str]:
        with_it = "SELECT m.n, m.wave_id, r.* FROM ({}) m JOIN {} r ON r.unit_id = m.unit_id"
        return (
            written(_moved(change, table)),  # first, because it locks the units
            _owed(with_it.format(change, "tracker_followup")),
            _reserved(with_it.format(change, "tracker_reservation")),
        )

    both = "(SELECT unit_id FROM old_rows UNION SELECT unit_id FROM new_rows) AS both_rows"
    return [
        _trigger("tally_insert", pgtrigger.Insert, _NEW, *statements(_PLACED, "new_rows")),
        _trigger("tally_update", pgtrigger.Update, _OLD_NEW, *statements(f"{_TAKEN} UNION ALL {_PLACED}", both)),
        _trigger("tally_delete", pgtrigger.Delete, _OLD, *statements(_TAKEN, "old_rows")),
    ]


def _of_what_a_unit_has(columns: tuple[str, ...], statement: Callable[[str], str]) -> list[pgtrigger.Trigger]:
    """Their units are held where they are: the lock waits only for whoever puts one of them into a wave or takes it
    out, and the wave is looked up afterwards."""

    def statements(change: str) -> tuple[str, str]:
        units = f"SELECT unit_id FROM ({change}) c"  # noqa: S608
        return (
            f"PERFORM 1 FROM tracker_unit WHERE id IN ({units}) ORDER BY id FOR KEY SHARE",
            statement(
                f"SELECT c.*, p.wave_id FROM ({change}) c LEFT JOIN tracker_placement p USING (unit_id)"  # noqa: S608
            ),
        )

    return [
        _trigger("tally_insert", pgtrigger.Insert, _NEW, *statements(_ADDED)),
        _trigger("tally_update", pgtrigger.Update, _OLD_NEW, *statements(_both(("unit_id", *columns)))),
        _trigger("tally_delete", pgtrigger.Delete, _OLD, *statements(_REMOVED)),
    ]


def of_follow_ups() -> list[pgtrigger.Trigger]:
    """The triggers of the table of follow-ups."""
    return _of_what_a_unit_has(("state",), _owed)


def of_reservations() -> list[pgtrigger.Trigger]:
    """The triggers of the table of reserved quota."""
    return _of_what_a_unit_has(("subscription_id", "region", "provider", "name", "amount"), _reserved)


def _all_of(table: str) -> str:
    return f"SELECT 1 AS n, r.*, p.wave_id FROM {table} r LEFT JOIN tracker_placement p USING (unit_id)"  # noqa: S608


# Everything anew, for `actions.recount_tallies` and the migrations that began to keep them.
RECOUNT_UNITS = written(_units("SELECT 1 AS n, u.* FROM tracker_unit u"))
RECOUNT_OWED = _owed(_all_of("tracker_followup"))
RECOUNT_RESERVED = _reserved(_all_of("tracker_reservation"))
RECOUNT = "; ".join((RECOUNT_UNITS, RECOUNT_OWED, RECOUNT_RESERVED))
FOLD = """
WITH several AS (SELECT name, key FROM tracker_tally GROUP BY name, key HAVING count(*) > 1),
     gone AS (DELETE FROM tracker_tally t USING several s WHERE (t.name, t.key) = (s.name, s.key)
              RETURNING t.name, t.key, t.units)
INSERT INTO tracker_tally (name, key, units)
SELECT name, key, sum(units) FROM gone GROUP BY name, key HAVING sum(units) <> 0
"""
