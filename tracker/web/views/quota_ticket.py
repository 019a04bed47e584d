"""A refused request for quota: the support ticket's text ready to hand in, and its number afterwards."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from migrator import quota_ticket
from migrator.quota_ticket import Refused, Ticket
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.quota import actions, queries
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs.queries import database_now
from tracker.waves.queries import first_days
from tracker.web.permits import Permits
from tracker.web.reviews import actor_names

State = QuotaRequest.State


def ticket_of(row: QuotaRequest) -> Ticket:
    """The text of a refused request, with what is known of the limit and of the waves that wait for it."""
    usage = Usage.objects.filter(
        subscription_id=row.subscription_id, region__iexact=row.region, provider__iexact=row.provider,
        name__iexact=row.name,
    ).first()  # fmt: skip
    days = first_days(queries.waves_that_reserve(row))
    return quota_ticket.ticket(
        Refused(
            request=row.pk,
            subscription=row.subscription_id,
            subscription_name=row.subscription.name,
            region=row.region,
            provider=row.provider,
            name=row.name,
            limit=usage.limit if usage else row.limit_before,
            in_use=usage.current if usage else None,
            wanted=row.limit_wanted,
            words=row.azure_message,
            reason=row.reason,
            waves=tuple((name, day.isoformat() if day else "a day not planned yet") for name, day in days),
        )
    )


def _row(pk: int) -> QuotaRequest:
    return get_object_or_404(QuotaRequest.objects.select_related("subscription"), pk=pk if pk < 2**63 else 0)


@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The POST keeps the ticket's number."""
    return _keep(request, pk) if request.method == "POST" else _page(request, _row(pk))


def _page(request: HttpRequest, row: QuotaRequest, *, status: int = 200, **more: str) -> HttpResponse:
    context = {
        "row": row,
        "ticket": ticket_of(row),
        "who": actor_names({row.ticket_by}).get(row.ticket_by, row.ticket_by) if row.ticket_by else "",
        "for_ticket": row.state in (State.REFUSED, State.TICKET),
        "number": request.POST.get("number", row.ticket).replace("\x00", "")[:60],
        "why_not": Permits(request.user).why_not(Permission.REQUEST_QUOTA),  # type: ignore[arg-type]
    }
    return render(request, "quota/ticket.html", context | more, status=status)


@require(Permission.REQUEST_QUOTA)
def _keep(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(pk)
    try:
        actions.ask_by_ticket(row, request.POST.get("number", ""), by=request.user, now=database_now())
    except actions.QuotaError as error:
        return _page(request, row, status=409, wrong=str(error))
    messages.success(request, "The number was kept. The limit is read until it has risen; then the request is granted.")
    return HttpResponseRedirect(reverse("quota_ticket", args=[pk]))


@require(Permission.REQUEST_QUOTA)
@require_POST
def give_up(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(pk)
    try:
        actions.give_up_ticket(row, by=request.user, now=database_now())
    except actions.QuotaError as error:
        return _page(request, row, status=409, wrong=str(error))
    messages.success(request, "The request is refused again; another one can be asked.")
    return HttpResponseRedirect(reverse("quota") + "#requests")


@require(Permission.READ)
@require_safe
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """The body of the support request as a file."""
    answer = HttpResponse(ticket_of(_row(pk)).as_json, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="quota-ticket-{pk}.json"'
    return answer
