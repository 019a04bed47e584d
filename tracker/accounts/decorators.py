"""Who may open a page. Every URL carries one of `public`, `signed_in_only` or `require(permission)`; a test asserts it.

This is lid code: it knows the request and reads the clock.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from tracker.accounts import actions
from tracker.accounts.permissions import Permission

type_view = Callable[..., HttpResponse]

PUBLIC = "public"
SIGNED_IN = "signed-in"


def public(view: type_view) -> type_view:
    """Anybody may open the page (sign-in, health)."""
    view.required_permission = PUBLIC  # type: ignore[attr-defined]
    return view


def signed_in_only(view: type_view) -> type_view:
    """Anybody with an account may open the page (sign-out, own preferences)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    guarded.required_permission = SIGNED_IN  # type: ignore[attr-defined]
    return guarded


def require(permission: Permission) -> Callable[[type_view], type_view]:
    """Only people with the permission may open the page. Others get the 403 page (`Denied` says whom to ask), and the
    refusal is an `access.denied` event."""

    def decorate(view: type_view) -> type_view:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            request.user.know_roles()  # once; then every `user.may` of the page is free
            actions.check(request.user, permission, ("page", request.path), timezone.now(), method=request.method or "")
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """A whole-page redirect, for a fragment too: the sign-in page does not belong inside a table cell."""
    if request.headers.get("HX-Request") == "true":
        page = request.headers.get("HX-Current-URL", "")
        path = page.partition("://")[2].partition("/")[2]
        return HttpResponseClientRedirect(redirect_to_login("/" + path).url)
    return redirect_to_login(request.get_full_path())
