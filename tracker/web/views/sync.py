"""Asking for a reading, and the panel which tells how it went. The ticker of the worker starts what is wanted."""

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory import actions as inventory
from tracker.inventory import queries
from tracker.runs.queries import database_now
from tracker.web import live, readings
from tracker.web.views.session import safe_next

SHOWN, MOST = 6, 8  # subscriptions of the panel; up to eight are shown, of more the six gravest


@require(Permission.SYNC)
@require_POST
def sync(request: HttpRequest) -> HttpResponse:
    """Want one subscription read (`subscription`: its id), or all of them; back to `next`."""
    answer = HttpResponseRedirect(safe_next(request, request.POST.get("next", "")))
    wanted = request.POST.get("subscription", "")
    found = queries.subscriptions()
    if wanted:
        found = found.filter(pk=wanted) if "\x00" not in wanted else found.none()
    listed = list(found)
    if not listed:
        text = "There is no such subscription" if wanted else "No subscription is known yet"
        messages.error(request, f"{text}; nothing was asked for. Run manage.py sync on the server to find them.")
        return answer
    now = database_now()
    with transaction.atomic():
        noted = sum(inventory.want_sync(one, request.user.actor, now) for one in listed)  # type: ignore[union-attr]
    what = listed[0].name if len(listed) == 1 else f"{len(listed)} subscriptions"
    if noted:
        messages.success(request, f"{what} will be read in a moment.")
    else:
        messages.info(request, f"A reading of {what} was already asked for; it starts in a moment.")
    return answer


@require(Permission.OPERATE)
@require_POST
def register(request: HttpRequest) -> HttpResponse:
    """Want one subscription (`subscription`: its id) registered for all it lacks; the worker sends and watches it."""
    answer = HttpResponseRedirect(safe_next(request, request.POST.get("next", "")))
    wanted = request.POST.get("subscription", "")
    row = None if "\x00" in wanted else queries.subscriptions().filter(pk=wanted).first()
    if row is None:
        messages.error(request, "There is no such subscription; nothing was asked for.")
        return answer
    now, by = database_now(), request.user.actor  # type: ignore[union-attr]
    with transaction.atomic():
        missing = queries.unregistered(row)
        asked = [name for name in missing if inventory.want_registration(row, name, by, now)]
    if asked:
        what = asked[0] if len(asked) == 1 else f"{len(asked)} providers"
        messages.success(request, f"{row.name} will be registered for {what}; it takes Azure some minutes.")
    elif missing:
        messages.info(request, f"The registration of {row.name} was already asked for; it takes Azure some minutes.")
    else:
        messages.info(request, f"{row.name} is registered for everything that is needed.")
    return answer


@require(Permission.SYNC)
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Want the worker to look which subscriptions the credential can see."""
    if inventory.want_discovery(request.user.actor, database_now()):  # type: ignore[union-attr]
        messages.success(request, "The worker looks for subscriptions in a moment; new ones are then read.")
    else:
        messages.info(request, "Somebody asked for that already; the worker looks in a moment.")
    return HttpResponseRedirect(safe_next(request, request.POST.get("next", "")))


@require(Permission.READ)
@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """The live panel of readings, as on the overview and the inventory."""
    rows = readings.readings()
    tag = readings.etag(rows)
    return live.unchanged(request, tag) or live.fragment(
        request, "inventory/_readings.html", context(request, rows), tag
    )


def context(request: HttpRequest, rows: list[readings.Reading]) -> dict[str, object]:
    """What `inventory/_readings.html` needs, beside its etag (`readings_etag` on a page). Of many subscriptions, those
    with something to say; `?all=readings` shows every one."""
    back = request.GET.get("back", "") or request.get_full_path()
    everything = request.GET.get("all") == "readings" or len(rows) <= MOST
    return {
        "readings": rows if everything else sorted(rows, key=lambda row: row.calm)[:SHOWN],
        "readings_hidden": 0 if everything else len(rows) - SHOWN,
        "readings_total": len(rows),
        "readings_kept": "all=readings&" if request.GET.get("all") == "readings" else "",
        "readings_etag": readings.etag(rows),
        "readings_back": safe_next(request, back),
        "readings_why_not": readings.why_not(request.user, Permission.SYNC),  # type: ignore[arg-type]
        "register_why_not": readings.why_not(request.user, Permission.OPERATE),  # type: ignore[arg-type]
    }


def summary(stands: readings.Standing) -> dict[str, object]:
    """All readings in a word: the gravest thing to say, and since when everything is as shown."""

    def said(hue: str, icon: str, text: str, at: datetime | None = None) -> dict[str, object]:
        return {"hue": hue, "icon": icon, "text": text, "at": at}

    if stands.failed:
        return said("stop", "unplug", f"{len(stands.failed)} of {stands.subscriptions} readings failed")
    if stands.busy:
        return said("progress", "loader", "Reading Azure")
    if stands.partial:
        return said("attention", "triangle-alert", f"{stands.partial} of {stands.subscriptions} readings partial")
    if stands.read < stands.subscriptions or not stands.subscriptions:
        return said("neutral", "circle-dashed", "Not all read yet" if stands.read else "Never read")
    return said("good", "circle-check", "Read", stands.read_at)
