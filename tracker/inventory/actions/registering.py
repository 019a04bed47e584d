"""Registering a subscription for a provider or a feature (azure.md 7): asked for by a person, sent and watched by the
worker until Azure says Registered. Azure's words are kept verbatim."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from migrator.gateway.protocol import AzureGateway, GatewayError, ServerFailed, Throttled, Unreachable
from migrator.resources import known
from tracker.audit.actions import record
from tracker.audit.values import Actor
from tracker.inventory.documents import storable
from tracker.inventory.models import RegistrationRequest, Subscription
from tracker.inventory.reading import failure

_PROVIDER = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+(/[A-Za-z][A-Za-z0-9]*)?")
LONGEST_NAME = 120
REGISTERED = "Registered"
LEASE = timedelta(minutes=2)  # a worker that says nothing for so long is taken for dead
OFTEN, SELDOM = timedelta(seconds=15), timedelta(minutes=2)  # between two looks: in the first minutes, and after
FIRST_MINUTES = timedelta(minutes=15)  # it takes minutes; the documents say: wait five (azure.md 7)
LONGEST = timedelta(days=1)
NO_HINT = 30.0  # seconds, after an answer that failed and names no time
WATCHER = Actor("system", "sync", "Sync")


class InvalidProvider(ValueError):
    """The name is neither a provider ("Microsoft.X") nor a feature ("Microsoft.X/Y")."""


@transaction.atomic
def want_registration(subscription: Subscription, name: str, by: Actor, now: datetime) -> RegistrationRequest | None:
    """Note that somebody wants the subscription registered; the worker sends it soon. None when that was noted already
    and is on its way. Raises InvalidProvider."""
    if len(name) > LONGEST_NAME or not _PROVIDER.fullmatch(name):
        raise InvalidProvider(
            f"{name[:LONGEST_NAME]!r} is no provider; write it like Microsoft.Compute or "
            "Microsoft.Compute/CloudServices."
        )
    Subscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
    if RegistrationRequest.objects.filter(subscription=subscription, name=name, ended_at__isnull=True).exists():
        return None
    request = RegistrationRequest.objects.create(
        subscription=subscription, name=name, asked_at=now, asked_by=by.key, due_at=now
    )
    _tell("subscription.registration_requested", request, by, now, provider=name)
    return request


def follow_registration(
    request_id: int, *, gateway: Callable[[str], AzureGateway], clock: Callable[[], datetime]
) -> str:
    """Send one request, or look how far it came. Registering twice is the same to Azure, so after a crash it is sent
    again. Returns what was done, for a log."""
    now = clock()
    request = _claim(request_id, now)
    if request is None:
        return "not due"
    azure = gateway(request.subscription_id)
    try:
        if request.sent_at is None:
            state = azure.register(request.subscription_id, request.name).state
        else:
            listed = azure.registrations(request.subscription_id)
            state = next((row.state for row in listed if row.name.lower() == request.name.lower()), None)
            if state is None:  # not one of those this gateway lists: to register again tells the state too
                state = azure.register(request.subscription_id, request.name).state
    except GatewayError as error:
        return _failed(request, error, clock())
    return _seen(request, storable(str(state))[:60] if known(state) else "", clock())


def _claim(request_id: int, now: datetime) -> RegistrationRequest | None:
    with transaction.atomic():
        request = (
            RegistrationRequest.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("subscription")
            .filter(pk=request_id, ended_at__isnull=True, due_at__lte=now)
            .exclude(lease_until__gt=now)
            .first()
        )
        if request is not None:
            request.lease_until = now + LEASE
            request.save(update_fields=["lease_until"])
    return request


@transaction.atomic
def _seen(request: RegistrationRequest, state: str, now: datetime) -> str:
    """Keep Azure's word; end with Registered; then the provider of a feature is registered again, so that it takes
    effect (azure.md 7)."""
    changed = state != request.state
    request.sent_at = request.sent_at or now
    request.state, request.read_at, request.lease_until, request.error = state, now, None, ""
    if state == REGISTERED:
        request.due_at, request.ended_at = None, now
    elif now - request.sent_at > LONGEST:
        request.due_at, request.ended_at = None, now
        request.error = f"After a day Azure still says {state or 'nothing'}. Look at {request.name} in the portal."
    else:
        request.due_at = now + (OFTEN if now - request.sent_at < FIRST_MINUTES else SELDOM)
    request.save()
    row = Subscription.objects.select_for_update(no_key=True).get(pk=request.subscription_id)
    row.registrations = {**row.registrations, request.name: state or None}
    row.save(update_fields=["registrations"])
    if changed:
        _tell("subscription.changed", request, WATCHER, now, provider=request.name, state=state or "unknown")
    provider, _, feature = request.name.partition("/")
    if state == REGISTERED and feature:
        want_registration(request.subscription, provider, WATCHER, now)
    return state or "unknown"


@transaction.atomic
def _failed(request: RegistrationRequest, error: GatewayError, now: datetime) -> str:
    """Try again later where that can help; else end with Azure's sentence."""
    request.error, request.lease_until = failure(error, now), None
    young = now - request.asked_at < LONGEST
    if young and isinstance(error, Throttled | Unreachable | ServerFailed):
        request.due_at = now + timedelta(seconds=max(error.retry_after or 0.0, NO_HINT))
    else:
        request.due_at, request.ended_at = None, now
        _tell(
            "subscription.registration_requested",
            request,
            WATCHER,
            now,
            result="failed",
            provider=request.name,
            cause=request.error,
        )
    request.save(update_fields=["error", "lease_until", "due_at", "ended_at"])
    return request.error


def _tell(
    kind: str, request: RegistrationRequest, by: Actor, now: datetime, *, result: str = "done", **detail: str
) -> None:
    name = Subscription.objects.values_list("name", flat=True).get(pk=request.subscription_id)
    given = {"result": result} if result != "done" else {}
    record(
        kind, by=by, object=("subscription", request.subscription_id), now=now, detail={"name": name, **detail}, **given
    )
