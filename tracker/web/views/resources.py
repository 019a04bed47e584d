"""One resource: where each fact of it comes from, how old it is, what nobody could say, and the newest reading."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from migrator.gateway import wire
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory import queries
from tracker.inventory.models import Resource
from tracker.web import resource_words


@require(Permission.READ)
@require_safe
def resource(request: HttpRequest, pk: int) -> HttpResponse:
    found = Resource.objects.select_related("unit", "subscription").filter(pk=pk).first()
    if found is None:
        raise Http404
    context = {
        "one": found,
        "facts": resource_words.outstanding(wire.resources([found.document])).get(found.key, ""),
        "told": queries.of_resource(found, timezone.now()),
        "old_after": settings.OLD_AFTER_HOURS,
    }
    return render(request, "inventory/resource.html", context)
