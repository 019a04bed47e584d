"""The control surface under /_simulator/: state, request log, violations, clock, faults, settings, reset. It exists
only here.

Needs no token. Answers JSON; a wrong wish is answered 400 with one sentence.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from migrator.simulator import faults, scenarios
from migrator.simulator.arm.routing import Answer
from migrator.simulator.clock import ClockError, stamp
from migrator.simulator.estate import FORMAT, EstateError
from migrator.simulator.platform import Settings
from migrator.simulator.records import when
from migrator.simulator.scope import properties
from migrator.simulator.store import Document
from migrator.simulator.translation import GROUP_TYPE

if TYPE_CHECKING:
    from migrator.simulator.http import Simulator


class Wrong(ValueError):
    """A wish to the control surface that cannot be granted."""


def handle(simulator: "Simulator", method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    """One request to /_simulator/…"""
    name = path.removeprefix("/_simulator").strip("/").lower()
    head, _, rest = name.partition("/")
    action = ACTIONS.get((method, head))
    if action is None:
        known = ", ".join(sorted(f"{m} /_simulator/{n}" for m, n in ACTIONS))
        return Answer(status=404, body={"error": f"There is no {method} {path}; there are {known}."})
    try:
        return Answer(body=action(simulator, query, body, rest))
    except (Wrong, ClockError, faults.FaultError, EstateError) as error:
        return Answer(status=400, body={"error": str(error)})


def _state(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    """Everything a test wants to know, in one answer; `?documents=1` adds the documents themselves."""
    platform = simulator.platform
    platform.tick()
    documents = list(platform.store.all())
    classic = [d for d in documents if d["type"].lower().startswith("microsoft.classic")]
    migrated = {key for row in platform.migrations.values() for key in row.arm}
    migrated |= {key for row in platform.finished.values() for key in row.arm}
    answer: dict[str, Any] = {
        "now": stamp(platform.moment),
        "scenario": simulator.scenario,
        "origin": platform.origin,
        "seed": platform.seed,
        "clock": {"now": stamp(platform.moment), "speed": platform.clock.factor},
        "settings": vars(platform.settings),
        "locks": {
            row.unit: {"phase": row.phase, "since": when(row.since), "locked": row.locked, "arm": row.arm}
            for row in platform.migrations.values()
        },
        "committed": platform.finished.rows(),
        "classic": sorted(str(d["id"]).lower() for d in classic),
        "arm": sorted(key for key in migrated if key in platform.store),
        "groups": sorted(d["name"] for d in documents if d["type"] == GROUP_TYPE),
        "operations": [_operation(row) for row in sorted(platform.operations.rows(), key=lambda r: r["started_at"])],
        "autoscale_settings": _of(documents, "microsoft.insights/autoscalesettings", "targetResourceUri"),
        "metric_alerts": _of(documents, "microsoft.insights/metricalerts", "scopes"),
        "alert_rules": _of(documents, "microsoft.insights/alertrules", "condition"),
        "action_groups": _of(documents, "microsoft.insights/actiongroups", "groupShortName"),
        "role_assignments": _of(documents, "microsoft.authorization/roleassignments", "roleDefinitionId"),
        "registrations": platform.registrations.rows(),
        "usages": platform.quotas.rows(),
        "quota_requests": [request.as_row() for request in platform.quotas.requests.values()],
        "violations": len(platform.breaches),
        "throttled_early": simulator.throttle.early,
        "faults": platform.faults.table.rows(),
        "late": platform.late.rows(),
    }
    if query.get("documents"):
        answer["documents"] = sorted(documents, key=lambda d: str(d["id"]).lower())
    return answer


def _operation(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: when(row[name]) for name in ("started_at", "ends_at", "ended_at")}
    return {**row, **times}


def _of(documents: list[Document], kind: str, key: str) -> dict[str, Any]:
    return {d["id"]: properties(d).get(key) for d in documents if d["type"].lower() == kind}


def _log(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    after, limit = query.get("after", "0"), query.get("limit", "100000")
    if not after.isdigit() or not limit.isdigit():
        raise Wrong("after and limit are whole numbers.")
    return {"value": simulator.journal.lines(int(after), int(limit))}


def _violations(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    simulator.platform.tick()
    rows = [{**row, "at": when(row["at"])} for row in simulator.platform.breaches.rows()]
    return {"count": len(rows), "value": rows}


def _clock(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    clock = simulator.platform.clock
    wish = _object(body, "advance", "speed") if body is not None else {}
    for name, value in wish.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Wrong(f"Key {name!r} must be a number.")
    simulator.platform.tick()
    if "speed" in wish:
        clock.set_factor(float(wish["speed"]))
    if "advance" in wish:
        clock.advance(float(wish["advance"]))
    simulator.platform.touched = True
    simulator.platform.tick()
    return {"now": stamp(clock.now()), "speed": clock.factor}


def _list_faults(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    return {"value": simulator.platform.faults.table.rows(), "kinds": faults.DEFAULTS}


def _add_fault(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    fault = faults.parse(body)
    simulator.platform.faults.add(fault)
    return vars(fault)


def _clear_faults(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    table = simulator.platform.faults.table
    if rest and rest not in table:
        raise Wrong(f"There is no fault {rest!r}.")
    for key in [rest] if rest else list(table):
        del table[key]
    return {"value": table.rows()}


def _set(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    return apply_settings(simulator, checked_settings(body))


def checked_settings(body: Any) -> Mapping[str, Any]:
    """Settings by name, each one possible. Raises Wrong."""
    wish = _object(body, *vars(Settings()))

    def whole(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def seconds(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1_000_000

    checks: Mapping[str, Callable[[Any], bool]] = {
        "page_size": lambda v: whole(v) and 1 <= v <= 1000,
        "graph_page_size": lambda v: whole(v) and 1 <= v <= 1000,
        "throttle": seconds,
        "operation_header": lambda v: v in ("both", "location", "azure-asyncoperation"),
        "after_failure": lambda v: v in ("", "Prepared", "Preparing"),
        "registration_seconds": seconds,
        "upper_case_groups": lambda v: isinstance(v, bool),
        "validate_later": lambda v: seconds(v) and v <= 1,
    }
    for name, value in wish.items():
        if not checks[name](value):
            raise Wrong(f"{name} cannot be {value!r}.")
    return wish


def apply_settings(simulator: "Simulator", wish: Mapping[str, Any]) -> Any:
    """Set what `checked_settings` found possible; gives all settings."""
    platform = simulator.platform
    for name, value in wish.items():
        setattr(platform.settings, name, value)
    simulator.throttle.factor = float(platform.settings.throttle)
    platform.touched = True
    return vars(platform.settings)


def _reset(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    """Begin again: another scenario (a name; never a path), another seed, or an estate sent along."""
    wish = _object(body, "scenario", "seed", "estate") if body is not None else {}
    seed = wish.get("seed", simulator.platform.seed)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise Wrong("seed must be a whole number.")
    if "estate" in wish:
        simulator.restart("given", scenarios.checked(wish["estate"]), seed)
    else:
        name = wish.get("scenario", simulator.scenario)
        if name != simulator.scenario or name in scenarios.NAMES:
            if name not in scenarios.NAMES:
                raise Wrong(f"There is no scenario {name!r}; there are {', '.join(scenarios.NAMES)}.")
            simulator.restart(name, scenarios.estate(name, seed=seed), seed)
        else:
            simulator.restart(name, simulator.estate, seed)
    return {"scenario": simulator.scenario, "seed": seed, "documents": len(simulator.platform.store)}


def _vanish(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    """A resource is gone with everything below it, locked or not: somebody, somewhere, took it away."""
    resource_id = _object(body, "id").get("id")
    platform = simulator.platform
    platform.tick()
    if not isinstance(resource_id, str) or resource_id not in platform.store:
        raise Wrong(f"There is no resource {resource_id!r}.")
    platform.remove(resource_id)
    return {"id": resource_id}


def _estate(simulator: "Simulator", query: Mapping[str, str], body: Any, rest: str) -> Any:
    """The estate as it stands now, as an estate file (without the Resource Manager side of running migrations)."""
    platform = simulator.platform
    kept = [d for d in platform.store.all() if d["type"] != GROUP_TYPE]
    kept.sort(key=lambda d: str(d["id"]).lower().count("/"))
    return {
        "format": FORMAT,
        "origin": platform.origin,
        "subscriptions": list(platform.subscriptions.values()),
        "resources": kept,
        "registrations": [
            {"subscriptionId": r.subscription, "name": r.name, "state": r.state}
            for r in platform.registrations.values()
        ],
        "usages": platform.quotas.rows(),
    }


def _object(body: Any, *keys: str) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Wrong(f"A JSON object is expected with some of {', '.join(keys)}.")
    if strange := sorted(set(body) - set(keys)):
        raise Wrong(f"Unknown key {strange[0]!r}; expected {', '.join(keys)}.")
    return body


Action = Callable[["Simulator", Mapping[str, str], Any, str], Any]
ACTIONS: Mapping[tuple[str, str], Action] = {
    ("GET", "state"): _state,
    ("GET", "log"): _log,
    ("GET", "violations"): _violations,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "settings"): _set,
    ("POST", "reset"): _reset,
    ("GET", "estate"): _estate,
    ("POST", "vanish"): _vanish,
}
