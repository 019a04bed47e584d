"""Importing an estate file: upload, preview row by row, apply or discard."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from migrator.captures.reading import FileRefused, Hints, Limits
from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory import actions as inventory
from tracker.inventory.models import Import, ImportRow
from tracker.runs.queries import database_now
from tracker.web import lists, live, readings, reviews
from tracker.web.forms_imports import UploadForm, known_subscriptions

SORTS = {"row": lists.Sort("number"), "name": lists.Sort("name"), "type": lists.Sort("type")}
RECENT = 10
RESOURCES_A_MIB = 650  # of a captured estate: 10,000 generated resources take 14 MiB
ALWAYS = ("added", "changed", "unchanged", "refused")  # counts shown even when nothing counts
HUES = {"added": "good", "changed": "progress", "gone": "attention", "refused": "stop"}


@require(Permission.READ)
def upload(request: HttpRequest) -> HttpResponse:
    """The form, and the last imports. Posting needs a permission of its own: a file says what verdicts and
    approvals are decided on, and nobody asked Azure."""
    if request.method == "POST":
        return _uploaded(request)
    return _form(request, UploadForm())


@require(Permission.IMPORT)
@require_POST
def _uploaded(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, code=400)
    told, file = form.cleaned_data, form.cleaned_data["file"]
    limits = Limits(mib=settings.IMPORT_MIB)
    try:
        row = inventory.preview_import(
            file.read(limits.size + 1),
            file.name,
            by=request.user.actor,  # type: ignore[union-attr]
            now=database_now(),
            as_of=told["as_of"],
            hints=Hints(subscription_id=told["subscription"], network=told["network"], region=told["region"]),
            limits=limits,
        )
    except (FileRefused, inventory.ImportRefused) as error:
        return _form(request, form, problem=str(error), code=400)
    return HttpResponseRedirect(reverse("inventory_import_preview", args=[row.pk]))


def _form(request: HttpRequest, form: UploadForm, *, problem: str = "", code: int = 200) -> HttpResponse:
    recent = list(Import.objects.order_by("-uploaded_at")[:RECENT])
    names = reviews.actor_names(row.uploaded_by for row in recent)
    context = {
        "form": form,
        "problem": problem,
        "subscriptions": known_subscriptions(),
        "recent": [(row, names.get(row.uploaded_by, row.uploaded_by)) for row in recent],
        "why_not": readings.why_not(request.user, Permission.IMPORT),  # type: ignore[arg-type]
        "mib": settings.IMPORT_MIB,
        "resources": settings.IMPORT_MIB * RESOURCES_A_MIB,
        "rows": Limits(mib=settings.IMPORT_MIB).rows,
    }
    return render(request, "inventory/import.html", context, status=code)


@require(Permission.READ)
@require_safe
def preview(request: HttpRequest, pk: str) -> HttpResponse:
    """What importing the file does, row by row; afterwards, what it did."""
    row = get_object_or_404(Import, pk=pk)
    if row.state == Import.State.REFUSED:
        return _form(request, UploadForm(), problem=row.refusal)
    wanted = [value for value in request.GET.getlist("status") if value in ImportRow.Status.values]
    rows = row.rows.defer("text")
    rows = rows.filter(status__in=wanted) if wanted else rows
    order = [status.value for status in ImportRow.Status]
    context = {
        "imported": row,
        "page": lists.page(request, rows, SORTS, default="row"),
        "figures": [
            {
                "value": value,
                "count": row.counts.get(value, 0),
                "url": lists.address(request.GET, status=value),
                "hue": HUES.get(value, "") if row.counts.get(value) else "",
            }
            for value in order
            if value in ALWAYS or row.counts.get(value)
        ],
        "chosen": wanted,
        "all_url": lists.address(request.GET, status=None),
        "writes": sum(row.counts.get(value, 0) for value in ("added", "changed", "gone")),
        "refused": row.counts.get("refused", 0),
        "by": reviews.actor_names([row.uploaded_by]).get(row.uploaded_by, row.uploaded_by),
        "apply_why_not": _why_not(request, row),
        "discard_why_not": readings.why_not(request.user, Permission.IMPORT),  # type: ignore[arg-type]
        "seal": [("seal", row.seal)],
        "kept_url": lists.address(request.GET, status="kept"),
        "live_etag": _follow_etag(row),
    }
    return render(request, "inventory/import_preview.html", context)


def _follow_etag(row: Import) -> str:
    return live.etag(row.pk, row.state, row.followed_at, row.lease_until)


@require(Permission.READ)
@require_safe
def following(request: HttpRequest, pk: str) -> HttpResponse:
    """Whether what follows an import is done; asked again while it is not."""
    row = get_object_or_404(Import, pk=pk)
    tag, context = _follow_etag(row), {"imported": row}
    return live.unchanged(request, tag) or live.fragment(
        request, "inventory/_import_follow.html", context, tag, finished=row.followed_at is not None
    )


def _why_not(request: HttpRequest, row: Import) -> str:
    if row.counts.get("refused"):
        return "Rows are refused, and a file is imported whole or not at all. Correct the file and give it again."
    return readings.why_not(request.user, Permission.IMPORT)  # type: ignore[arg-type]


@require(Permission.IMPORT)
@require_POST
def apply(request: HttpRequest, pk: str) -> HttpResponse:
    """Import exactly what the preview showed (`seal`), or nothing."""
    row = get_object_or_404(Import, pk=pk)
    here = HttpResponseRedirect(reverse("inventory_import_preview", args=[row.pk]))
    try:
        changes = inventory.import_estate(
            row.pk,
            seal=request.POST.get("seal", ""),
            by=request.user.actor,  # type: ignore[union-attr]
            now=database_now(),
        )
    except inventory.ImportRefused as error:
        messages.error(request, f"Nothing was imported. {error}")
        return here
    units = len({*changes.units_added, *changes.units_changed, *changes.units_gone})
    count = len(changes.added) + len(changes.changed) + len(changes.gone)
    done = f"{row.file_name} is imported: {_many(count, 'resource')} in {_many(units, 'unit')}."
    messages.success(request, f"{done} Readiness is assessed in a moment.")
    return here


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@require(Permission.IMPORT)
@require_POST
def discard(request: HttpRequest, pk: str) -> HttpResponse:
    row = get_object_or_404(Import, pk=pk)
    try:
        inventory.discard_import(row.pk, by=request.user.actor, now=database_now())  # type: ignore[union-attr]
    except inventory.ImportClosed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The preview of {row.file_name} is thrown away; nothing was imported.")
    return HttpResponseRedirect(reverse("inventory_import"))
