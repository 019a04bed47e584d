"""The tokens: enough contrast in both themes (WCAG 2.2 AA), and no colour anywhere else."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "tracker" / "static"
BASE = (STATIC / "base.css").read_text(encoding="utf-8")
PARTS = (STATIC / "parts.css").read_text(encoding="utf-8")
TOKENS = BASE[BASE.index(":root {") : BASE.index("/* --- elements")]
SURFACES = ("canvas", "surface", "raised", "sunken")
HUES = ("neutral", "progress", "good", "attention", "stop")


def tokens(theme: int) -> dict[str, str]:
    found = {
        name: (light, dark)[theme]
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", TOKENS)
    }
    return found | dict(re.findall(r"--([\w-]+): (#\w+);", TOKENS))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


TEXT = [(text, surface) for text in ("text", "muted", "faint", "accent") for surface in SURFACES]
TEXT += [("accent", "accent-soft"), ("text", "accent-soft")]
TEXT += [(hue, surface) for hue in HUES for surface in (*SURFACES, f"{hue}-soft")]
TEXT += [(text, f"{hue}-soft") for hue in HUES for text in ("text", "muted")]
TEXT += [("on-solid", solid) for solid in ("accent-solid", "accent-solid-hover", "danger-solid", "danger-solid-hover")]
SHAPES = [(f"{hue}-solid", surface) for hue in HUES for surface in ("canvas", "surface", "raised")]
SHAPES += [("line-strong", surface) for surface in SURFACES] + [("accent", surface) for surface in SURFACES]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read_on_its_ground(theme: int, front: str, back: str) -> None:
    known = tokens(theme)
    assert contrast(known[front], known[back]) >= 4.5, (
        f"--{front} on --{back}: {contrast(known[front], known[back]):.2f}"
    )


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back"), SHAPES)
def test_shapes_and_borders_of_fields_stand_out(theme: int, front: str, back: str) -> None:
    known = tokens(theme)
    assert contrast(known[front], known[back]) >= 3.0, (
        f"--{front} on --{back}: {contrast(known[front], known[back]):.2f}"
    )


def test_the_measure_knows_black_and_white() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_every_colour_is_a_token() -> None:
    without_images = re.sub(r"url\(.*?\)", "", BASE.replace(TOKENS, "") + PARTS)
    on_paper = "--canvas: #fff; --sunken: #fff"
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-]*\s*\{)|rgba?\(|hsla?\(", without_images.replace(on_paper, "")) == []


def test_every_token_that_is_used_exists() -> None:
    defined = set(re.findall(r"--([\w-]+)\s*:", BASE + PARTS))
    used = set(re.findall(r"var\(--([\w-]+)", BASE + PARTS))
    assert used - defined == set()
