"""Estates by name, and estate files (FORMAT.md).

`demo` is a believable company with about sixty units of every kind; `journey` is made for the end-to-end test in a
browser; `every-setting` has one of each setting that a move drops; `small` holds three units, all ready; `empty`
nothing; `generated` is as large as wished.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from migrator.simulator import estate as files
from migrator.simulator.estate import Estate, EstateError, check, dump, load, parse
from migrator.simulator.estates import demo, every_setting, generated, journey, small

__all__ = ["NAMES", "Estate", "EstateError", "checked", "dump", "estate", "find", "load", "parse"]

_MAKERS: Final[dict[str, Callable[[int], Estate]]] = {
    "demo": demo.build,
    "small": small.build,
    "journey": journey.build,
    "empty": small.empty,
    "every-setting": every_setting.build,
    "generated": generated.build,
}
NAMES: Final = tuple(_MAKERS)


def estate(name: str, *, seed: int = 1) -> Estate:
    """A named estate. Raises EstateError for an unknown name."""
    if name not in _MAKERS:
        raise EstateError(f"There is no scenario {name!r}; there are {', '.join(NAMES)}, or give a file.")
    return check(_MAKERS[name](seed), source=f"scenario {name}")


def find(
    name_or_file: str | os.PathLike[str],
    *,
    seed: int = 1,
    resources: int | None = None,
    mix: str | None = None,
    subscriptions: int | None = None,
) -> Estate:
    """A scenario by its name, or an estate file by its path. Raises EstateError.

    Size, mix and number of subscriptions are for `generated` alone. What it makes is not checked again here (seconds
    for a large one): a test does that.
    """
    text = os.fspath(name_or_file)
    if text == "generated":
        size = {} if resources is None else {"resources": resources}
        shares = None if mix is None else generated.mix_of(mix)
        return generated.build(seed, mix=shares, subscriptions=subscriptions, **size)
    if not resources is mix is subscriptions is None:
        raise EstateError("--resources, --mix and --subscriptions go with --scenario generated only.")
    if text in _MAKERS:
        return estate(text, seed=seed)
    if os.sep in text or text.endswith(".json") or Path(text).exists():
        return load(text)
    raise EstateError(f"There is no scenario {text!r} and no such file; scenarios are {', '.join(NAMES)}.")


def checked(data: Any) -> Estate:
    """An estate given as data. Raises EstateError."""
    return files.check(data)
