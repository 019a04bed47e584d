"""Where a unit goes, at Validate and Prepare: the chosen network is read once more, and told to the platform."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from migrator import destination
from migrator.gateway.protocol import AzureGateway, GatewayError
from migrator.resources import Verb
from tracker.inventory.models import Unit
from tracker.waves import destinations
from tracker.waves.plan_models import Destination


def unfit(unit: Unit, chosen: Destination | None, gateway: AzureGateway) -> tuple[str, str] | None:
    """Why nothing is sent: (code, sentence), or None. One read, only where a network was chosen."""
    if chosen is None:
        return None
    try:
        network = gateway.read(chosen.wish.network_id(unit.subscription_id))
    except GatewayError as error:
        return "destination-unread", f"Network {chosen.network} in {chosen.group} could not be read: {error}"
    found = destination.objections(destinations.moving(unit), chosen.wish, network)
    return ("destination-unfit", found[0]) if found else None


def parameters(unit: Unit, verb: Verb) -> Mapping[str, Any] | None:
    """The body of the verb where a network was chosen; None: the default, a new one, or a verb without a body."""
    if verb not in (Verb.VALIDATE, Verb.PREPARE) or (chosen := destinations.of(unit)) is None:
        return None
    return destination.parameters(verb, chosen.wish, settings.AZURE_SHAPES.deployment_body)
