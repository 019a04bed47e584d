"""After a Prepare that Azure refused for want of quota: abort, ask for more, prepare again. Which of the three is done,
which is next, and why. Pure; nothing is done by itself.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from migrator.messages import QuotaNumbers


class Stand(StrEnum):
    DONE = "done"
    NOW = "now"  # somebody's turn, or under way
    LATER = "later"
    STUCK = "stuck"  # Azure said no


@dataclass(frozen=True, slots=True)
class Step:
    name: str  # abort, request, prepare
    stand: Stand
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`numbers`: out of Azure's message. `limit`: as last read, None when never; `fresh`: read after the refusal.
    `request`: state of the newest request since then ("" none), with Azure's words and its total."""

    numbers: QuotaNumbers
    locked: bool
    aborting: bool
    limit: int | None = None
    fresh: bool = False
    request: str = ""
    request_total: int = 0
    words: str = ""
    again: bool = False  # Prepare was asked for again


def wanted(numbers: QuotaNumbers) -> int:
    """The new total to ask for (azure.md 5.2 [V]: totals are asked) [I]: where the message tells what is in use,
    "required" is the whole need; where it does not, what is missing beyond the limit."""
    return numbers.additional + (numbers.current if numbers.used is None else numbers.used)


def named(numbers: QuotaNumbers, region: str) -> QuotaNumbers:
    """`cores in northeurope` → `cores`: Azure's sentence names the region behind the quota."""
    head, found, tail = numbers.name.rpartition(" in ")
    same = found and tail.replace(" ", "").lower() == region.replace(" ", "").lower()
    return replace(numbers, name=head) if same else numbers


def steps(facts: Facts) -> tuple[Step, Step, Step]:
    abort, request = _abort(facts), _request(facts)
    return abort, request, _prepare(facts, ready=abort.stand is request.stand is Stand.DONE)


def _abort(facts: Facts) -> Step:
    if facts.aborting:
        return Step("abort", Stand.NOW, "Azure is taking back what Prepare had begun.")
    if facts.locked:
        return Step("abort", Stand.NOW, "Prepare left the unit locked. Abort unlocks it; nothing is lost by that.")
    return Step("abort", Stand.DONE, "Nothing of the unit is locked.")


def _request(facts: Facts) -> Step:
    name, total = facts.numbers.name, wanted(facts.numbers)
    if facts.limit is not None and facts.fresh and facts.limit >= total:
        return Step("request", Stand.DONE, f"The limit of {name} was read as {facts.limit:,}.")
    match facts.request:
        case "granted":
            return Step("request", Stand.DONE, f"{facts.request_total:,} {name} were granted, and read.")
        case "refused":
            said = f": “{facts.words}”" if facts.words else "."
            return Step("request", Stand.STUCK, f"Azure refused {facts.request_total:,} {name}{said}")
        case "ticket":
            return Step("request", Stand.NOW, f"A support ticket asks for {facts.request_total:,} {name}.")
        case "":
            return Step(
                "request",
                Stand.NOW,
                f"The limit of {name} was {facts.numbers.current:,} and {facts.numbers.additional:,} were missing: ask "
                f"for {total:,}.",
            )
    said = f" Azure says {facts.words}." if facts.words else ""
    return Step("request", Stand.NOW, f"{facts.request_total:,} {name} were asked for.{said}")


def _prepare(facts: Facts, *, ready: bool) -> Step:
    if facts.again:
        return Step("prepare", Stand.DONE, "Prepare was asked for again.")
    if ready:
        return Step("prepare", Stand.NOW, "The unit is free and the limit is there: ask for Prepare again.")
    return Step("prepare", Stand.LATER, "When the two before are done.")
