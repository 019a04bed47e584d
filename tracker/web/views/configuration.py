"""Configuration files of a unit's deployments: read, withdrawn, rewritten. A file never touches the disk
(web/uploads.py), and the rewritten one is the answer to the request that brought it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from migrator.configuration import FileRefused, Kind
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Unit
from tracker.readiness import actions as readiness
from tracker.readiness.models import ConfigurationFile
from tracker.runs.queries import database_now
from tracker.web import configuration
from tracker.web.views import units


def _unit(pk: int) -> Unit:
    unit = Unit.objects.filter(pk=pk, gone_at__isnull=True).first()
    if unit is None:
        raise Http404
    return unit


def _again(request: HttpRequest, unit: Unit, **kept: Any) -> HttpResponse:
    """The tab with what is wrong, beside the field it is wrong in."""
    return units.page(request, unit.pk, "configuration", kept=kept, code=400)


@require(Permission.IMPORT)
@require_POST
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one or both files of a deployment, keep what they say, assess the unit."""
    unit, deployment = _unit(pk), request.POST.get("deployment", "")[:600]
    uploads = [
        readiness.Upload(kind, file.name or "", file.read())
        for kind in Kind
        if (file := request.FILES.get(kind.value)) is not None
    ]
    try:
        done = readiness.give_files(unit, deployment, uploads, by=request.user.actor, now=database_now())  # type: ignore[union-attr]
    except readiness.FilesRefused as refused:
        return _again(request, unit, files=refused.problems, whole=refused.problems.get(""))
    names = " and ".join(row.file_name for row in done.files)
    changed = "The findings changed with it." if done.assessed.changed else "No finding changed by that."
    messages.success(request, f"{names} {'is' if len(done.files) == 1 else 'are'} read, without secrets. {changed}")
    return HttpResponseRedirect(reverse("unit_tab", args=[unit.pk, "configuration"]))


@require(Permission.IMPORT)
@require_POST
def withdraw(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    unit = _unit(pk)
    try:
        row = readiness.withdraw_file(unit, file, by=request.user.actor, now=database_now())  # type: ignore[union-attr]
    except readiness.FilesRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{row.file_name} is withdrawn; what only it told is unknown again.")
    return HttpResponseRedirect(reverse("unit_tab", args=[unit.pk, "configuration"]))


@require(Permission.IMPORT)
@require_POST
def rewrite(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """Rewrite the file that comes with the request, and answer with it."""
    unit = _unit(pk)
    row = ConfigurationFile.objects.filter(pk=file, ended_at__isnull=True).first()
    if row is None:
        return _again(request, unit, whole="This file was replaced or withdrawn meanwhile.")
    given = request.FILES.get("file")
    if given is None:
        return _again(request, unit, rewrite=row.pk, rewrite_problem="Choose the file first.")
    try:
        done, digest = configuration.rewritten(unit, row, given.read())
    except (FileRefused, LookupError) as error:
        return _again(request, unit, rewrite=row.pk, rewrite_problem=str(error))
    readiness.record_rewritten(
        unit,
        row,
        changes=len(done.changes),
        digest=digest,
        by=request.user.actor,  # type: ignore[union-attr]
        now=database_now(),
    )
    answer = HttpResponse(done.data, content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(True, row.file_name)
    answer["Cache-Control"] = "no-store"
    return answer
