"""Thinking with three values: True, False and UNKNOWN, which has no truth value: every `if` asks `is True`."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from migrator.resources import UNKNOWN, Unknown

T = TypeVar("T")
Tri = bool | Unknown


def both(*values: Tri) -> Tri:
    """False as soon as one is False; UNKNOWN when the rest does not tell."""
    seen_unknown = False
    for value in values:
        if value is False:
            return False
        seen_unknown = seen_unknown or value is UNKNOWN
    return UNKNOWN if seen_unknown else True


def either(*values: Tri) -> Tri:
    """True as soon as one is True; UNKNOWN when the rest does not tell."""
    return any_of(values)


def any_of(values: Iterable[Tri]) -> Tri:
    """Whether one of them is true: `either` over many."""
    seen_unknown = False
    for value in values:
        if value is UNKNOWN:
            seen_unknown = True
        elif value:
            return True
    return UNKNOWN if seen_unknown else False


def negate(value: Tri) -> Tri:
    return UNKNOWN if value is UNKNOWN else not value


def when(value: T | Unknown, test: Callable[[T], Tri]) -> Tri:
    """`test(value)` when the value is known."""
    return UNKNOWN if value is UNKNOWN else test(value)  # type: ignore[arg-type]


def within(values: Iterable[T] | Unknown, test: Callable[[T], Tri]) -> Tri:
    """Whether `test` is true of one of them, when they are known."""
    return UNKNOWN if values is UNKNOWN else any_of(map(test, values))  # type: ignore[arg-type]
