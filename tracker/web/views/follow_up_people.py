"""What people do with a follow-up by their word: who sees to it, that it is done, that it will not be. Each a POST."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_POST

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.followups import actions
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.web.views.follow_ups import page, row_or_404


def _done(request: HttpRequest, pk: int, act: Callable[[FollowUp], Any], said: str) -> HttpResponse:
    row = row_or_404(pk)
    try:
        act(row)
    except actions.FollowUpError as error:
        refused = {"happened": str(error), "changed": "Nothing was changed."}
        kept = {name: request.POST.get(name, "")[:1000] for name in ("owner", "due_on", "said", "why", "reason")}
        return page(request, pk, status=409, refused=refused, typed=kept)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("follow_up", args=[pk]))


@require(Permission.READ)
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """`owner`: a name; `due_on`: a day, or nothing. The action asks which permission the person has."""
    typed = request.POST.get("due_on", "").strip()
    try:
        day = parse_date(typed) if typed else None
    except ValueError:
        day = None
    if typed and day is None:
        refused = {"happened": "The day could not be read; write it as 2027-03-31.", "changed": "Nothing was changed."}
        kept = {"owner": request.POST.get("owner", "")[:200], "due_on": typed[:40]}
        return page(request, pk, status=409, refused=refused, typed=kept)
    owner = request.POST.get("owner", "")
    return _done(
        request, pk, lambda row: actions.assign(row, owner=owner, due_on=day, by=request.user, now=database_now()),
        "Who sees to it, and by when, was kept.",
    )  # fmt: skip


@require(Permission.ATTEST)
@require_POST
def attest(request: HttpRequest, pk: int) -> HttpResponse:
    said = request.POST.get("said", "")
    return _done(
        request, pk, lambda row: actions.attest(row, said=said, by=request.user, now=database_now()),
        "It is closed on your word.",
    )  # fmt: skip


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def wont_do(request: HttpRequest, pk: int) -> HttpResponse:
    why = request.POST.get("why", "")
    return _done(
        request, pk, lambda row: actions.ask_wont_do(row, why=why, by=request.user, now=database_now()),
        "Asked; another person has to agree. Until then it is owed.",
    )  # fmt: skip


@require(Permission.APPROVE)
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """`decision`: agree or decline; `reason`: why it has to be done."""
    agree = request.POST.get("decision") == "agree"
    reason = request.POST.get("reason", "")
    return _done(
        request, pk,
        lambda row: actions.decide_wont_do(row, agree=agree, reason=reason, by=request.user, now=database_now()),
        "Agreed: it is closed, and nothing is sent." if agree else "Declined: it is owed as before.",
    )  # fmt: skip


@require(Permission.APPLY_FOLLOW_UP)
@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    why = request.POST.get("why", "")
    return _done(
        request, pk, lambda row: actions.reopen(row, why=why, by=request.user, now=database_now()), "It is owed again."
    )
