"""Icons: lucide's drawings, each drawn once per page in a hidden sprite and used by name.

A list of fifty rows shows the same dozen icons some two hundred times; a `<use>` is 75 bytes, the drawing three
hundred (figures.md F6). An icon outside the sprite is drawn in place, so any lucide name works everywhere.
"""

import re
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from zipfile import ZipFile

import lucide

from tracker.web.status import CHIPS, UNIT_KINDS

# What frame and parts use again and again.
COMMON = (
    "arrow-down",
    "arrow-right",
    "arrow-up",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevrons-up-down",
    "copy",
    "lock",
    "x",
)
# Chips that stand in every row of a long list; every page pays for the sprite, so it holds no others.
REPEATED = ("progress", "health", "verdict", "effect", "outcome")
IN_SPRITE = (
    frozenset(COMMON)
    | {chip.icon for kind in REPEATED for chip in CHIPS[kind].values()}
    | {icon for _, icon in UNIT_KINDS.values()}
)

_OUTER = re.compile(r"^.*?<svg[^>]*>|</svg>\s*$", re.DOTALL)
_SPACE = re.compile(r"\s+(?=[<>/])|(?<=>)\s+")


@lru_cache(maxsize=1)
def _archive() -> ZipFile:
    """lucide's drawings. The package opens its archive for each of them, which takes longer than drawing a page."""
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


@lru_cache(maxsize=512)
def drawing(name: str) -> str:
    """The shapes inside an icon's `<svg>`, without white space. Raises lucide.IconDoesNotExist."""
    try:
        text = _archive().read(f"{name}.svg").decode()
    except KeyError as error:
        raise lucide.IconDoesNotExist(f"The icon {name!r} does not exist.") from error
    return _SPACE.sub("", _OUTER.sub("", " ".join(text.split())))


@lru_cache(maxsize=1)
def sprite() -> str:
    symbols = (f'<symbol id="i-{name}" viewBox="0 0 24 24">{drawing(name)}</symbol>' for name in sorted(IN_SPRITE))
    return f'<svg class="sprite" aria-hidden="true">{"".join(symbols)}</svg>'


@lru_cache(maxsize=1024)
def icon(name: str, classes: str = "") -> str:
    """One icon as HTML, hidden from assistive technology: the word beside it speaks."""
    css = f"icon {classes}".strip()
    if name in IN_SPRITE:
        return f'<svg class="{css}" aria-hidden="true"><use href="#i-{name}"/></svg>'
    return f'<svg class="{css}" viewBox="0 0 24 24" aria-hidden="true">{drawing(name)}</svg>'
