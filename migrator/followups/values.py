"""The words of follow-ups: what is owed, the requests that pay it, and the reads that prove it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from migrator.resources import ArmRequest


class Kind(StrEnum):
    AUTOSCALE = "autoscale"
    ALERT_RULE = "alert rule"
    METRIC_ALERT = "metric alert"
    ACTIVITY_LOG_ALERT = "activity log alert"
    ROLE_ASSIGNMENT = "role assignment"
    LOCK = "lock"
    JIT = "just-in-time policy"
    TAGS = "tags"
    PEERING = "peering"
    GATEWAY = "gateway"
    TRAFFIC_MANAGER = "traffic manager endpoint"
    BACKUP = "backup"
    ADMINISTRATOR = "classic administrator"
    WORK = "work of people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A read, and what it must show. `expect` maps a path (`properties.profiles[0].name`) to the value there; an object
    is met when everything named in it is met, a list when it has the same length and every item is met."""

    request: ArmRequest  # GET
    expect: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person has to say before the requests can be written. With a `default` it may be left unanswered.
    `free`: text of the person's own is taken too (`hint` says what it must look like)."""

    id: str
    text: str
    choices: tuple[Choice, ...] = ()
    default: str | None = None
    free: bool = False
    hint: str = ""
    secret: bool = False  # the answer is a secret: keep it out of logs, events and exports


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One request and the read that must be right before the next stage is sent. `minutes`: how long the platform may
    take until the read is right, where that is longer than usual (a gateway)."""

    request: ArmRequest
    probe: Probe
    minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredFollowUp:
    """Work owed after Commit. While a question without default is open `stages` is empty: nothing half-written is sent.

    `basis` and `answers` are plain JSON and enough to build the whole value again: `rebuilt(basis, answers)`.
    """

    key: str  # stable: kind, captured id, unit and new scope, lower case
    kind: Kind
    title: str
    captured_id: str
    new_target: str  # id of what it will hang on; empty while nobody knows
    reason_rules: tuple[str, ...]  # ids of azure.md section 3
    sources: tuple[str, ...]  # documents, rows, years
    what_was: tuple[str, ...]  # short facts, a line each
    stages: tuple[Stage, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()  # what a person should know, inferred things marked [I] or [K]
    answers: Mapping[str, str] = field(default_factory=dict, hash=False)
    basis: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def open_questions(self) -> tuple[Question, ...]:
        return tuple(q for q in self.questions if q.default is None and q.id not in self.answers)

    @property
    def needs_person(self) -> bool:
        return bool(self.open_questions) or not self.stages

    @property
    def by_hand(self) -> bool:
        """No request can be written, whatever anybody answers: only a person can do it, and say so."""
        return not self.stages and not self.open_questions

    @property
    def requests(self) -> tuple[ArmRequest, ...]:
        """In the order they are sent. Each may be sent again: all are PUT (or a merging PATCH) of the same thing."""
        return tuple(stage.request for stage in self.stages)

    @property
    def probe(self) -> Probe | None:
        """The read that closes the follow-up; None while the requests cannot be written."""
        return self.stages[-1].probe if self.stages else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A captured setting for which nothing is owed, and why."""

    captured_id: str
    why: str


class AnswerRefused(ValueError):
    """An answer that does not fit its question; the sentence says which, why, and what would fit."""
