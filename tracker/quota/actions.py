"""Reserving, reading and asking for quota. Each function that writes is one transaction with its audit event inside."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from migrator.gateway.protocol import Applied, AzureGateway, GatewayError, QuotaAnswer
from migrator.quota import Shortfall
from migrator.resources import UNKNOWN
from migrator.resources import Usage as Numbers
from tracker.accounts.actions import check
from tracker.accounts.models import User
from tracker.accounts.permissions import Permission
from tracker.audit.actions import record
from tracker.audit.values import ENGINE, Actor
from tracker.inventory.models import Subscription, Unit
from tracker.quota import queries
from tracker.quota.models import QuotaRequest, Reservation, Usage

LEASE = timedelta(seconds=45)
LOOK_AGAIN = timedelta(seconds=30)


class QuotaError(Exception):
    """Base: `str(error)` is one sentence for a person. Nothing was changed."""


class QuotaShort(QuotaError):
    """There is not enough; `shortfalls` says of what."""

    def __init__(self, sentence: str, shortfalls: list[Shortfall]) -> None:
        super().__init__(sentence)
        self.shortfalls = shortfalls


class UsagesUnread(QuotaError):
    """The usages of the region were never read, so nobody can say whether there is enough."""


class AlreadyAsked(QuotaError):
    """There is an open request for this family and region."""


class BadLimit(QuotaError):
    """The wanted total is not above the present limit."""


def read_usages(subscription: Subscription, region: str, *, gateway: AzureGateway, by: Actor, now: datetime) -> int:
    """Read the usages of one region and keep them. Returns how many rows changed; unchanged rows write nothing but
    their age.
    """
    return keep_usages(subscription, region, gateway.usages(subscription.pk, region), as_of=now, by=by, now=now)


def keep_usages(
    subscription: Subscription, region: str, rows: Iterable[Numbers], *, as_of: datetime, by: Actor, now: datetime
) -> int:
    """Keep the usages of one region as they were at `as_of`: just read, or in an imported file. What was read later
    stays. Returns how many rows changed.
    """
    with transaction.atomic():
        before = {
            (u.provider.lower(), u.name.lower()): u
            for u in Usage.objects.filter(subscription=subscription, region=region)
        }
        younger = {key for key, known in before.items() if known.read_at > as_of}
        listed = [row for row in rows if (row.provider.lower(), row.name.lower()) not in younger]
        changed = 0
        for row in listed:
            known = before.get((row.provider.lower(), row.name.lower()))
            if known is None or (known.current, known.limit) != (row.current, row.limit):
                changed += 1
        Usage.objects.bulk_create(
            (
                Usage(
                    subscription=subscription,
                    region=region,
                    provider=row.provider,
                    name=row.name,
                    current=row.current,
                    limit=row.limit,
                    read_at=as_of,
                )
                for row in listed
            ),
            update_conflicts=True,
            unique_fields=["subscription", "region", "provider", "name"],
            update_fields=["current", "limit", "read_at"],
        )
        if changed:
            record(
                "quota.usages_read",
                by=by,
                object=("subscription", subscription.pk),
                now=now,
                detail={"name": subscription.name, "region": region, "rows": len(listed), "changed": changed},
            )
    return changed


def reserve(unit: Unit, *, by: Actor, now: datetime, own_network: bool = True) -> list[Reservation]:
    """Speak for everything a unit will need. Raises QuotaShort with the numbers, or UsagesUnread. Inside the caller's
    transaction. `own_network`: machines outside any network get a new one.
    """
    with transaction.atomic():
        Subscription.objects.select_for_update().get(pk=unit.subscription_id)  # two waves cannot spend the same cores
        needs, unknowns = queries.needs_of(unit, own_network=own_network)
        rows = queries.balance_of(unit, own_network=own_network)
        short = [row for row in rows if row.short_by is not UNKNOWN and row.short_by > 0]
        if short:
            raise QuotaShort(f"{unit.name} is short of quota: {'; '.join(_sentence(row) for row in short)}.", short)
        unread = sorted({row.need.location for row in rows if row.need.name == "cores" and row.short_by is UNKNOWN})
        if unread:
            raise UsagesUnread(
                f"The quota of {', '.join(unread)} in this subscription is not known; sync the subscription."
            )
        reservations = Reservation.objects.bulk_create(
            Reservation(
                unit=unit,
                subscription_id=need.subscription,
                region=need.location,
                provider=need.provider,
                name=need.name,
                amount=need.amount,
                reserved_at=now,
            )
            for need in needs
            if need.amount > 0
        )
        if reservations or unknowns:
            record(
                "quota.reserved",
                by=by,
                object=("unit", unit.key),
                now=now,
                detail={
                    "reserved": {f"{r.region} {r.name}": r.amount for r in reservations},
                    "unknown": [u.why for u in unknowns][:20],
                },
            )
    return reservations


def _sentence(row: Shortfall) -> str:
    need = row.need
    return (
        f"{need.name} in {need.location}: needs {need.amount}, free {row.available} "
        f"(limit {row.limit}, in use {row.current}, reserved by waves {row.reserved}), short by {row.short_by}"
    )


def release(unit: Unit, *, by: Actor, now: datetime) -> int:
    """Give a unit's reservations back: it was committed, or left its wave."""
    with transaction.atomic():
        count, _ = Reservation.objects.filter(unit=unit).delete()
        if count:
            record(
                "quota.released", by=by, object=("unit", unit.key), now=now, detail={"rows": count, "name": unit.name}
            )
    return count


def request(
    subscription: Subscription,
    *,
    region: str,
    provider: str,
    name: str,
    limit: int,
    reason: str,
    by: User,
    now: datetime,
) -> QuotaRequest:
    """Ask for a new TOTAL limit. The engine sends it and follows it. Raises BadLimit, AlreadyAsked, UsagesUnread."""
    check(by, Permission.REQUEST_QUOTA, ("subscription", subscription.pk), now)
    with transaction.atomic():
        usage = Usage.objects.filter(
            subscription=subscription, region=region, provider__iexact=provider, name__iexact=name
        ).first()
        if usage is None:
            raise UsagesUnread(f"The limit of {name} in {region} was never read; sync the subscription first.")
        if limit <= usage.limit:
            raise BadLimit(f"The limit of {name} in {region} is {usage.limit} already; ask for a larger total.")
        try:
            with transaction.atomic():
                row = QuotaRequest.objects.create(
                    subscription=subscription,
                    region=region,
                    provider=usage.provider,
                    name=usage.name,
                    limit_before=usage.limit,
                    limit_wanted=limit,
                    reason=reason.strip(),
                    requested_by=by.actor.key,
                    requested_at=now,
                    due_at=now,
                )
        except IntegrityError as error:
            raise AlreadyAsked(f"There is an open request for {name} in {region}; wait for its decision.") from error
        record(
            "quota.requested",
            by=by.actor,
            object=("quota-request", str(row.pk)),
            now=now,
            detail={"subscription": subscription.pk, "region": region, "name": name, "from": usage.limit, "to": limit},
        )
    return row


def follow(request_id: int, *, gateway: Callable[[str], AzureGateway], clock: Callable[[], datetime]) -> str:
    """One step of one request: send it, or read its state, or verify that the limit has risen. Safe to repeat."""
    row = _claim(request_id, clock())
    if row is None:
        return "not due"
    azure = gateway(row.subscription_id)
    try:
        if row.state == QuotaRequest.State.DRAFT or (row.state == QuotaRequest.State.DOUBTFUL and not row.azure_id):
            if row.state == QuotaRequest.State.DOUBTFUL and _granted(row, azure):
                return _decided(row, QuotaRequest.State.GRANTED, "", clock())
            QuotaRequest.objects.filter(pk=row.pk).update(
                state=QuotaRequest.State.DOUBTFUL
            )  # until the answer is written down
            answer = azure.request_quota(row.subscription_id, row.provider, row.region, row.name, row.limit_wanted)
        else:
            answer = azure.quota_request(row.subscription_id, row.provider, row.region, row.azure_id)
    except GatewayError as error:
        now = clock()
        if error.applied is Applied.NO and error.retry_after is None and error.code:
            return _decided(row, QuotaRequest.State.REFUSED, f"{error.code}: {error.message or error}", now)
        wait = timedelta(seconds=error.retry_after) if error.retry_after else LOOK_AGAIN
        _put(row, now, due_at=now + wait, azure_message=str(error))
        return f"again later: {error}"
    return _apply(row, answer, azure, clock())


def _claim(request_id: int, now: datetime) -> QuotaRequest | None:
    claimed = (
        QuotaRequest.objects.filter(pk=request_id, due_at__lte=now)
        .filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        .update(lease_until=now + LEASE)
    )
    return QuotaRequest.objects.select_related("subscription").get(pk=request_id) if claimed else None


def _apply(row: QuotaRequest, answer: QuotaAnswer, azure: AzureGateway, now: datetime) -> str:
    state = answer.state.lower()
    if state in ("failed", "invalid"):
        row.azure_state, row.azure_id = answer.state, answer.request_id or row.azure_id
        return _decided(row, QuotaRequest.State.REFUSED, answer.message or answer.state, now)
    if state == "succeeded" and _granted(row, azure):
        row.azure_state, row.azure_id = answer.state, answer.request_id or row.azure_id
        return _decided(row, QuotaRequest.State.GRANTED, answer.message, now)
    first = row.sent_at is None
    with transaction.atomic():
        _put(
            row,
            now,
            state=QuotaRequest.State.SENT,
            azure_id=answer.request_id or row.azure_id,
            azure_state=answer.state,
            azure_message=answer.message,
            sent_at=row.sent_at or now,
            due_at=now + LOOK_AGAIN / (10 if first else 3),
        )
        if first or row.azure_state != answer.state:
            record(
                "quota.request_followed",
                by=ENGINE,
                object=("quota-request", str(row.pk)),
                now=now,
                detail={"state": answer.state, "name": row.name, "region": row.region},
            )
    return answer.state


def _granted(row: QuotaRequest, azure: AzureGateway) -> bool:
    """Believed only when the limit is read (issue 6: granted is verified by reading)."""
    rows = azure.usages(row.subscription_id, row.region)
    return any(
        usage.name.lower() == row.name.lower()
        and usage.provider.lower() == row.provider.lower()
        and usage.limit >= row.limit_wanted
        for usage in rows
    )


def _decided(row: QuotaRequest, state: QuotaRequest.State, message: str, now: datetime) -> str:
    with transaction.atomic():
        _put(
            row,
            now,
            state=state,
            decided_at=now,
            due_at=None,
            azure_message=message,
            azure_state=row.azure_state,
            azure_id=row.azure_id,
            sent_at=row.sent_at or now,
        )
        if state == QuotaRequest.State.GRANTED:
            Usage.objects.filter(
                subscription=row.subscription, region=row.region, provider=row.provider, name=row.name
            ).update(limit=row.limit_wanted, read_at=now)
        record(
            "quota.request_followed",
            by=ENGINE,
            object=("quota-request", str(row.pk)),
            now=now,
            detail={"state": str(state), "name": row.name, "region": row.region, "limit": row.limit_wanted},
            private={"message": message[:1000]} if message else {},
        )
    return str(state)


def _put(row: QuotaRequest, now: datetime, **fields: object) -> None:
    QuotaRequest.objects.filter(pk=row.pk).update(lease_until=None, **fields)
