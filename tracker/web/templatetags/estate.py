"""Tags of the pages of the estate: overview, inventory, unit, rules. Builtins, as tracker.py."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from migrator.readiness import DOCUMENTS, Rule
from tracker.inventory.models import Unit
from tracker.inventory.queries import Numbers
from tracker.web import icons, provenance, resource_words, status, words
from tracker.web.programme import DONE

register = template.Library()
register.filter("resource_word", resource_words.word)
register.filter("resource_plural", resource_words.plural)
register.filter("resource_icon", resource_words.icon)
register.filter("source_words", provenance.source_words)
register.filter("field_words", provenance.field_words)


@register.simple_tag(takes_context=True)
def query_with(context: Mapping[str, Any], **changes: str) -> SafeString:
    """The page's own query string with some parameters changed, without the page cursor: for links and form actions."""
    query = context["request"].GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        query[name] = value
    return mark_safe(escape(query.urlencode()))  # noqa: S308 - escaped on this line


@register.filter
def units_line(found: Numbers) -> str:
    """`61 units`; of a search that finds many, `more than 1,000 units`."""
    return f"{'more than ' * found.more}{found.total:,} unit{'' if found.total == 1 else 's'}"


@register.filter
def document(short: str) -> str:
    """What a document of the catalogue is, by its short name."""
    return DOCUMENTS.get(short, short)


@register.filter
def sources(rule: Rule) -> list[tuple[str, str, int | None]]:
    """Where a rule was published: (document, its rows, year or None when the page bears none), each document once."""
    found: dict[tuple[str, int | None], list[str]] = {}
    for one in rule.sources:
        found.setdefault((one.document, one.year), []).extend([one.row] if one.row else [])
    return [(document, ", ".join(rows), year) for (document, year), rows in found.items()]


@register.simple_tag(takes_context=True)
def sort_th_two(context: Mapping[str, Any], key: str, label: str, other: str, other_label: str) -> SafeString:
    """A header over a cell of two values, each of which sorts the list: `{% sort_th_two "verdict" "Verdict" "score"
    "score" %}`."""
    sort = context["request"].GET.get("sort", "")
    state = {key: "ascending", other: "ascending"}.get(sort) or (
        "descending" if sort.removeprefix("-") in (key, other) else ""
    )
    links = [_sort_link(context, one, said) for one, said in ((key, label), (other, other_label))]
    aria = format_html(' aria-sort="{}"', state) if state else ""
    return format_html('<th scope="col"{}><span class="sorts">{}{}</span></th>', aria, *links)


def _sort_link(context: Mapping[str, Any], key: str, label: str) -> SafeString:
    query = context["request"].GET.copy()
    query.pop("cursor", None)
    now = query.get("sort", "")
    drawn = "arrow-up" if now == key else "arrow-down" if now == f"-{key}" else "chevrons-up-down"
    query["sort"] = f"-{key}" if now == key else key
    drawing = mark_safe(icons.icon(drawn))  # noqa: S308 - a drawing of lucide
    chosen = " chosen" if drawn != "chevrons-up-down" else ""
    return format_html('<a class="sort{}" href="?{}">{}{}</a>', chosen, query.urlencode(), label, drawing)


@register.filter
def outcome_icon(outcome: str) -> str:
    return status.chip("outcome", outcome).icon


@register.filter
def pretty(document: Any) -> str:
    """A JSON document for reading."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True)


@register.filter
def join_lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


@register.filter
def tail(identifier: str) -> str:
    """The last segment of an id: what people call the thing."""
    return str(identifier).rstrip("/").rsplit("/", 1)[-1]


@register.simple_tag
def shown_value(value: Any) -> SafeString:
    """A value of a comparison: a text as it is, an Azure id shortened in the middle, everything else as JSON."""
    if value == [] or value == {"unknown": True}:
        return format_html('<span class="faint">{}</span>', "none" if value == [] else "not read")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if text.startswith("/subscriptions/"):
        return format_html('<code title="{}">{}</code>', text, words.middle_shortened(text, 46))
    return format_html("<code>{}</code>", text)


@register.simple_tag
def took(since: datetime, until: datetime) -> str:
    return words.duration(until - since)


_ICONS = {
    "inventory": "boxes",
    "readiness": "list-checks",
    "wave": "waves-horizontal",
    "approval": "clipboard-check",
    "run": "activity",
    "validation": "list-checks",
    "operation": "send",
    "quota": "gauge",
    "followup": "list-todo",
    "fix": "wrench",
    "settings": "camera",
    "comparison": "arrow-right-left",
    "difference": "arrow-right-left",
    "access": "ban",
    "evidence": "eye",
}


@register.filter
def event_icon(entry: Any) -> str:
    return _ICONS.get(entry.type.split(".")[0], "circle")


@register.filter
def blocked_line(units: int) -> str:
    return f"{units:,} blocked unit{'' if units == 1 else 's'}"


@register.filter
def of_rules(left: int, total: int) -> str:
    return f"{total} rules" if left == total else f"{left} of {total} rules"


# What can tell whether a rule applies, in words (migrator.readiness.Detection).
TELLS = {
    "api": "the inventory",
    "file": "an uploaded configuration file",
    "validate": "the platform’s Validate",
    "prepare": "the platform’s Prepare",
    "attest": "only a person",
}


@register.filter
def told_by(rule: Rule) -> str:
    """`the inventory or the platform’s Validate`."""
    return " or ".join(TELLS[way.value] for way in (rule.detection, *rule.also))


@register.filter
def cannot_be_placed(number: int) -> str:
    return f"{number} of the selected units cannot be placed now." if number > 1 else "One unit cannot be placed now."


@lru_cache(maxsize=1024)
def _tally(number: int, hue: str, drawn: str, what: str) -> SafeString:
    return format_html(
        '<span class="{}" title="{}">{}{}<span class="hush"> {}, </span></span>',
        hue if number else "none",
        what.capitalize(),
        mark_safe(icons.icon(drawn)),  # noqa: S308 - a drawing of lucide
        number,
        what,
    )


@register.simple_tag
def tally(number: int, hue: str, drawn: str, what: str) -> SafeString:
    """A small count with its icon, grey when it is zero."""
    return _tally(number, hue, drawn, what)


@register.filter
def is_done(unit: Unit) -> bool:
    """Committed or beyond: that it is no longer listed as classic is what was wanted."""
    return unit.progress in DONE
