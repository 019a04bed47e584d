"""Every template compiles, says what it needs, and contains nothing the content security policy refuses."""

import re
from pathlib import Path

import pytest
from django.template import engines
from django.template.loader import get_template

from tracker.web import icons

ROOT = Path(__file__).parents[2] / "templates"
ALL = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))


def source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_it_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", ALL)
def test_it_opens_with_a_comment_naming_its_context(name: str) -> None:
    assert re.match(r"\s*(\{% (extends|load)[^%]*%\}\s*)*\{#.*Context: ", source(name)), (
        f"{name} must begin with {{# what it is. Context: names #}}"
    )


@pytest.mark.parametrize("name", ALL)
def test_no_inline_style_script_or_handler(name: str) -> None:
    text = source(name)
    assert not re.search(r"\sstyle\s*=", text), "style= is refused by the content security policy: use a class"
    assert not re.search(r"<style\b", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script is refused: tracker.js"
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text), "an on…= handler is refused: tracker.js"
    assert not re.search(r"\bhx-on\b|\bjs:", text), "htmx may not evaluate code here (allowEval is off)"


@pytest.mark.parametrize("name", ALL)
def test_every_icon_named_in_it_exists(name: str) -> None:
    text = source(name)
    for icon in re.findall(r'\{% icon (?:"|[\w.]+\|default:")([\w-]+)"', text):
        icons.drawing(icon)


def test_post_forms_carry_the_csrf_token() -> None:
    for name in ALL:
        for form in re.findall(r'<form[^>]*method="post".*?</form>', source(name), flags=re.S | re.I):
            assert "{% csrf_token %}" in form, name


def test_the_product_tags_are_builtin() -> None:
    assert "tracker.web.templatetags.tracker" in engines["django"].engine.builtins
