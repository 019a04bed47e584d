"""One shape for everything that goes wrong: RFC 9457, `application/problem+json`."""

import json
import logging
import secrets
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from tracker.accounts.actions import Denied
from tracker.api.shapes import Shape, f, integer, text

log = logging.getLogger(__name__)
NOTHING = "Nothing was changed."
TYPE = "urn:classic-migration-tracker:problem:"

PROBLEM = Shape.made(
    "Problem",
    "What went wrong (RFC 9457).",
    f("type", text(), "Names the sort of problem; it never changes."),
    f("title", text(), "The sort of problem in words."),
    f("status", integer(), "The HTTP status."),
    f("detail", text(), "What happened this time, and whether anything was changed."),
    f("what_to_do", text(), "The next step."),
    f("instance", text(), "The address that was asked."),
)


class Problem(exceptions.APIException):
    """A problem of ours. `kind`: last part of its type; `next`: what to do."""

    def __init__(self, status: int, kind: str, title: str, detail: str, next: str) -> None:
        super().__init__(detail)
        self.status_code, self.kind, self.title, self.said, self.next = status, kind, title, detail, next

    def parts(self) -> tuple[int, str, str, str, str]:
        return self.status_code, self.kind, self.title, self.said, self.next


class BadParameter(Problem):
    def __init__(self, detail: str, next: str = "Correct it and ask again; the parameters stand in /api/v1/schema/."):
        super().__init__(400, "bad-parameter", "A parameter is wrong", f"{detail} {NOTHING}", next)


class BadCursor(Problem):
    def __init__(self) -> None:
        super().__init__(
            400,
            "bad-cursor",
            "The cursor is not one of this list",
            f"The cursor cannot be read, or belongs to another list or another order. {NOTHING}",
            "Begin again without `cursor`, and follow `next` as it stands.",
        )


class NotHere(Problem):
    def __init__(self, what: str, next: str = "Ids stand in the lists of this API; ask for the list.") -> None:
        super().__init__(404, "not-found", "There is no such thing", f"{what} {NOTHING}", next)


def _said(exc: Exception) -> tuple[int, str, str, str, str]:
    """(status, kind, title, detail, what to do) of an exception."""
    match exc:
        case Problem():
            return exc.parts()
        case Denied():
            return 403, "denied", "Not for your role", f"You may not {exc.wanted}. {NOTHING}", exc.whom
        case exceptions.NotAuthenticated():
            return (
                401, "not-authenticated", "Nobody is signed in",
                f"The request carries no token and no session. {NOTHING}",
                "Send `Authorization: Bearer <token>`; an administrator issues tokens with manage.py issue_token.",
            )  # fmt: skip
        case exceptions.AuthenticationFailed() | UnicodeDecodeError():
            return (
                401, "bad-token", "The token does not sign anybody in",
                f"The token is malformed, expired or revoked, or its owner has left. {NOTHING}",
                "Ask an administrator for a new one: manage.py issue_token.",
            )  # fmt: skip
        case Http404() | exceptions.NotFound():
            return NotHere("Nothing has this address.").parts()
        case exceptions.MethodNotAllowed():
            return (
                405,
                "method",
                "This cannot be done here",
                f"{exc.detail} {NOTHING}",
                "The header Allow says what can.",
            )
        case exceptions.UnsupportedMediaType():
            return (
                415, "media-type", "The body is of a type nobody reads here", f"{exc.detail} {NOTHING}",
                "Send JSON with Content-Type: application/json.",
            )  # fmt: skip
        case exceptions.ParseError():
            return 400, "bad-body", "The body cannot be read", f"{exc.detail} {NOTHING}", "Send one JSON object."
        case exceptions.PermissionDenied() | PermissionDenied():
            why = str(getattr(exc, "detail", exc)) or "You may not do that."
            return (
                403,
                "refused",
                "Refused",
                f"{why.rstrip('.')}. {NOTHING}",
                "Use a token, or send the CSRF token too.",
            )
        case SuspiciousOperation() | DataError():
            return (
                400, "bad-request", "The request cannot be read", f"{_first(exc)} {NOTHING}",
                "Correct it and ask again.",
            )  # fmt: skip
        case OperationalError() | InterfaceError():
            return (
                503, "database-away", "The database cannot be reached",
                "The tracker runs, but its database did not answer.",
                "Try again in some seconds. If it stays, run manage.py doctor on the server.",
            )  # fmt: skip
    return (
        500, "unexpected", "Something went wrong here", "The tracker met an error it did not expect.",
        "Give the reference to whoever runs the tracker; it is in the log.",
    )  # fmt: skip


def _first(exc: Exception) -> str:
    """The first line, which a person can read; what follows is the driver's."""
    return f"{str(exc).splitlines()[0][:200].rstrip('.')}." if str(exc) else "It is malformed."


def handler(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """Django REST framework's EXCEPTION_HANDLER: every error of the API as a problem."""
    set_rollback()
    request = context["request"]
    status, kind, title, detail, next_step = _said(exc)
    if status == 500:
        reference = secrets.token_hex(4)
        log.error("API, reference %s: %s %s", reference, request.method, request.path, exc_info=exc)
        detail = f"{detail} Its reference is {reference}. Every action is whole or not at all; nothing is half done."
    body = {
        "type": TYPE + kind,
        "title": title,
        "status": status,
        "detail": detail,
        "what_to_do": next_step,
        "instance": request.path,
    }
    answer = HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json")
    if status == 401:
        answer["WWW-Authenticate"] = getattr(exc, "auth_header", "Bearer")
    if status == 503:
        answer["Retry-After"] = "10"
    answer["Cache-Control"] = "no-store"
    return answer
