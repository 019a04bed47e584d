"""Abort, ask, prepare again: the three steps on the page of a run that Azure refused for want of quota, each with the
button that does it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from migrator.quota_way import Stand, Step, wanted
from tracker.accounts.permissions import Permission
from tracker.runs import quota_way
from tracker.runs.models import Run
from tracker.runs.quota_way import Way
from tracker.runs.story import Story
from tracker.web.permits import Permits

TITLES = {"abort": "Abort", "request": "Ask for more quota", "prepare": "Prepare again"}
LOOKS = {
    Stand.DONE: ("circle-check", "good", "Done"),
    Stand.NOW: ("circle-dot", "attention", "Next"),
    Stand.LATER: ("circle", "neutral", "Later"),
    Stand.STUCK: ("circle-x", "stop", "Refused"),
}


def context(run: Run, told: Story, answers: Mapping[str, str], permits: Permits) -> dict[str, Any]:
    """`quota_way`: rows for the page, or [] where nothing of it is so."""
    way = quota_way.of(run, told)
    return {"quota_way": [] if way is None else [_row(step, way, run, answers, permits) for step in way.steps]}


def _row(step: Step, way: Way, run: Run, answers: Mapping[str, str], permits: Permits) -> dict[str, Any]:
    icon, hue, word = LOOKS[step.stand]
    url, label = _act(step, way, run, answers, permits)
    return {"name": step.name, "title": TITLES[step.name], "sentence": step.sentence, "icon": icon, "hue": hue,
            "word": word, "url": url, "label": label}  # fmt: skip


def _act(step: Step, way: Way, run: Run, answers: Mapping[str, str], permits: Permits) -> tuple[str, str]:
    """Where the step is done, and what the link says; "" where there is nothing to press now."""
    if step.stand in (Stand.DONE, Stand.LATER):
        return "", ""
    if step.name == "request":
        return _asking(step, way) if permits.may(Permission.REQUEST_QUOTA) else ("", "")
    if not permits.may(Permission.OPERATE):
        return "", ""
    if step.name == "abort":
        return ("", "") if answers["abort"] else ("?confirm=ask-abort#ask-abort", "Abort")
    if run.ended_at is not None:
        return reverse("unit", args=[run.unit_id]), "Start again from the unit"
    for verb, label in (("retry", "Prepare again"), ("prepare", "Prepare again")):
        if not answers[verb]:
            return f"?confirm=ask-{verb}#ask-{verb}", label
    return "", ""


def _asking(step: Step, way: Way) -> tuple[str, str]:
    if way.request is not None and way.request.state in ("refused", "ticket"):
        return reverse("quota_ticket", args=[way.request.pk]), "Support ticket"
    if way.request is not None and way.request.state != "granted":
        return f"{reverse('quota')}#request-{way.request.pk}", "See the request"
    if way.usage is None:
        return reverse("quota"), "Open quota"
    asked = {
        "subscription": way.usage.subscription_id, "region": way.usage.region, "provider": way.usage.provider,
        "name": way.usage.name, "limit": str(max(wanted(way.numbers), way.usage.limit + 1)),
    }  # fmt: skip
    return f"{reverse('quota_request')}?{urlencode(asked)}", f"Ask for {wanted(way.numbers):,}"
