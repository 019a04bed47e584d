"""The words of readiness: a rule, its finding, the effect, the outcome, and where the statement was published.

A rule is data plus one small pure function. Its metadata is printed as the *Rules* page and the manual, so every rule
fills all of it. A check yields `Answer`s; the engine turns them into `Finding`s.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from migrator.resources import Resource
from migrator.units import Unit, UnitKind, display_name

if TYPE_CHECKING:
    from migrator.readiness.context import Context
    from migrator.readiness.facts import View


class Effect(StrEnum):
    """What it means for the migration when a rule applies (azure.md 3)."""

    BLOCKS = "blocks"
    DOWNTIME = "downtime"
    DROPPED = "dropped"
    CHANGES = "changes"
    INFO = "info"


STRONGEST: Final = {effect: rank for rank, effect in enumerate(Effect)}  # 0 is the strongest


class Outcome(StrEnum):
    """Whether a rule applies to a resource. A missing fact is UNKNOWN, never NO."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Detection(StrEnum):
    """What can tell: the inventory, an uploaded file, the platform's Validate, its Prepare, or only a person."""

    API = "api"
    FILE = "file"
    VALIDATE = "validate"
    PREPARE = "prepare"
    ATTEST = "attest"


class Scope(StrEnum):
    """What a rule speaks about: one module each."""

    SUBSCRIPTION = "subscription"
    CLOUD_SERVICES = "cloud services"
    NETWORKS = "virtual networks"
    VIRTUAL_MACHINES = "virtual machines"
    STORAGE = "storage and unattached network objects"


class Automatable(StrEnum):
    """Whether the remedy can be done through Azure's APIs: whole, a piece of it, or not at all."""

    YES = "yes"
    PART = "part"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement was published. `document`: short name of `sources.DOCUMENTS`; `row`: row of a seed document or
    entry of the error catalogue ("S0-D2", "E09"), empty for a whole page; `year`: None where the page bears no date."""

    document: str
    row: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Superseded:
    """An older statement which a newer one overtook. The newer one decides the outcome; both are shown."""

    document: str
    year: int
    then: str  # what it said, in our words
    now: str  # what is published now, in our words


class Evidence(NamedTuple):
    """Which field said so, and what it said. `field` is a path a person can find in the snapshot: "roles/web.size"."""

    field: str
    value: str


class Answer(NamedTuple):
    """What a check says about one resource. `effect` only where it differs from the rule's own.

    A named tuple, like Finding and Evidence, because an evaluation makes a hundred of them and a frozen dataclass takes
    four times as long to make (figures.md F12).
    """

    outcome: Outcome
    key: str
    name: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    settles: str = ""
    effect: Effect | None = None


CATALOGUE_SOURCE: Final = "catalogue"
PLATFORM_SOURCE: Final = "platform"


class Finding(NamedTuple):
    """The outcome of one rule for one resource. (`rule_id`, `resource_key`) is unique in an evaluation.

    A rule which found nothing to say gives one NO for the unit. `settles`: for an UNKNOWN, what would settle it.
    `source`: "catalogue" when the rule's own check said so, "platform" when only Validate or Prepare did.
    `waived`: set aside by a waiver; it counts neither in the verdict nor in the score.
    """

    rule_id: str
    effect: Effect
    outcome: Outcome
    resource_key: str
    resource_name: str
    evidence: tuple[Evidence, ...] = ()
    sentence: str = ""
    settles: str = ""
    source: str = CATALOGUE_SOURCE
    waived: bool = False


Check = Callable[["View", "Context"], Iterable[Answer]]

KINDS: Final = {
    Scope.SUBSCRIPTION: frozenset(UnitKind),
    Scope.CLOUD_SERVICES: frozenset({UnitKind.NETWORK, UnitKind.DEPLOYMENT}),
    Scope.NETWORKS: frozenset({UnitKind.NETWORK}),
    Scope.VIRTUAL_MACHINES: frozenset({UnitKind.NETWORK, UnitKind.DEPLOYMENT}),
    Scope.STORAGE: frozenset({UnitKind.STORAGE_ACCOUNT}),
}


def everywhere(_view: "View") -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One documented statement about the migration.

    `detection` is what tells first, `also` what can tell besides. `kinds`: the kinds of unit it speaks about;
    `applies`: whether a unit holds anything it speaks about (a rule on virtual machines says nothing about a unit
    without any). `fragments`: alternatives; each is a group of texts which, all found in a platform message, make that
    message a confirmation of this rule (azure.md 2.10). `revision` goes up whenever the check decides differently.
    """

    id: str
    title: str
    scope: Scope
    effect: Effect
    detection: Detection
    statement: str
    remedy: str
    sources: tuple[Source, ...]
    check: Check
    follow_up: str = ""
    automatable: Automatable = Automatable.NO
    superseded: tuple[Superseded, ...] = ()
    also: tuple[Detection, ...] = ()
    fragments: tuple[tuple[str, ...], ...] = ()
    kinds: frozenset[UnitKind] = frozenset()
    applies: Callable[["View"], bool] = everywhere
    revision: int = 1

    @property
    def only_prepare(self) -> bool:
        """Whether nothing before Prepare can tell: its unknowns are listed, and do not hold the verdict back."""
        return self.detection is Detection.PREPARE

    @property
    def by_validate(self) -> bool:
        return self.detection is Detection.VALIDATE or Detection.VALIDATE in self.also

    @property
    def attestable(self) -> bool:
        """Whether a person's answer settles an unknown: not where only the platform can tell."""
        by_platform = self.detection in (Detection.VALIDATE, Detection.PREPARE)
        return not by_platform or Detection.ATTEST in self.also


class Rules:
    """Collects the rules of one module in the order they are written: `@rules.add(id=…, …)` above each check."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.listed: list[Rule] = []

    def add(self, *, kinds: Iterable[UnitKind] = (), **metadata: object) -> Callable[[Check], Check]:
        def keep(check: Check) -> Check:
            chosen = frozenset(kinds) or KINDS[self.scope]
            self.listed.append(Rule(scope=self.scope, check=check, kinds=chosen, **metadata))  # type: ignore[arg-type]
            return check

        return keep


def label(about: Resource | Unit) -> str:
    """The name people know a thing by: children with the names above them, "shop/Production/web"."""
    if isinstance(about, Unit):
        return about.name
    return _label(about.id, about.name)


@lru_cache(maxsize=16_384)  # dozens of rules name the same resource one after the other
def _label(azure_id: str, name: str) -> str:
    names = azure_id.rpartition("/providers/")[2].split("/")[2::2]
    return "/".join([*names[:-1], name]) if len(names) > 1 else display_name(name)


def yes(about: Resource | Unit, sentence: str, *evidence: Evidence, effect: Effect | None = None) -> Answer:
    """The rule applies to `about`."""
    return Answer(Outcome.YES, about.key, label(about), sentence, evidence, "", effect)


def no(about: Resource | Unit, sentence: str, *evidence: Evidence) -> Answer:
    """Looked at, with the evidence that it does not apply. Only worth saying when the evidence is worth seeing."""
    return Answer(Outcome.NO, about.key, label(about), sentence, evidence)


def unknown(
    about: Resource | Unit, sentence: str, settles: str, *evidence: Evidence, effect: Effect | None = None
) -> Answer:
    """Nobody can tell yet; `settles` says what would."""
    return Answer(Outcome.UNKNOWN, about.key, label(about), sentence, evidence, settles, effect)
