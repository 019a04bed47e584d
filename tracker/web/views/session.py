"""Signing in and out, and the look (theme and density) a person chose."""

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from tracker.accounts.decorators import public, signed_in_only
from tracker.web.context import DENSITIES, THEMES

YEAR = 365 * 86_400


def safe_next(request: HttpRequest, address: str) -> str:
    """`address` when it leads to this very site, else the overview."""
    fine = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if address and fine else "/"


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
def sign_in(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import authenticate, login

    target = safe_next(request, request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    said = {"next": target, "username": request.POST.get("username", ""), "problem": ""}
    if request.method != "POST":
        return render(request, "sign_in.html", said)
    user = authenticate(request, username=said["username"], password=request.POST.get("password", ""))
    if user is None:
        said["problem"] = "User name or password is not right."
        return render(request, "sign_in.html", said, status=422)
    login(request, user)
    return HttpResponseRedirect(target)


@signed_in_only
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/sign-in/")
