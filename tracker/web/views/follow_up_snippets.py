"""Requests of follow-ups as files, for those who send them by hand. A file is made for the answer and kept nowhere;
that somebody took it is a line of the history, so each is a POST."""

import hashlib
import io
import zipfile
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from migrator.followups.snippets_package import Item, file_stem, folder
from migrator.gateway.versions import WRITTEN_FOR
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.followups import actions, queries
from tracker.followups.models import FollowUp
from tracker.runs.queries import database_now
from tracker.waves.models import Wave
from tracker.web import follow_up_list
from tracker.web.views.follow_ups import page, row_or_404

_REMARKS = {
    FollowUp.State.WANTED: "The product is sending it already.",
    FollowUp.State.APPLIED: "The product sent it and is looking for it.",
    FollowUp.State.FAILED: "The product sent it, and Azure refused it: its page says why.",
}


@require(Permission.READ)
@require_POST
def one(request: HttpRequest, pk: int, way: str, number: int = 1) -> HttpResponse:
    """`way`: `cli` or `bicep`, of which there may be several files."""
    row = row_or_404(pk)
    made = queries.snippets(row)
    match way:
        case "cli":
            files, why = [(made.cli_name, made.cli)] if made.cli else [], made.why_not
        case "bicep":
            files, why = [(file.name, file.text) for file in made.bicep], made.bicep_why_not
        case _:
            raise Http404("There is no such file.")
    if not 1 <= number <= len(files):
        refused = {"happened": why or "There is no such file any more.", "changed": "Nothing was changed."}
        return page(request, pk, status=409, refused=refused)
    file, text = files[number - 1]
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    actions.take_along(row, file=file, digest=digest, by=request.user.actor, now=database_now())  # type: ignore[union-attr]
    return _file(data, file, "text/plain; charset=utf-8")


@require(Permission.READ)
@require_POST
def of_wave(request: HttpRequest) -> HttpResponse:
    """All that is not closed of one wave, as a ZIP."""
    wanted = next(iter(follow_up_list.number([request.POST.get("wave", "")])), "")
    wave = Wave.objects.filter(pk=wanted).first() if wanted else None
    if wave is None:
        messages.error(request, "Choose a wave first. Nothing was changed.")
        return HttpResponseRedirect(reverse("follow_ups"))
    now = database_now()
    data, files, count = _archive(wave, now)
    if not count:
        messages.error(request, f"No follow-up of {wave.name} is open: there is nothing to take along.")
        return HttpResponseRedirect(f"{reverse('follow_ups')}?wave={wave.pk}")
    digest = hashlib.sha256(data).hexdigest()
    actions.take_wave_along(
        (str(wave.pk), wave.name), follow_ups=count, files=files, digest=digest,
        by=request.user.actor, now=now,  # type: ignore[union-attr]
    )  # fmt: skip
    return _file(data, f"follow-ups-of-wave-{file_stem(wave.pk, wave.name)}.zip", "application/zip")


def _archive(wave: Wave, now: datetime) -> tuple[bytes, list[str], int]:
    """The ZIP, the paths in it, and how many follow-ups it tells of."""
    rows = FollowUp.objects.filter(unit__placement__wave=wave).exclude(state=FollowUp.State.CLOSED)
    rows = rows.select_related("unit").order_by("unit__name", "unit_id", "pk")
    items = [_item(row) for row in rows.iterator(chunk_size=500)]
    held, paths = io.BytesIO(), []
    at = now.timetuple()[:6]
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in folder(f"Follow-ups of {wave.name}, to be applied by hand", items, WRITTEN_FOR):
            archive.writestr(zipfile.ZipInfo(path, at), text, zipfile.ZIP_DEFLATED)
            paths.append(path)
    return held.getvalue(), paths, len(items)


def _item(row: FollowUp) -> Item:
    asked = "Somebody asks that it not be done; another person decides that first."
    remark = asked if row.wont_at is not None else _REMARKS.get(FollowUp.State(row.state), "")
    return Item(row.pk, row.unit_id, row.unit.name, row.title, queries.required(row), remark)


def _file(data: bytes, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=kind)
    answer["Content-Disposition"] = content_disposition_header(True, name)
    answer["Cache-Control"] = "no-store"
    return answer
