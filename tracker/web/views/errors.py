"""Error pages: what happened, whether anything changed, what to do next. Named in tracker/urls.py."""

import logging
import secrets
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from tracker.accounts.actions import Denied
from tracker.web import context
from tracker.web.uploads import SecretTooBig

log = logging.getLogger(__name__)
HOME = {"label": "Go to the overview", "url": "/", "primary": False}
AGAIN_AFTER = 10  # seconds, told to clients while the database is away


def _changed(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return "Nothing was changed."
    return "Every action is whole or not at all, so nothing is half done. Look at the page again before you repeat it."


def _page(request: HttpRequest, status: int, **said: Any) -> HttpResponse:
    """The page in its frame; for htmx one toast, which tracker.js shows beside the untouched page."""
    if request.headers.get("HX-Request") == "true":
        text = " ".join(filter(None, (said["happened"], said["changed"], said["next"])))
        return render(request, "parts/toast.html", {"level": "error", "text": text}, status=status)
    return render(request, "errors/base.html", {"number": status, "acts": [HOME], **said}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, SecretTooBig):
        return _page(
            request,
            400,
            title="Too large",
            happened=str(exception),
            changed="Nothing was read or changed.",
            next="Give the .cscfg and the .csdef themselves, not the package (.cspkg).",
        )
    if isinstance(exception, RequestDataTooBig):
        return _page(
            request,
            400,
            title="Too large",
            happened=f"What was sent is larger than this site takes ({settings.IMPORT_MIB} MiB for a file).",
            changed="Nothing was changed.",
            next="Split the file, for example by subscription, or let the administrator raise TRACKER_IMPORT_MIB.",
        )
    return _page(
        request,
        400,
        title="That request cannot be read",
        happened="The browser sent something this page does not understand.",
        changed="Nothing was changed.",
        next="Go back, reload the page and try once more.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403. `Denied` says what was wanted and whom to ask; the refusal is already in the history."""
    if isinstance(exception, Denied):
        return _page(
            request,
            403,
            title="Not for your role",
            happened=f"You may not {exception.wanted}.",
            changed="Nothing was changed. The refusal is part of the audit history.",
            next=exception.whom,
        )
    sentence = str(exception) if isinstance(exception, PermissionDenied) and str(exception) else ""
    return _page(
        request,
        403,
        title="Refused",
        happened=sentence or "You may not do that.",
        changed="Nothing was changed.",
        next="If you think you should be able to, ask an administrator.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        404,
        title="There is no such page",
        happened="The address leads nowhere, or what it named is not here.",
        changed="Nothing was changed.",
        next="What once existed is never deleted from the audit history; search there for its name or id.",
    )


def failed(request: HttpRequest) -> HttpResponse:
    """500, and 503 while the database cannot be reached. Uses neither database nor session."""
    error = sys.exc_info()[1]
    reference = secrets.token_hex(4)
    away = isinstance(error, (OperationalError, InterfaceError))
    log.error("error page, reference %s: %s %s: %r", reference, request.method, request.path, error)
    said = {
        "number": 503 if away else 500,
        "reference": reference,
        "title": "The database cannot be reached" if away else "Something went wrong here",
        "happened": "The tracker is running, but its database did not answer."
        if away
        else "The tracker met an error it did not expect. It is in the log under the reference above.",
        "changed": _changed(request),
        "next": "Try again in a few seconds. If it stays, run manage.py doctor on the server."
        if away
        else "Try again. If it happens twice, give the reference to whoever runs the tracker.",
        "acts": [{"label": "Try again", "url": request.path, "primary": True}],
        "chosen": context.chosen(request),
    }
    if request.headers.get("HX-Request") == "true":
        text = f"{said['happened']} {said['changed']} {said['next']}"
        page = render_to_string("parts/toast.html", {"level": "error", "text": text})
    else:
        page = render_to_string("errors/standing_alone.html", said)
    answer = HttpResponse(page, status=said["number"])
    if away:
        answer["Retry-After"] = str(AGAIN_AFTER)
    return answer
