"""Shared by the pages of waivers and attestations: which finding is meant, days, and who may."""

from datetime import datetime, time

from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from tracker.inventory.models import Unit
from tracker.readiness.models import Finding


class BadDay(ValueError):
    """What stands in the field is no day."""


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def finding_asked_for(request: HttpRequest) -> tuple[Unit, str, str, Finding | None]:
    """Unit, rule and resource of the address or the form, and the finding where there is one now. Raises Http404."""
    given = request.POST if request.method == "POST" else request.GET
    pk = number(given.get("unit", ""))
    unit = Unit.objects.select_related("subscription").filter(pk=pk).first() if pk is not None else None
    rule, resource = given.get("rule", "")[:40], given.get("resource", "")[:600]
    if unit is None or "\x00" in rule or "\x00" in resource:
        raise Http404("There is no such finding.")
    return unit, rule, resource, Finding.objects.filter(unit=unit, rule=rule, resource_key=resource).first()


def end_of(text: str) -> datetime | None:
    """The end of a day as people type it (2026-12-31), in the time zone of the page; None when nothing is typed. Raises
    BadDay."""
    if not text.strip():
        return None
    try:
        day = parse_date(text.strip())
    except ValueError:
        day = None
    if day is None:
        raise BadDay("This is no day; write it as 2026-12-31.")
    return datetime.combine(day, time(23, 59), tzinfo=timezone.get_current_timezone())
