"""The rows of the list of units, composed here: as a template, fifty of them took four times as long as everything
else of the page (figures.md F1, F8). Every text that comes from outside goes through `escape`."""

from collections.abc import Collection, Iterable

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from tracker.inventory.queries import UnitRow
from tracker.web.icons import icon
from tracker.web.programme import DONE
from tracker.web.templatetags import estate, tracker

COLUMNS = 8
OPEN = icon("chevron-down")
GONE = ' class="gone"'


def rows(units: Iterable[UnitRow], *, selectable: bool, ticked: Collection[str] = ()) -> SafeString:
    """Two table rows for each unit: itself, and the one its members are loaded into. `ticked`: ids as text."""
    pages = reverse("unit", args=[0]).removesuffix("0/")
    return mark_safe("\n".join(_row(unit, pages, selectable, ticked) for unit in units))  # noqa: S308 - see above


def _row(unit: UnitRow, pages: str, selectable: bool, ticked: Collection[str]) -> str:
    pk, name, subscription = unit.id, escape(unit.name), escape(unit.subscription_name)
    region = escape(unit.region) or "no region"
    lost = unit.gone_at is not None and unit.progress not in DONE
    tick = ""
    if selectable:
        checked = " checked" if str(pk) in ticked else ""
        tick = (
            f'<td class="fit"><input type="checkbox" name="unit" value="{pk}" aria-label="Select {name}"{checked}></td>'
        )
    verdict = tracker.chip("verdict", unit.verdict, quiet=True)
    score = tracker.score(unit.verdict, unit.score) if unit.assessed_at else ""
    health = "" if unit.health == "on track" else tracker.chip("health", unit.health, quiet=True)
    wave = (
        f'<span class="clamp2">{escape(unit.wave_name)}</span>'
        if unit.wave_id
        else '<span class="faint">No wave</span>'
    )
    members = f"{pages}{pk}/members"
    return (
        f"<tr{GONE if lost else ''}>{tick}"
        f'<td><a class="row-link" href="{pages}{pk}/">{name}</a>'
        f'<span class="sub">{tracker.unit_kind(unit.kind)}{" · no longer listed" if lost else ""}</span>'
        f'<span class="sub where-too">{subscription} · {region}</span></td>'
        f'<td class="where-col" data-label="Where"><span class="cut" title="{subscription}">{subscription}</span>'
        f'<span class="sub">{region}</span></td>'
        f'<td class="stack-pair">{verdict}{score}</td>'
        f'<td class="tallies">{_tallies(unit)}</td>'
        f'<td class="stack-pair">{tracker.chip("progress", unit.progress, quiet=True)}{health}</td>'
        f'<td data-label="Wave, owner">{wave}<span class="sub">{escape(unit.owner) or "No owner"}</span></td>'
        f'<td class="num" data-label="Members"><details class="expand" hx-get="{members}-only/"'
        f' hx-trigger="toggle once" hx-target="next .under>td">'
        f'<summary aria-label="{unit.member_count} members of {name}">{unit.member_count}{OPEN}</summary>'
        f'</details></td></tr><tr class="under"><td colspan="{COLUMNS}">'
        f'<a href="{members}/">Members of {name}</a></td></tr>'
    )


def _tallies(unit: UnitRow) -> str:
    if not unit.assessed_at:
        return '<span class="muted">not assessed</span>'
    return (
        estate.tally(unit.blockers, "stop", "ban", "blocking")
        + estate.tally(unit.changes, "attention", "pencil-line", "with downtime, dropped settings or changes")
        + estate.tally(unit.unknowns, "neutral", "circle-question-mark", "unknown")
    )
