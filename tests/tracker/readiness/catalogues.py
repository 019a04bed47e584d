"""Another catalogue in the code, as a release would bring it: rules changed, removed, added."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from migrator import readiness
from migrator.readiness import Detection, Effect, Engine, Rule, Scope, metadata
from migrator.readiness.manifest import entry
from migrator.readiness.rule import Answer, Check, yes
from migrator.units import UnitKind


def release(patch: pytest.MonkeyPatch, rules: Iterable[Rule]) -> str:
    """The code has these rules from now on; returns the version of the catalogue."""
    listed = tuple(rules)
    patch.setattr(readiness, "CATALOGUE", listed)
    patch.setattr(readiness, "_BY_ID", {one.id: one for one in (*listed, readiness.PLATFORM)})
    patch.setattr(readiness, "_ENGINE", Engine(listed))
    patch.setattr(readiness, "catalogue_manifest", {one.id: entry(metadata(one)) for one in listed})
    patch.setattr(readiness, "catalogue_version", readiness._digest())
    return readiness.catalogue_version


def but(rule: str, **changes: Any) -> list[Rule]:
    """The catalogue with one rule changed."""
    found = [replace(one, **changes) if one.id == rule else one for one in readiness.CATALOGUE]
    assert rule in {one.id for one in found}
    return found


def without(rule: str) -> list[Rule]:
    return [one for one in readiness.CATALOGUE if one.id != rule]


def always(view: Any, _context: Any) -> list[Answer]:
    return [yes(view.unit, f"This rule says yes of {view.unit.name}.")]


def made(
    name: str, check: Check = always, effect: Effect = Effect.BLOCKS, kinds: frozenset[UnitKind] = frozenset(UnitKind)
) -> Rule:
    """A rule nobody knew before."""
    return Rule(
        id=name, title=f"The rule {name}", scope=Scope.SUBSCRIPTION, effect=effect, detection=Detection.API,
        statement="It came with a release.", remedy="Nothing.", sources=(), check=check, kinds=kinds,
    )  # fmt: skip
