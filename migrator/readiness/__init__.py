"""Whether a unit can be moved, and what happens when it is: the catalogue of documented rules and the engine over it.

`evaluate(unit, context)` is the one engine. Rule ids, effects, detection and sources are those of `azure.md` section 3;
what the catalogue promises stands in `rules.md`.
"""

import hashlib
from typing import Any, Final

from migrator.readiness import (
    cloud_service_changes,
    cloud_service_roles,
    cloud_service_support,
    cloud_services,
    network_gateways,
    networks,
    storage,
    subscription,
    virtual_machine_extensions,
    virtual_machines,
)
from migrator.readiness.context import VALIDATION_AGE, Attestation, Context, Shortfall, ValidationAnswer
from migrator.readiness.engine import POINTS, Deduction, Engine, Evaluation, RuleError, Verdict
from migrator.readiness.facts import DEPENDENTS, Index
from migrator.readiness.manifest import Manifest, canonical, entry
from migrator.readiness.platform import PLATFORM
from migrator.readiness.rule import (
    CATALOGUE_SOURCE,
    PLATFORM_SOURCE,
    Automatable,
    Detection,
    Effect,
    Evidence,
    Finding,
    Outcome,
    Rule,
    Scope,
    Source,
    Superseded,
)
from migrator.readiness.sources import DOCUMENTS
from migrator.units import Unit

CATALOGUE: Final[tuple[Rule, ...]] = tuple(
    one
    for module in (
        subscription,
        cloud_services,
        cloud_service_roles,
        cloud_service_changes,
        cloud_service_support,
        networks,
        network_gateways,
        virtual_machines,
        virtual_machine_extensions,
        storage,
    )
    for one in module.rules.listed
)

_BY_ID: Final = {known.id: known for known in (*CATALOGUE, PLATFORM)}


class UnknownRule(LookupError):
    """There is no rule of that id."""


def rule(rule_id: str) -> Rule:
    """The rule of an id, `PLATFORM` included. Raises UnknownRule."""
    try:
        return _BY_ID[rule_id]
    except KeyError:
        raise UnknownRule(f"{rule_id} is not a rule of this catalogue; the Rules page lists them all.") from None


def metadata(one: Rule) -> dict[str, Any]:
    """A rule as plain JSON values: for the Rules page, the API, and the digest below."""
    return {
        "id": one.id,
        "title": one.title,
        "scope": one.scope.value,
        "effect": one.effect.value,
        "detection": one.detection.value,
        "also": [way.value for way in one.also],
        "statement": one.statement,
        "remedy": one.remedy,
        "follow_up": one.follow_up,
        "automatable": one.automatable.value,
        "sources": [{"document": s.document, "row": s.row, "year": s.year} for s in one.sources],
        "superseded": [{"document": s.document, "year": s.year, "then": s.then, "now": s.now} for s in one.superseded],
        "kinds": sorted(kind.value for kind in one.kinds),
        "revision": one.revision,
    }


def _digest() -> str:
    listed = [metadata(one) for one in CATALOGUE]
    return hashlib.sha256(canonical(listed).encode()).hexdigest()


catalogue_version: Final = _digest()
"""SHA-256 over the metadata of every rule: changes with any word, source, effect or revision."""

catalogue_manifest: Final[Manifest] = {one.id: entry(metadata(one)) for one in CATALOGUE}
"""This catalogue in a few words of each rule, to be kept and compared with another (migrator.readiness.manifest)."""

_ENGINE: Final = Engine(CATALOGUE)


def evaluate(unit: Unit, context: Context) -> Evaluation:
    """Findings, verdict and score of one unit. Pure; never raises for what a rule does (see `Evaluation.errors`)."""
    return _ENGINE.evaluate(unit, context)


__all__ = [
    "CATALOGUE",
    "CATALOGUE_SOURCE",
    "DEPENDENTS",
    "DOCUMENTS",
    "PLATFORM",
    "PLATFORM_SOURCE",
    "POINTS",
    "VALIDATION_AGE",
    "Attestation",
    "Automatable",
    "Context",
    "Deduction",
    "Detection",
    "Effect",
    "Engine",
    "Evaluation",
    "Evidence",
    "Finding",
    "Index",
    "Outcome",
    "Rule",
    "RuleError",
    "Scope",
    "Shortfall",
    "Source",
    "Superseded",
    "UnknownRule",
    "ValidationAnswer",
    "Verdict",
    "catalogue_manifest",
    "catalogue_version",
    "evaluate",
    "metadata",
    "rule",
]
