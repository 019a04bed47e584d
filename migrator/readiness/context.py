"""What a check may look at besides the unit: the estate, the clock, the platform's answers, people's answers, quota."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from migrator.readiness.facts import Index
from migrator.readiness.files import GivenFile
from migrator.resources import UNKNOWN, Estate, PlatformMessage, Unknown
from migrator.units import Unit

VALIDATION_AGE: Final = timedelta(days=7)  # rules.md 6: a Validate older than seven days is stale


@dataclass(frozen=True, slots=True)
class ValidationAnswer:
    """What the platform answered to Validate (or to Prepare, which validates again). `at`: aware time of the answer."""

    at: datetime
    passed: bool
    messages: tuple[PlatformMessage, ...] = ()

    def fresh(self, now: datetime) -> bool:
        """Whether it still counts: at most seven days old."""
        return now - self.at <= VALIDATION_AGE


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person's dated answer where no API can tell. `applies`: the rule does (True) or does not (False) apply."""

    applies: bool
    by: str
    at: datetime
    why: str = ""
    until: datetime | None = None  # it counts while now < until; None: without end

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One quota family of which a unit needs more than there is, in its region (azure.md 5.1).

    `family` as the usages list names it; `provider` tells compute from network quota.
    """

    family: str
    need: int
    available: int
    provider: str = "Microsoft.Compute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything an evaluation depends on. Build one per estate and derive the rest: `context.about(validation=…)`.

    `attestations`: by (rule id, key), where key is a resource's, the unit's, or the subscription id for an answer which
    holds for the whole subscription. `waived`: `waiving.shown` of each finding set aside, by (rule id, resource key);
    one that shows anything else counts again. `acknowledged`: ids of rules whose dropped, changes or
    downtime findings the programme has accepted; what blocks cannot be acknowledged.
    `shortfalls`: what the caller's quota sums found missing for the unit; UNKNOWN when nobody has counted. `movable`:
    whether what the caller sends verbs through has any for this kind of unit; UNKNOWN when nobody said. `unread`:
    (subscription id, resource type) pairs which could not be listed, so that silence about them means nothing;
    `facts.DEPENDENTS` stands for the Resource Manager resources which name classic networks. `files`: by key of a
    deployment, the configuration files people gave of it; a check sees those that count.
    """

    estate: Estate
    now: datetime
    index: Index = field(default=None, repr=False)  # type: ignore[assignment]
    validation: ValidationAnswer | None = None
    preparation: ValidationAnswer | None = None
    attestations: Mapping[tuple[str, str], Attestation] = field(default_factory=dict)
    waived: Mapping[tuple[str, str], str] = field(default_factory=dict)
    acknowledged: frozenset[str] = frozenset()
    shortfalls: tuple[Shortfall, ...] | Unknown = UNKNOWN
    movable: bool | Unknown = UNKNOWN
    unread: frozenset[tuple[str, str]] = frozenset()
    files: Mapping[str, tuple[GivenFile, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.index is None:
            object.__setattr__(self, "index", Index.of(self.estate))

    def about(self, **changes: Any) -> "Context":
        """The same estate, seen for one unit: `context.about(validation=…, shortfalls=…)`. The index is shared."""
        return replace(self, **changes)

    def answers(self) -> tuple[ValidationAnswer, ...]:
        """The platform's answers which still count, Prepare's last."""
        return tuple(a for a in (self.validation, self.preparation) if a is not None and a.fresh(self.now))

    def validated(self) -> bool:
        """Whether the newest fresh answer of the platform passed. Prepare runs Validate's checks again (azure 2.1)."""
        answers = self.answers()
        return bool(answers) and max(answers, key=lambda a: a.at).passed

    def validate_passed(self) -> datetime | None:
        """When Validate passed, if that still counts."""
        newest = self.validation
        return newest.at if newest is not None and newest.passed and newest.fresh(self.now) else None

    def prepared(self) -> bool:
        return self.preparation is not None and self.preparation.passed and self.preparation.fresh(self.now)

    def could_list(self, subscription: str, kind: str) -> bool:
        return (subscription, kind) not in self.unread

    def attestation(self, rule_id: str, unit: Unit, resource_key: str = "") -> Attestation | None:
        """The answer for the resource, else for the unit, else for the subscription, while it holds."""
        if not self.attestations:
            return None
        for key in (resource_key, unit.key, unit.subscription):
            found = self.attestations.get((rule_id, key))
            if found is not None and found.holds(self.now):
                return found
        return None
