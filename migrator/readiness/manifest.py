"""A catalogue in a few words of each rule: kept when a catalogue comes into force, so that a later version of the code,
which no longer has its checks, can still tell what became of which rule."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from migrator.readiness.rule import Detection

Manifest = Mapping[str, Mapping[str, Any]]
"""Rule id -> {"title", "effect", "detection", "also", "kinds", "revision", "digest"}; the digest is over all metadata
of the rule, words and sources included."""

# What decides, or stands in what is said of a unit: a rule that differs in one of these is another check. One that
# differs only in its digest was worded anew, or given other sources.
DECIDING: Final = ("title", "effect", "detection", "also", "kinds", "revision")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a catalogue does to the one in force, as rule ids."""

    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    reworded: frozenset[str] = frozenset()  # decides as before

    @property
    def held(self) -> frozenset[str]:
        """Rules whose former answers stand until the other catalogue is switched on."""
        return self.changed | self.removed


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def entry(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of one rule, of its metadata (`readiness.metadata`)."""
    digest = hashlib.sha256(canonical(metadata).encode()).hexdigest()
    return {name: metadata[name] for name in DECIDING} | {"digest": digest}


def compare(in_force: Manifest, other: Manifest) -> Changes:
    """What `other` does to the catalogue in force."""
    both = in_force.keys() & other.keys()
    changed = {rule for rule in both if any(in_force[rule].get(n) != other[rule].get(n) for n in DECIDING)}
    reworded = {rule for rule in both - changed if in_force[rule].get("digest") != other[rule].get("digest")}
    return Changes(
        new=frozenset(other.keys() - in_force.keys()),
        changed=frozenset(changed),
        removed=frozenset(in_force.keys() - other.keys()),
        reworded=frozenset(reworded),
    )


def by_validate(kept: Mapping[str, Any]) -> bool:
    """`Rule.by_validate` of a rule as kept."""
    return Detection.VALIDATE in (kept["detection"], *kept["also"])


def only_prepare(manifest: Manifest, rules: Iterable[str]) -> frozenset[str]:
    """Those of the rules which nothing before Prepare can tell, as `Rule.only_prepare`."""
    return frozenset(rule for rule in rules if manifest[rule]["detection"] == Detection.PREPARE)
