"""Builds the gateway for a subscription; the only place that touches credentials. Imported by `tasks` and `management`
alone, and the concrete gateway only inside a function, so that the web process never holds an Azure credential."""

import os
import threading
from functools import lru_cache

from django.conf import settings

from migrator.gateway.protocol import AzureGateway
from migrator.lifecycle import LIVE, REHEARSAL, Timings


def timings() -> Timings:
    """The engine's waits: the measured ones, or the short ones for a simulator on loopback."""
    return REHEARSAL if settings.ENGINE_TIMINGS == "rehearsal" else LIVE


def gateway_for(subscription_id: str) -> AzureGateway:
    """The gateway that speaks for a subscription: one for each process and thread, because two must not share one.

    Today one credential sees every subscription; the argument is what a credential per tenant will be chosen by.
    """
    who = (os.getpid(), threading.get_ident())
    return _arm(settings.ARM_ENDPOINT, settings.AZURE_CREDENTIAL, float(timings().http_deadline), who)


def any_gateway() -> AzureGateway:
    """A gateway before any subscription is known: to discover them."""
    return gateway_for("")


@lru_cache(maxsize=16)
def _arm(endpoint: str, kind: str, deadline: float, who: tuple[int, int]) -> AzureGateway:
    from migrator.gateway.arm import ArmGateway, credential

    return ArmGateway(endpoint, credential(kind, endpoint), deadline=deadline)
