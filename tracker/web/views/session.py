"""Signing in and out, and the look (theme and density) a person chose."""

import math

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from tracker.accounts import actions as accounts
from tracker.accounts.decorators import public, signed_in_only
from tracker.web.context import DENSITIES, THEMES

YEAR = 365 * 86_400


def safe_next(request: HttpRequest, address: str) -> str:
    """`address` when it leads to this very site, else the overview."""
    fine = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if address and fine else "/"


def client_address(request: HttpRequest) -> str:
    """Who is asking, for the throttle and the history. Behind a proxy (TRACKER_TLS) the last address of
    X-Forwarded-For is the one that proxy saw; what stands before it anybody can invent."""
    if settings.SECURE_PROXY_SSL_HEADER and (told := request.headers.get("X-Forwarded-For", "")):
        return told.rpartition(",")[2].strip()[:60]
    return str(request.META.get("REMOTE_ADDR", ""))


@public
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keeps theme and density in two cookies, so that the first byte of the next page already has them: no flash."""
    answer = HttpResponseRedirect(safe_next(request, request.POST.get("next", "")))
    for name, allowed in (("theme", THEMES), ("density", DENSITIES)):
        if (value := request.POST.get(name)) in allowed:
            answer.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return answer


@public
@never_cache
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form; a wrong answer is 422 with the name kept, the throttle 429. Which of name and password was wrong is
    not said."""
    target = safe_next(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    said = {"next": target, "username": request.POST.get("username", "").replace("\x00", "")[:150], "problem": ""}
    if request.method != "POST":
        return render(request, "sign_in.html", said)
    name, password = request.POST.get("username", ""), request.POST.get("password", "")[:1024]
    try:
        person = accounts.sign_in(name, password, client_address(request), now=timezone.now())
    except accounts.WrongCredentials as error:
        return render(request, "sign_in.html", said | {"problem": str(error)}, status=422)
    except accounts.TooManyAttempts as error:
        answer = render(request, "sign_in.html", said | {"problem": str(error)}, status=429)
        answer["Retry-After"] = str(max(1, math.ceil(error.wait.total_seconds())))
        return answer
    login(request, person, backend="tracker.accounts.sessions.Backend")
    return HttpResponseRedirect(target)


@signed_in_only
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    accounts.record_sign_out(request.user, now=timezone.now())
    logout(request)
    return HttpResponseRedirect(settings.LOGIN_URL)
