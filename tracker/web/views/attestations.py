"""Attestations: people's dated answers where no API can tell. Pages to answer, to withdraw, and to read."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tracker.accounts.decorators import require
from tracker.accounts.permissions import Permission
from tracker.inventory.models import Unit
from tracker.readiness import actions, people
from tracker.readiness.models import Attestation, Finding
from tracker.readiness.queries import rule_or_none
from tracker.runs.queries import database_now
from tracker.web import lists, naming
from tracker.web.lists import Sort
from tracker.web.permits import Permits
from tracker.web.views import said
from tracker.web.views.runs import lists_text
from tracker.web.views.waivers import tabs

SORTS = {
    "at": Sort("at", decode=lambda text: text),
    "until": Sort("until", nullable=True, decode=lambda text: text),
    "unit": Sort("unit__name"),
}
STATES = ("counts", "expired", "withdrawn", "replaced")
ANSWERS = {"applies": "It applies", "not": "It does not apply"}


def state(row: Attestation) -> str:
    """Where an answer stands by the clock, whether or not the books say so already."""
    if row.end:
        return str(row.end)
    return "expired" if row.until and row.until <= timezone.now() else "counts"


def _of_state(rows: QuerySet[Attestation], chosen: set[str]) -> QuerySet[Attestation]:
    now = timezone.now()
    over = Q(end="", until__isnull=False, until__lte=now)
    wanted = Q(pk__in=[])
    if "counts" in chosen:
        wanted |= Q(end="") & ~over
    if "expired" in chosen:
        wanted |= over
    return rows.filter(wanted | Q(end__in=chosen & set(STATES[1:])))


@require(Permission.READ)
@require_safe
def attestations(request: HttpRequest) -> HttpResponse:
    """/attestations/?state=…&rule=…&answer=…&q=…&unit=…"""
    sought = lists_text(request)
    found = people.attestations()
    if sought:
        found = found.filter(
            Q(rule__icontains=sought) | Q(subject_name__icontains=sought) | Q(unit__name__icontains=sought)
        )
    unit = said.number(request.GET.get("unit", ""))
    if unit is not None:
        found = found.filter(unit_id=unit)
    chosen = {name: set(request.GET.getlist(name)) for name in ("state", "rule", "answer")}

    def narrowed(but: str = "") -> QuerySet[Attestation]:
        rows = found
        if chosen["state"] and but != "state":
            rows = _of_state(rows, chosen["state"])
        if chosen["rule"] and but != "rule":
            rows = rows.filter(rule__in={name for name in chosen["rule"] if "\x00" not in name})
        if chosen["answer"] and but != "answer":
            rows = rows.filter(applies__in=[name == "applies" for name in chosen["answer"] & set(ANSWERS)])
        return rows.order_by()

    by_state = {name: _of_state(narrowed("state"), {name}).count() for name in STATES}
    by_rule = dict(narrowed("rule").values_list("rule").annotate(n=Count("pk")))
    by_answer = dict(narrowed("answer").values_list("applies").annotate(n=Count("pk")))
    facets = [
        lists.facet(
            request, "state", "State", [(name, name, by_state[name]) for name in STATES], chip="attestation"
        ),
        lists.facet(
            request, "answer", "Answer",
            [(name, label, by_answer.get(name == "applies", 0)) for name, label in ANSWERS.items()],
        ),
        lists.facet(request, "rule", "Rule", [(rule, rule, n) for rule, n in sorted(by_rule.items())]),
    ]  # fmt: skip
    applied = lists.applied(facets)
    if unit is not None:
        name = Unit.objects.filter(pk=unit).values_list("name", flat=True).first() or "a unit"
        applied.append(("Unit", lists.Option(name, lists.address(request.GET, unit=None))))
    page = lists.page(request, narrowed(), SORTS, default="-at")
    for row in page:
        known = rule_or_none(row.rule)
        row.title, row.state = known.title if known else row.rule, state(row)
    return render(
        request,
        "attestations/list.html",
        {
            "page": page, "facets": facets, "applied": applied, "text_sought": sought, "tabs": tabs("attestations"),
            "any": bool(page.rows) or bool(applied) or bool(sought),
        },
    )  # fmt: skip


# --- a new one --------------------------------------------------------------------------------------------------------
@require(Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """What a person answers to a rule. POST: keep the answer and assess."""
    unit, rule, resource, finding = said.finding_asked_for(request)
    if request.method != "POST":
        return _new(request, unit, rule, resource, finding)
    names = ("answer", "reach", "why", "until")
    typed = {name: request.POST.get(name, "")[:2000] for name in names}
    if typed["answer"] not in ANSWERS:
        wrong = {"answer": "Choose one of the two answers."}
        return _new(request, unit, rule, resource, finding, code=409, wrong=wrong, typed=typed)
    try:
        actions.attest(
            unit,
            rule=rule,
            resource_key=resource,
            reach=typed["reach"],
            applies=typed["answer"] == "applies",
            why=typed["why"],
            until=said.end_of(typed["until"]),
            by=request.user,  # type: ignore[arg-type]
            now=database_now(),
        )
    except said.BadDay as error:
        return _new(request, unit, rule, resource, finding, code=409, wrong={"until": str(error)}, typed=typed)
    except actions.AttestationRefused as error:
        wrong = {error.field: str(error)} if error.field else {}
        refused = {} if error.field else {"happened": str(error), "changed": "Nothing was written."}
        return _new(request, unit, rule, resource, finding, code=409, wrong=wrong, refused=refused, typed=typed)
    unit.refresh_from_db()
    messages.success(request, f"Your answer counts. {unit.name} is {unit.verdict} now, with {unit.score} points.")
    return HttpResponseRedirect(reverse("unit", args=[unit.pk]) + f"#rule-{rule}")


def _new(
    request: HttpRequest,
    unit: Unit,
    rule: str,
    resource: str,
    finding: Finding | None,
    *,
    code: int = 200,
    typed: dict[str, str] | None = None,
    **more: Any,
) -> HttpResponse:
    known = rule_or_none(rule)
    impossible = "the rule says nothing of this resource any more"
    if finding is not None:
        impossible = people.why_not_attest(finding, known)
        naming.name_people([finding])
    counting = people.counting_attestations(unit)
    subjects = (resource, unit.key, unit.subscription_id)
    before = next((counting[rule, key] for key in subjects if (rule, key) in counting), None)
    context = {
        "unit": unit,
        "rule_id": rule,
        "rule": known,
        "resource_key": resource,
        "finding": finding,
        "before": before,
        "of_resource": finding is not None and finding.resource_key != unit.key,
        "impossible": impossible,
        "denied": Permits(request.user).why_not(Permission.ATTEST),  # type: ignore[arg-type]
        "typed": typed or {"answer": "", "reach": "unit", "why": "", "until": ""},
        "wrong": {},
    }
    return render(request, "attestations/new.html", context | more, status=code)


# --- one --------------------------------------------------------------------------------------------------------------
def _page(request: HttpRequest, pk: int, *, status: int = 200, **more: Any) -> HttpResponse:
    row = people.attestations().select_related("unit__subscription").filter(pk=pk).first() if pk < 2**63 else None
    if row is None:
        raise Http404("There is no such attestation.")
    ender = naming.names([row.ended_by]).get(row.ended_by, "") if row.ended_by.startswith("user:") else ""
    later = people.attestations().filter(rule=row.rule, subject=row.subject, pk__gt=row.pk).order_by("pk").first()
    context = {
        "row": row,
        "state": state(row),
        "rule": rule_or_none(row.rule),
        "ended_by": ender,
        "later": later,
        "denied": Permits(request.user).why_not(Permission.ATTEST),  # type: ignore[arg-type]
        "wrong": "",
    }
    return render(request, "attestations/attestation.html", context | more, status=status)


@require(Permission.READ)
@require_safe
def attestation(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


@require(Permission.ATTEST)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    try:
        row = actions.withdraw_attestation(pk, reason=reason, by=request.user, now=database_now())  # type: ignore[arg-type]
    except actions.AttestationRefused as error:
        if error.field:
            return _page(request, pk, status=409, wrong=str(error), reason=reason[:2000])
        return _page(request, pk, status=409, refused={"happened": str(error), "changed": "Nothing was changed."})
    messages.success(request, f"Withdrawn; {row.rule} is open again for {row.subject_name}.")
    return HttpResponseRedirect(reverse("attestation", args=[pk]))
