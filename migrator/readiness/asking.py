"""What most checks are made of: one question put to many resources, and the questions only others can answer."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from migrator.readiness.context import Context
from migrator.readiness.facts import View
from migrator.readiness.rule import Answer, Check, Effect, Evidence, label, unknown, yes
from migrator.readiness.three import Tri, both
from migrator.resources import UNKNOWN, Deployment, Resource, Role, VirtualMachine
from migrator.units import UnitKind

R = TypeVar("R", bound=Resource)
Shows = Callable[[Any], Iterable[Evidence]]

MOVED_BY_ARM: Final = (UnitKind.NETWORK, UnitKind.DEPLOYMENT, UnitKind.STORAGE_ACCOUNT)  # azure.md 1.1: three types
COMPUTE: Final = (UnitKind.NETWORK, UnitKind.DEPLOYMENT)


def holds_web_worker(view: View) -> bool:
    """Whether a unit holds, or may hold, web/worker roles."""
    return view.web_worker is not False


def holds_machines(view: View) -> bool:
    return bool(view.machines)


def reading(about: Resource) -> str:
    """What settles a field the platform did not send."""
    return f"A complete read of {label(about)}: check what the credential may read and sync again; or a person answers."


def shown(value: object) -> str:
    """A value as evidence: "not said" for UNKNOWN, "none" for known absence."""
    if value is UNKNOWN:
        return "not said"
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(shown(item) for item in value)
    return str(value)


def fact(field: str, value: object) -> Evidence:
    return Evidence(field, (value if type(value) is str else shown(value))[:500])


def ask(
    things: Iterable[R],
    test: Callable[[R], Tri],
    says: Callable[[R], str],
    shows: Callable[[R], Iterable[Evidence]],
    wonders: str,
    effect: Effect | None = None,
) -> Iterator[Answer]:
    """YES with `says` where the test holds, UNKNOWN where it cannot tell ("It is not known …"), else nothing."""
    for thing in things:
        told = test(thing)
        if told is False:
            continue
        if told is UNKNOWN:
            yield unknown(thing, unsaid(thing, wonders), reading(thing), *shows(thing), effect=effect)
        elif told:
            yield yes(thing, says(thing), *shows(thing), effect=effect)


def unsaid(about: Resource, wonders: str) -> str:
    return f"It is not known {wonders} ({label(about)})."


def ask_roles(
    view: View,
    test: Callable[[Role], Tri],
    says: Callable[[Role], str],
    shows: Callable[[Role], Iterable[Evidence]],
    wonders: str,
) -> Iterator[Answer]:
    """`ask` over the web/worker roles of a unit; where roles could not be listed, UNKNOWN for what holds them."""
    yield from ask([role for role, _ in view.web_roles], _of_kind(view.web_roles, test), says, shows, wonders)
    yield from ask(view.untold, lambda _: UNKNOWN, str, lambda d: [fact("roles", UNKNOWN)], wonders)


def _of_kind(things: list[tuple[R, Tri]], test: Callable[[R], Tri]) -> Callable[[R], Tri]:
    """The test of what is known to run web/worker roles; UNKNOWN at best for what only may."""
    if all(kind is True for _, kind in things):
        return test
    kinds = {thing.key: kind for thing, kind in things}
    return lambda thing: both(kinds[thing.key], test(thing))


def ask_deployments(
    view: View,
    test: Callable[[Deployment], Tri],
    says: Callable[[Deployment], str],
    shows: Callable[[Deployment], Iterable[Evidence]],
    wonders: str,
) -> Iterator[Answer]:
    """`ask` over the web/worker deployments; where slots could not be listed, UNKNOWN for the cloud service."""
    listed = [deployment for deployment, _ in view.web_deployments]
    yield from ask(listed, _of_kind(view.web_deployments, test), says, shows, wonders)
    unlisted = [s.resource for s in view.services if not s.whole and s.web_worker is not False]
    yield from ask(unlisted, lambda _: UNKNOWN, str, lambda s: [fact("slots", UNKNOWN)], wonders)


def ask_machines(
    view: View,
    test: Callable[[VirtualMachine], Tri],
    says: Callable[[VirtualMachine], str],
    shows: Callable[[VirtualMachine], Iterable[Evidence]],
    wonders: str,
    effect: Effect | None = None,
) -> Iterator[Answer]:
    return ask(view.machines, test, says, shows, wonders, effect)


def states(sentence: str) -> Check:
    """True of every unit the rule speaks about. `{unit}` in the sentence is the unit's name."""

    def check(view: View, _context: Context) -> Iterator[Answer]:
        yield yes(view.unit, sentence.format(unit=view.unit.name))

    return check


def asks_a_person(question: str) -> Check:
    """UNKNOWN until a person answers. `{unit}` in the question is the unit's name."""

    def check(view: View, _context: Context) -> Iterator[Answer]:
        yield nobody_tells(view, question)

    return check


def nobody_tells(view: View, question: str, *evidence: Evidence) -> Answer:
    asked = question.format(unit=view.unit.name)
    return unknown(view.unit, f"No API tells: {asked}", f"A person answers: {asked}", *evidence)


def only_validate_tells(sentence: str) -> Check:
    """NO once Validate passed, UNKNOWN until then; its refusal comes through the rule's fragments."""

    def check(view: View, context: Context) -> Iterator[Answer]:
        if not context.validated():
            yield until_validated(view, context, sentence)

    return check


def only_prepare_tells(sentence: str) -> Check:
    """NO once Prepare passed, UNKNOWN until then; listed, and not counted in the verdict."""

    def check(view: View, context: Context) -> Iterator[Answer]:
        if not context.prepared():
            yield unknown(view.unit, sentence.format(unit=view.unit.name), "Only Prepare can tell.")

    return check


def until_validated(view: View, context: Context, sentence: str, *evidence: Evidence) -> Answer:
    """UNKNOWN, with what to do about it: run Validate, run it again because it is old, or put right what it refused."""
    name, last = view.unit.name, context.validation
    if last is None:
        settles = f"Run Validate on {name}."
    elif not last.fresh(context.now):
        settles = (
            f"Run Validate on {name} again: the last answer, of {last.at.date().isoformat()}, is over seven days old."
        )
    else:
        settles = f"Put right what Validate refused on {last.at.date().isoformat()}, then run it on {name} again."
    return unknown(view.unit, sentence.format(unit=name), settles, *evidence)


def could_not_list(view: View, what: str) -> Answer:
    """UNKNOWN because a whole list is missing."""
    return unknown(
        view.unit,
        f"{what} of the subscription could not be listed, so it is not known whether any concern {view.unit.name}.",
        f"The permission to read {what.lower()} in subscription {view.unit.subscription}; then sync again.",
        fact("inventory", f"{what} not listed"),
    )


def some(number: int, noun: str) -> str:
    """`1 machine`, `3 machines`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ids(things: Iterable[Resource]) -> str:
    return ", ".join(sorted(label(thing) for thing in things))
