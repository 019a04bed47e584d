"""The words of fixes: what will be done, what must be so before, and what shows that it was done.

A plan is plain JSON both ways (`Plan.as_json`, `Plan.from_json`), so that what a person approved is what is sent.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from migrator.resources import ArmRequest


class Wants(StrEnum):
    """What a condition asks of a fresh read."""

    THERE = "there"
    GONE = "gone"
    IS = "is"  # a field of the resource says one of `values`; silence is not enough
    IS_OR_SILENT = "is or silent"  # the same, where Azure itself refuses when it is otherwise
    REGISTERED = "registered"  # the provider or feature `resource_id` names is Registered


NOTHING = "nothing"  # how a value of `IS` says: known to be absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that must be so. `field`: a field of the value in `migrator.resources` ("status", "attached_to",
    "instance_count"); `values`: what it may say, compared without case; `NOTHING` for known to be absent."""

    wants: Wants
    resource_id: str
    sentence: str  # for a person, as it should be: "The staging slot is there."
    field: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Another number of instances for one role, over the older API's Change Deployment Configuration [K]. The
    configuration is read, changed and sent inside the gateway, so that its secrets never leave it."""

    deployment_id: str
    role: str
    instances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, what must be so right before it, and what shows that it was done. Exactly one of `request` and
    `scale` is there. `repeatable`: sending it again does no harm, because it names one thing to be gone or registered;
    what is not is sent once, and then only looked at."""

    title: str
    before: tuple[Condition, ...]
    after: tuple[Condition, ...]
    request: ArmRequest | None = None
    scale: Scale | None = None
    repeatable: bool = True
    always: bool = False  # sent also when it looks done already: registering again is what takes effect
    removes: tuple[str, ...] = ()  # ids of what is no longer there afterwards; their documents are kept
    mark: str = ""  # why the request is only inferred [I] or general knowledge [K]; empty: documented
    patience: int = 1800  # seconds until somebody is told that it was sent and never seen

    @property
    def shown(self) -> str:
        """Method and address, for a person."""
        if self.request is not None:
            return f"{self.request.method} {self.request.path}"
        return f"POST {self.scale.deployment_id if self.scale else ''} ?comp=config (service management)"

    @property
    def reads(self) -> tuple[str, ...]:
        """Ids which a fresh look reads, each once; for a role its deployment, whose configuration has the counts."""
        found: dict[str, None] = {}
        for condition in (*self.before, *self.after):
            if condition.wants is not Wants.REGISTERED:
                if "/roles/" in condition.resource_id and condition.field:
                    found[condition.resource_id.rsplit("/roles/", 1)[0]] = None
                found[condition.resource_id] = None
        return tuple(found)

    @property
    def registers(self) -> bool:
        return any(one.wants is Wants.REGISTERED for one in (*self.before, *self.after))

    @property
    def touches(self) -> str:
        """The id of what the request goes to."""
        return self.request.path if self.request is not None else self.scale.deployment_id if self.scale else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a fix will do, in plain words and as requests in their order."""

    rule_id: str
    resource_key: str
    title: str
    does: tuple[str, ...]
    steps: tuple[Step, ...]
    loses: tuple[str, ...] = ()
    final: tuple[str, ...] = ()  # what cannot be undone
    cut_off: tuple[str, ...] = ()  # who is cut off, and how long
    again: tuple[str, ...] = ()  # what has to be made again after the move
    sources: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Ids which a fresh look at every step reads, each once."""
        return tuple(dict.fromkeys(one for step in self.steps for one in step.reads))

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.mark for step in self.steps if step.mark))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**{**given, "steps": tuple(_step(one) for one in data["steps"])})


def _step(data: Mapping[str, Any]) -> Step:
    given = dict(data)
    for name in ("before", "after"):
        given[name] = tuple(
            Condition(**{**one, "wants": Wants(one["wants"]), "values": tuple(one["values"])}) for one in data[name]
        )
    given["removes"] = tuple(data["removes"])
    given["request"] = ArmRequest(**data["request"]) if data["request"] else None
    given["scale"] = Scale(**data["scale"]) if data["scale"] else None
    return Step(**given)


class Place(StrEnum):
    """Where in the product a remedy is offered that is no fix."""

    QUOTA = "quota"
    FOLLOW_UPS = "follow_ups"
    WAVES = "waves"
    RUNS = "runs"
    SYNC = "sync"
    CONFIGURATION = "configuration"
    SNAPSHOTS = "snapshots"
    NOWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFix:
    """Why there is no fix, and where to go instead. `place` NOWHERE: a person has to do it outside of this product."""

    why: str
    place: Place = Place.NOWHERE
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)
