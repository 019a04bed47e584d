"""The product's template tags. Builtins (settings.py): no `{% load %}` needed. What they look like: /style/; how to
use them: templates/docs/parts.md."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe

from migrator import fixes, windows
from tracker.readiness import people
from tracker.readiness.queries import rule_or_none
from tracker.times import short
from tracker.web import charts, icons, status, words
from tracker.web.lists import Facet

register = template.Library()


# --- icons and chips -------------------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, classes: str = "", label: str = "") -> SafeString:
    """`{% icon "lock" %}`: decoration. With `label` it speaks for itself and is an image to assistive technology."""
    html = icons.icon(str(name), str(classes))
    if label:
        html = html.replace('aria-hidden="true"', f'role="img" aria-label="{escape(label)}"', 1)
    return mark_safe(html)  # noqa: S308 - drawings of lucide, names checked there


@register.simple_tag
def icon_sprite() -> SafeString:
    """The drawings `{% icon %}` refers to; base pages carry it once."""
    return mark_safe(icons.sprite())  # noqa: S308 - drawings of lucide


@lru_cache(maxsize=512)
def _chip(kind: str, value: str, classes: str) -> SafeString:
    found = status.chip(kind, value)
    return format_html(
        '<span class="chip {}{}" title="{}">{}{}</span>',
        found.hue,
        f" {classes}" if classes else "",
        found.meaning,
        icon(found.icon),
        found.word,
    )


@register.simple_tag
def chip(kind: str, value: object, quiet: bool = False, large: bool = False) -> SafeString:
    """`{% chip "progress" unit.progress %}`: icon + word + colour. `quiet=True` in tables, `large=True` in headers."""
    text = str(getattr(value, "value", value) or "")
    return _chip(str(kind), text, " ".join(filter(None, ("quiet" if quiet else "", "large" if large else ""))))


@register.filter
def hue(value: object, kind: str) -> str:
    """`{{ unit.health|hue:"health" }}` → good, attention … for a class on something of your own."""
    return status.chip(kind, value).hue


@register.filter
def word(value: object, kind: str) -> str:
    """`{{ finding.effect|word:"effect" }}` → the chip's word without the chip."""
    return status.chip(kind, value).word


@lru_cache(maxsize=32)
def _unit_kind(kind: str) -> SafeString:
    name, drawn = status.UNIT_KINDS[kind]
    return format_html('<span class="kind">{}{}</span>', icon(drawn), name)


@register.simple_tag
def unit_kind(kind: object) -> SafeString:
    """`{% unit_kind unit.kind %}`: icon and word of a kind of unit (migrator.units.UnitKind)."""
    return _unit_kind(str(getattr(kind, "value", kind)))


@register.filter
def fixable(finding: Any) -> bool:
    """`{% if finding|fixable %}`: whether there may be a fix for it."""
    return fixes.offers(finding.rule, finding.outcome)


@register.filter
def attestable(finding: Any) -> bool:
    """`{% if finding|attestable %}`: whether a person's answer would count."""
    return not people.why_not_attest(finding, rule_or_none(finding.rule))


@register.filter
def waivable(finding: Any) -> bool:
    """`{% if finding|waivable %}`: whether it could be set aside."""
    return not people.why_not_waive(finding)


@register.filter
def no_fix(finding: Any) -> fixes.NoFix | None:
    """`{% with told=finding|no_fix %}`: why the remedy of a finding that holds the move up is no fix, where one could
    expect one."""
    held = finding.outcome == "yes" and finding.effect in ("blocks", "downtime")
    return fixes.instead(finding.rule) if held else None


@register.filter
def kind_word(kind: object) -> str:
    """`{{ unit.kind|kind_word }}` → Virtual network."""
    return status.UNIT_KINDS[str(getattr(kind, "value", kind))][0]


# --- times, durations, ids -------------------------------------------------------------------------------------------
def _now(context: Mapping[str, Any]) -> datetime:
    return context.get("now") or timezone.now()


@register.simple_tag(takes_context=True)
def when(context: Mapping[str, Any], at: datetime | None, show: str = "relative", none: str = "never") -> SafeString:
    """`{% when run.started_at %}` → `<time>`: relative, the absolute time with zone on hover. `show`: relative,
    short, absolute, clock.

    `clock` is the time since then, ticking. An empty time shows `none`.
    """
    if at is None:
        return format_html('<span class="faint">{}</span>', none)
    zone, now = timezone.get_current_timezone(), _now(context)
    full = words.absolute(at, zone)
    match show:
        case "relative":
            text, mark = words.relative(at, now), " data-relative"
        case "clock":
            text, mark = words.clock((now - at).total_seconds()), " data-clock"
        case "short":
            text, mark = short(at, zone, now), ""
        case "absolute":
            text, mark = full, ""
        case _:
            raise template.TemplateSyntaxError(f"when: show is {show!r}; one of relative, short, absolute, clock.")
    iso = at.astimezone(zone).isoformat(timespec="seconds")
    return mark_safe(f'<time datetime="{iso}" title="{full}"{mark}>{text}</time>')  # noqa: S308 - digits and month names


@register.simple_tag
def said_in(at: datetime, zone: str) -> SafeString:
    """`{% said_in row.begins_at row.zone %}`: the local words in the zone they were said in, and UTC behind them."""
    plain = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    local = "" if zone == "UTC" else windows.words(at, windows.zone(zone))
    return format_html(
        '<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), f"{local} ({plain})" if local else plain
    )


@register.filter
def duration(value: float | timedelta | None) -> str:
    """`{{ run.took|duration }}` → `3 min 20 s`; empty for None."""
    return "" if value is None else words.duration(value)


@register.simple_tag
def short_id(value: object, shown: int = words.SHOWN, copy: bool = True, what: str = "id") -> SafeString:
    """`{% short_id unit.key %}`: shortened in the middle, whole on hover and on the copy button's focus."""
    text = str(value)
    code = format_html('<code title="{}">{}</code>', text, words.middle_shortened(text, shown))
    if not copy:
        return code
    button = format_html(
        '<button type="button" class="copy" data-copy="{}" aria-label="Copy {}">{}</button>', text, what, icon("copy")
    )
    return format_html('<span class="id">{}{}</span>', code, button)


# --- lists -----------------------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def sort_th(
    context: Mapping[str, Any], key: str, label: str, default: str = "", down_first: bool = False, classes: str = ""
) -> SafeString:
    """`{% sort_th "name" "Unit" default="name" %}`: a header that sorts by URL (`?sort=-name`) and drops the page
    cursor.

    `default`: the list's order when the URL has none. `down_first`: numbers start with the largest. `classes`: `num`
    for figures.
    """
    request: HttpRequest = context["request"]
    current = request.GET.get("sort") or default
    up, down = key, f"-{key}"
    if current == up:
        state, target, drawn = ' aria-sort="ascending"', down, "arrow-up"
    elif current == down:
        state, target, drawn = ' aria-sort="descending"', up, "arrow-down"
    else:
        state, target, drawn = "", down if down_first else up, "chevrons-up-down"
    query = request.GET.copy()
    query.pop("cursor", None)
    query["sort"] = target
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="?{}">{}{}</a></th>',
        mark_safe(state),  # noqa: S308 - two literals above
        format_html(' class="{}"', classes) if classes else "",
        query.urlencode(),
        label,
        icon(drawn),
    )


@register.simple_tag
def facet_list(facets: Iterable[Facet]) -> SafeString:
    """The facets of `parts/facets.html`. Composed here: as a template, a hundred options take as long as a page."""
    return mark_safe("".join(map(_facet, facets)))  # noqa: S308 - escaped in _facet


def _facet(facet: Facet) -> str:
    if not facet.options:
        return ""
    items = []
    for option in facet.options:
        said = (
            _chip(option.chip, option.value, "quiet")
            if option.chip
            else f'<span class="label">{escape(option.label)}</span>'
        )
        count = "" if option.count is None else f'<span class="n">{option.count}</span>'
        box = f'<span class="box">{icons.icon("check") if option.chosen else ""}</span>'
        here = ' aria-current="true"' if option.chosen else ""
        items.append(f'<li><a href="{escape(option.url)}"{here}>{box}{said}{count}</a></li>')
    if facet.all_url:
        every = f"All {facet.hidden + len(facet.options)}"
        what = f'<span class="hush"> of {escape(facet.title)}</span>'
        items.append(f'<li><a class="every" href="{escape(facet.all_url)}">{every}{what}</a></li>')
    return f'<section class="facet"><h3>{escape(facet.title)}</h3><ul>{"".join(items)}</ul></section>'


@register.simple_tag(takes_context=True)
def hidden_query(context: Mapping[str, Any], *leave_out: str) -> SafeString:
    """The URL's parameters as hidden inputs, for a GET form that must not forget the others. The page cursor is
    always left out."""
    query = context["request"].GET
    pairs = ((key, value) for key in query if key not in {*leave_out, "cursor"} for value in query.getlist(key))
    html = (format_html('<input type="hidden" name="{}" value="{}">', key, value) for key, value in pairs)
    return mark_safe("".join(html))  # noqa: S308 - format_html above


# --- figures ---------------------------------------------------------------------------------------------------------
@register.simple_tag
def meter(value: float, of: float = 100, hue: str = "progress", label: str = "") -> SafeString:
    """A thin bar: `{% meter unit.score hue="good" label="Score 83 of 100" %}`. Without `label` it is decoration
    beside a number."""
    share = 0.0 if of <= 0 else max(0.0, min(100.0, 100.0 * value / of))
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="meter" {}><rect class="track" width="100%" height="6" rx="3"/>'
        '<rect class="fill {}" width="{}%" height="6" rx="3"/></svg>',
        role,
        hue,
        f"{share:.4g}",
    )


@lru_cache(maxsize=512)
def _score(verdict: str, value: int) -> SafeString:
    bar = meter(value, hue=status.chip("verdict", verdict).hue)
    return format_html('<span class="score" title="Score, of 100"><span>{}</span>{}</span>', value, bar)


@register.simple_tag
def score(verdict: object, value: int | None) -> SafeString:
    """`{% score unit.verdict unit.score %}`: the number with its bar in the colour of the verdict; nothing for None."""
    return mark_safe("") if value is None else _score(str(getattr(verdict, "value", verdict)), value)


@register.simple_tag
def sparkline(values: Sequence[float], label: str = "", hue: str = "progress") -> SafeString:
    """A line without axes: `{% sparkline trend label="Ready units, last 30 days" %}`."""
    path = charts.line_path(
        list(enumerate(values)), (0, max(1, len(values) - 1)), (0, max([*values, 1])), width=100, height=24
    )
    role = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="spark {}" viewBox="0 -2 100 28" preserveAspectRatio="none" {}><path d="{}"/></svg>',
        hue,
        role,
        path,
    )


@register.inclusion_tag("parts/stacked_bar.html")
def stacked_bar(
    segments: Iterable[charts.Segment | Mapping[str, Any]], label: str = "", legend: bool = True
) -> dict[str, Any]:
    """`{% stacked_bar bar label="Units by progress" %}`; see charts.Segment and charts.by_progress."""
    return {"bar": charts.stacked(segments), "label": label, "legend": legend}


# --- live fragments --------------------------------------------------------------------------------------------------
@register.tag
def live(parser: Parser, token: Token) -> "LiveNode":
    """`{% live "run-head" url=head_url etag=head_etag every="2s" finished=run.ended_at %} … {% endlive %}`

    The element asks `url` again and is replaced by the answer, which is this same element (see web/live.py). An
    answer with the same etag is 304 and touches nothing. A true `finished` renders it without asking. Works as plain
    HTML without JavaScript.
    """
    name, *rest = token.split_contents()
    if not rest:
        raise template.TemplateSyntaxError(f'{name} needs an id: {{% live "run-head" url=… etag=… %}}')
    identity = parser.compile_filter(rest[0])
    options = token_kwargs(rest[1:], parser)
    if unknown := set(options) - {"url", "etag", "every", "finished", "classes"} or {"url", "etag"} - set(options):
        raise template.TemplateSyntaxError(f"{name}: look at {', '.join(sorted(unknown))}")
    body = parser.parse(("endlive",))
    parser.delete_first_token()
    return LiveNode(identity, options, body)


class LiveNode(template.Node):
    def __init__(self, identity: FilterExpression, options: dict[str, FilterExpression], body: NodeList) -> None:
        self.identity, self.options, self.nodelist = identity, options, body

    def render(self, context: template.Context) -> str:
        option = {key: value.resolve(context) for key, value in self.options.items()}
        identity = conditional_escape(self.identity.resolve(context))
        classes = escape(f"live {option.get('classes') or ''}".strip())
        asking = ""
        if not option.get("finished"):
            headers = escape(json.dumps({"If-None-Match": f'"{option["etag"]}"'}))
            asking = (
                f' hx-get="{escape(option["url"])}" hx-trigger="every {escape(option.get("every") or "2s")}"'
                f' hx-target="this" hx-swap="outerHTML" hx-headers="{headers}" data-live'
            )
        return f'<div id="{identity}" class="{classes}"{asking}>{self.nodelist.render(context)}</div>'


# --- people -----------------------------------------------------------------------------------------------------------
@register.filter
def initials(person: object) -> str:
    """`Ada Brandt` → AB."""
    parts = str(person).replace(".", " ").replace("-", " ").split()
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts))[:2].upper()
