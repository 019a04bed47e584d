"""What pages and the engine ask about follow-ups. Reads only."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, Count, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, Extract, TruncDate

from migrator import followups
from migrator.followups import RequiredFollowUp
from migrator.followups.ageing import BANDS, Band, Day, burn_down
from migrator.followups.snippets_package import ByHand, by_hand, file_stem
from migrator.gateway.versions import WRITTEN_FOR
from migrator.resources import ArmRequest
from tracker.followups import sealing, vaulted
from tracker.followups.models import Capture, FollowUp
from tracker.inventory.models import Unit

OPEN = (
    FollowUp.State.QUESTION,
    FollowUp.State.TODO,
    FollowUp.State.OPEN,
    FollowUp.State.WANTED,
    FollowUp.State.APPLIED,
    FollowUp.State.FAILED,
)


def required(follow_up: FollowUp) -> RequiredFollowUp:
    """The follow-up as a value, with its requests rewritten for the new ids and the answers given so far."""
    return followups.rebuilt(follow_up.basis, sealing.opened(follow_up.answers))


CUT = 40  # a long value is shortened where a probe tells of it; its beginning is as secret as the whole
HIDDEN = "•••••• (secret, kept out of sight)"


def told(value: RequiredFollowUp) -> dict[str, str]:
    """The answers as they may be told: in pages, events and exports. A secret is only said to be given, or where it
    is."""
    secret = {question.id for question in value.questions if question.secret} - vaulted.addresses(value).keys()
    return {key: HIDDEN if key in secret else str(answer) for key, answer in value.answers.items()}


def shown(value: RequiredFollowUp, content: Any) -> Any:
    """A part of a request as it may be shown: wherever a secret answer stands in it, `HIDDEN` stands instead."""
    elsewhere = vaulted.addresses(value)
    asked = [question.id for question in value.questions if question.secret and question.id not in elsewhere]
    secrets = [value.answers[key] for key in asked if value.answers.get(key)]
    return _without(content, sorted(secrets, key=len, reverse=True))


def shown_request(value: RequiredFollowUp, request: ArmRequest) -> ArmRequest:
    """One of its requests as it may be shown."""
    path, body = shown(value, request.path), shown(value, request.body)
    return replace(request, path=path, body=body)


def _without(content: Any, secrets: list[str]) -> Any:
    if isinstance(content, str):
        for secret in secrets:
            content = content.replace(secret, HIDDEN).replace(secret[:CUT] if len(secret) > CUT else secret, HIDDEN)
        return content
    if isinstance(content, Mapping):
        return {_without(key, secrets): _without(item, secrets) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without(item, secrets) for item in content]
    return content


def snippets(follow_up: FollowUp, value: RequiredFollowUp | None = None) -> ByHand:
    """Its requests as texts for those who send them by hand; no secret is in them."""
    value = value or required(follow_up)
    return by_hand(value, file_stem(follow_up.pk, follow_up.title), WRITTEN_FOR)


def left(unit: Unit) -> int:
    """How many follow-ups a run waits for: the work of people goes on after it."""
    return FollowUp.objects.filter(unit=unit, holds=True).exclude(state=FollowUp.State.CLOSED).count()


def state_of(value: RequiredFollowUp) -> str:
    """Where a follow-up stands that nothing was sent for."""
    if value.by_hand:
        return FollowUp.State.TODO
    return FollowUp.State.QUESTION if value.needs_person else FollowUp.State.OPEN


def due(now: datetime) -> list[int]:
    return list(
        FollowUp.objects.filter(due_at__lte=now)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .order_by("due_at")
        .values_list("pk", flat=True)[:200]
    )


def listed(*, state: str = "", kind: str = "", wave: str = "", unit: str = "", text: str = "") -> QuerySet[FollowUp]:
    """Follow-ups for the list: open ones first, oldest first."""
    rows = FollowUp.objects.select_related("unit__subscription", "unit__placement__wave").annotate(
        done=Q(state=FollowUp.State.CLOSED)
    )
    if state == "open":
        rows = rows.filter(state__in=OPEN)
    elif state:
        rows = rows.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    if wave:
        rows = rows.filter(unit__placement__wave_id=wave)
    if unit:
        rows = rows.filter(unit__key=unit.lower())
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(unit__name__icontains=text) | Q(new_target__icontains=text))
    return rows.order_by("done", "opened_at", "id")


def placed() -> QuerySet[FollowUp]:
    """Follow-ups for the list with `.place`, a number to order by: what is owed first, the oldest first; of what is
    closed the newest first."""
    step = 10**10
    big = BigIntegerField()
    seconds = Cast(Extract("opened_at", "epoch"), big)
    closed = Value(2 * step, big) - Cast(Extract(Coalesce("closed_at", "opened_at"), "epoch"), big)
    return FollowUp.objects.select_related("unit__subscription", "unit__placement__wave").annotate(
        place=Case(When(state=FollowUp.State.CLOSED, then=closed), default=seconds, output_field=big)
    )


def with_age(rows: QuerySet[FollowUp], now: datetime) -> QuerySet[FollowUp]:
    """The same rows with `.age`, the id of the age band; empty for what is closed."""
    whens = [When(_in_band(band, now), then=Value(band.id)) for band in BANDS]
    closed = When(state=FollowUp.State.CLOSED, then=Value(""))
    return rows.annotate(age=Case(closed, *whens, default=Value(""), output_field=CharField()))


def of_ages(rows: QuerySet[FollowUp], ids: Iterable[str], now: datetime) -> QuerySet[FollowUp]:
    """Those not closed which are in one of these age bands."""
    bands = Q(pk__in=())
    for band in BANDS:
        if band.id in ids:
            bands |= _in_band(band, now)
    return rows.filter(bands).exclude(state=FollowUp.State.CLOSED)


def _in_band(band: Band, now: datetime) -> Q:
    after, until = band.opened(now)
    found = Q(opened_at__lte=until) if band.least else Q()  # what a clock put into the future is new
    return found if after is None else found & Q(opened_at__gt=after)


def burning_down(rows: QuerySet[FollowUp], today: date) -> list[Day]:
    """Open and closed at the end of each day, in the time zone in force; two queries, grouped by day."""
    plain = rows.order_by()
    opened = plain.values_list(TruncDate("opened_at")).annotate(n=Count("pk")).order_by()
    closed = plain.filter(state=FollowUp.State.CLOSED).values_list(TruncDate("closed_at")).annotate(n=Count("pk"))
    return burn_down(dict(opened), dict(closed.order_by()), today)


def counts(units: Iterable[Unit] | None = None) -> dict[str, Any]:
    """Follow-ups by state and by kind."""
    rows = FollowUp.objects.all() if units is None else FollowUp.objects.filter(unit__in=units)
    by_state: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    for row in rows.values("state", "kind").annotate(n=Count("id")):
        by_state[row["state"]] = by_state.get(row["state"], 0) + row["n"]
        if row["state"] != FollowUp.State.CLOSED:
            by_kind[row["kind"]] = by_kind.get(row["kind"], 0) + row["n"]
    total = sum(by_state.values())
    closed = by_state.get(FollowUp.State.CLOSED, 0)
    return {"by_state": by_state, "by_kind": by_kind, "total": total, "open": total - closed, "closed": closed}


def last_capture(unit: Unit) -> Capture | None:
    return Capture.objects.filter(unit=unit).order_by("-at").first()
