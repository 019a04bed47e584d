"""The switches: what can be made to go wrong, and how a request for one is checked.

Kinds (settings in brackets; all take `verb`, `unit`, `method`, `times`):

    fail               refuse the verb, nothing applied [code: E-number, or code + message + status; retry_after]
    apply-then-fail    apply the verb, then answer badly [answer: HTTP status or "drop"]
    late-apply         answer badly now, apply later [delay: simulated seconds; answer]
    stuck              the operation never ends by itself
    operation-fails    accepted, then Failed [code, message; keeps_lock (Prepare); partial (Commit)]
    says-succeeded     accepted, then Succeeded, and nothing was changed
    says-failed        accepted, then Failed, and yet carried out [code, message]
    throttle           429 or 503 [status; retry_after: real seconds or null for none]
    retry-after        the answer carries this Retry-After instead of its own [value: text as sent, or null for none]
    unauthorized       401
    stale-reads        reads show the platform as it was [seconds: simulated]
    slow               the answer takes longer [seconds: real]
    malformed          a read or poll that cannot be understood [body: html, cut, empty, list]
    poll-gone          404 on the status URL
"""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from migrator.simulator.errors import CATALOGUE, ArmError
from migrator.simulator.records import Fault, Table

DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "fail": {"code": "E03", "message": "", "status": None, "retry_after": None},
    "apply-then-fail": {"answer": 500},
    "late-apply": {"answer": "drop", "delay": 60},
    "stuck": {},
    "operation-fails": {"code": "E03", "message": "", "keeps_lock": True, "partial": False},
    "says-succeeded": {},
    "says-failed": {"code": "E03", "message": ""},
    "throttle": {"retry_after": 5, "status": 429},
    "retry-after": {"value": "30"},
    "unauthorized": {},
    "stale-reads": {"seconds": 60},
    "slow": {"seconds": 5},
    "malformed": {"body": "html"},
    "poll-gone": {},
}
STANDING: Final = frozenset({"stale-reads", "unauthorized", "slow"})  # last until cleared unless `times` is given
VERBS: Final = ("validate", "prepare", "abort", "commit")


class FaultError(ValueError):
    """A switch that does not exist or is set wrongly; the text says what is expected."""


def parse(body: Any) -> Fault:
    """A fault from the body of `POST /_simulator/faults`. Raises FaultError."""
    if not isinstance(body, Mapping):
        raise FaultError("A fault is one JSON object with the key 'kind'.")
    kind = body.get("kind")
    if kind not in DEFAULTS:
        raise FaultError(f"There is no fault {kind!r}; expected one of {', '.join(DEFAULTS)}.")
    allowed = {"kind", "verb", "unit", "method", "times", *DEFAULTS[kind]}
    if strange := sorted(set(body) - allowed):
        raise FaultError(f"The fault {kind!r} has no key {strange[0]!r}; it takes {', '.join(sorted(allowed))}.")
    if body.get("verb") and body["verb"] not in VERBS:
        raise FaultError(f"There is no verb {body['verb']!r}; expected one of {', '.join(VERBS)}.")
    times = body.get("times", None if kind in STANDING else 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise FaultError("Key 'times' must be a whole number of 1 or more, or null for no end.")
    for key in ("delay", "seconds"):
        value = body.get(key, 0)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise FaultError(f"Key {key!r} must be a number of seconds, 0 or more.")
    answer = body.get("answer", 500)
    if answer != "drop" and (not isinstance(answer, int) or not 400 <= answer <= 599):
        raise FaultError("Key 'answer' must be an HTTP status from 400 to 599, or \"drop\".")
    if kind == "throttle" and body.get("status", 429) not in (429, 503):
        raise FaultError("Key 'status' must be 429 or 503.")
    value = body.get("value", "")
    if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise FaultError("Key 'value' must be one line of ASCII text, or null for no header.")
    settings = {**DEFAULTS[kind], **{key: body[key] for key in DEFAULTS[kind] if key in body}}
    return Fault(
        fault_id=uuid.uuid4().hex[:8],
        kind=kind,
        verb=str(body.get("verb") or ""),
        unit=str(body.get("unit") or ""),
        method=str(body.get("method") or "").upper(),
        times=times,
        settings=settings,
    )


class Faults:
    """The switches that are on, in the order they were set."""

    def __init__(self) -> None:
        self.table: Table[Fault] = Table(Fault)

    def add(self, fault: Fault) -> None:
        self.table[fault.fault_id] = fault

    def take(self, *kinds: str, verb: str = "", path: str = "", method: str = "") -> Fault | None:
        """The first matching switch of these kinds, counted as used."""
        for key in self.table:
            fault = self.table[key]
            if fault.kind in kinds and fault.matches(verb=verb, path=path, method=method):
                fault.used += 1
                self.table.touch(key)
                return fault
        return None

    def stale_seconds(self, path: str) -> float:
        fault = self.take("stale-reads", path=path, method="GET")
        return float(fault.settings["seconds"]) if fault else 0.0


class Unanswered(Exception):
    """The request may have been applied, but its answer is an error or no answer at all (`answer` "drop")."""

    def __init__(self, answer: int | str) -> None:
        super().__init__(str(answer))
        self.answer = answer


def refusal(fault: Fault) -> ArmError:
    """The error a `fail` fault asks for."""
    status, code, message = wording(fault.settings)
    wait = fault.settings.get("retry_after")
    return ArmError(
        int(fault.settings.get("status") or status),
        code,
        message,
        headers={} if wait is None else {"Retry-After": str(wait)},
    )


def wording(settings: Mapping[str, Any]) -> tuple[int, str, str]:
    """Status, code and message for a catalogue number or for a free code."""
    code = str(settings.get("code") or "E03")
    status, azure, text = CATALOGUE.get(code, (500, code, f"The simulator was told to answer {code}."))
    return status, azure, str(settings.get("message") or text)
