"""Every unit a rule touches, looked at again because somebody asks."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.readiness import actions
from tracker.readiness.queries import rule_or_none
from tracker.runs.queries import database_now
from tracker.web import live, rechecks


def _known(rule_id: str) -> str:
    if rule_or_none(rule_id) is None:
        raise Http404("There is no such rule.")
    return rule_id


@require(Permission.SYNC)
@require_POST
def recheck(request: HttpRequest, rule_id: str) -> HttpResponse:
    _, new = actions.recheck_rule(_known(rule_id), by=request.user, now=database_now())  # type: ignore[arg-type]
    messages.success(request, "Its units are being looked at again." if new else "They are being looked at already.")
    return HttpResponseRedirect(reverse("rule", args=[rule_id]))


@require(Permission.READ)
@require_safe
def part(request: HttpRequest, rule_id: str) -> HttpResponse:
    """How the newest re-check of the rule stands, live while one goes on."""
    shown = {"rule_id": _known(rule_id), **rechecks.shown(request.user, rule=rule_id)}  # type: ignore[arg-type]
    tag = shown["recheck_etag"]
    return live.unchanged(request, tag) or live.fragment(
        request, "rules/_recheck.html", shown, tag, finished=shown["recheck_over"]
    )
