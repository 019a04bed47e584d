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
from tracker.inventory.actions import digest_of
from tracker.inventory.models import Subscription, Unit
from tracker.quota import queries
from tracker.quota.models import QuotaRequest, Reservation, SizeList, Usage

LEASE = timedelta(seconds=45)
LOOK_AGAIN = timedelta(seconds=30)
TICKET_AGAIN = timedelta(minutes=15)  # support takes days; a sync reads the limits too
LONGEST_TICKET = 40
SIZES_AGE = timedelta(days=1)  # the list is long, and changes seldom
LONGEST_FAMILY = 80


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


class BadTicket(QuotaError):
    """The number is none, or the request is not one a ticket is for."""


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


def read_sizes(subscription: Subscription, region: str, *, gateway: AzureGateway, by: Actor, now: datetime) -> bool:
    """Read the sizes of one region, at most once a day, and keep them. True when they were read. What cannot be read
    leaves the last list, or the table of this product."""
    known = SizeList.objects.filter(subscription=subscription, region=region).first()
    if known is not None and now - known.read_at < SIZES_AGE:
        return False
    listed = {
        one.name.lower(): [one.vcpus, one.family[:LONGEST_FAMILY]]
        for one in gateway.sizes(subscription.pk, region)
        if one.vcpus
    }
    digest = digest_of(listed)
    with transaction.atomic():
        SizeList.objects.update_or_create(
            subscription=subscription, region=region, defaults={"sizes": listed, "digest": digest, "read_at": now}
        )
        if known is None or known.digest != digest:
            record(
                "quota.sizes_read",
                by=by,
                object=("subscription", subscription.pk),
                now=now,
                detail={"name": subscription.name, "region": region, "sizes": len(listed)},
            )
    return True


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


def ask_by_ticket(row: QuotaRequest, number: str, *, by: User, now: datetime) -> QuotaRequest:
    """Somebody opened a support ticket for a refused request: from now on the limit is read until it has risen. A
    number that was mistyped may be given again. Raises BadTicket, AlreadyAsked."""
    check(by, Permission.REQUEST_QUOTA, ("quota-request", str(row.pk)), now)
    number = number.strip()
    if not number or len(number) > LONGEST_TICKET or not number.isalnum() or not number.isascii():
        raise BadTicket(f"A ticket's number has letters and digits only, at most {LONGEST_TICKET}: see the portal.")
    with transaction.atomic():
        row = QuotaRequest.objects.select_for_update().get(pk=row.pk)
        if row.state not in (QuotaRequest.State.REFUSED, QuotaRequest.State.TICKET):
            raise BadTicket(f"This request is {row.state}; a ticket is for one that Azure refused.")
        row.state, row.ticket, row.ticket_by, row.ticket_at = QuotaRequest.State.TICKET, number, by.actor.key, now
        row.decided_at, row.due_at = None, now
        try:
            with transaction.atomic():
                row.save(update_fields=["state", "ticket", "ticket_by", "ticket_at", "decided_at", "due_at"])
        except IntegrityError as error:
            raise AlreadyAsked(f"There is another open request for {row.name} in {row.region}.") from error
        record(
            "quota.ticket_opened",
            by=by.actor,
            object=("quota-request", str(row.pk)),
            now=now,
            detail={"name": row.name, "region": row.region, "limit": row.limit_wanted, "ticket": number},
        )
    return row


def give_up_ticket(row: QuotaRequest, *, by: User, now: datetime) -> QuotaRequest:
    """The ticket led to nothing: the request is refused again, and another may be asked. Raises BadTicket."""
    check(by, Permission.REQUEST_QUOTA, ("quota-request", str(row.pk)), now)
    with transaction.atomic():
        row = QuotaRequest.objects.select_for_update().get(pk=row.pk)
        if row.state != QuotaRequest.State.TICKET:
            raise BadTicket(f"This request is {row.state}; there is no ticket to give up.")
        row.state, row.decided_at, row.due_at = QuotaRequest.State.REFUSED, now, None
        row.save(update_fields=["state", "decided_at", "due_at"])
        record(
            "quota.ticket_given_up",
            by=by.actor,
            object=("quota-request", str(row.pk)),
            now=now,
            detail={"name": row.name, "region": row.region, "ticket": row.ticket},
        )
    return row


def follow(request_id: int, *, gateway: Callable[[str], AzureGateway], clock: Callable[[], datetime]) -> str:
    """One step of one request: send it, or read its state, or verify that the limit has risen. Safe to repeat."""
    row = _claim(request_id, clock())
    if row is None:
        return "not due"
    azure = gateway(row.subscription_id)
    try:
        if row.state == QuotaRequest.State.TICKET:
            if _granted(row, azure):
                return _decided(row, QuotaRequest.State.GRANTED, "", clock())
            _put(row, clock(), due_at=clock() + TICKET_AGAIN)
            return "the limit has not risen yet"
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
        if row.state == QuotaRequest.State.TICKET:
            _put(row, now, due_at=now + TICKET_AGAIN)
            return f"again later: {error}"
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
