"""What would unblock most."""

from django.http import HttpResponse
from rest_framework.request import Request

from migrator.units import UnitKind
from tracker.api import serializers_readiness
from tracker.api.endpoint import Endpoint
from tracker.api.pages import Parameter, words
from tracker.api.views.inventory import REGION, SUBSCRIPTION
from tracker.inventory.queries import Filters
from tracker.readiness import unblocking


class Unblock(Endpoint):
    name, tag, about = (
        "unblock",
        "readiness",
        "Blocking rules, and the order in which lifting them frees units soonest.",
    )
    answer = serializers_readiness.UNBLOCKING
    parameters = (
        SUBSCRIPTION,
        REGION,
        Parameter("kind", "A kind of unit.", of=words(UnitKind), many=True),
        Parameter("wave", "Id of a wave; none: in no wave.", many=True),
        Parameter("owner", "An owner; none: without one.", many=True),
    )

    def get(self, request: Request) -> HttpResponse:
        return self.one(unblocking.unblocking(Filters.read(self.asked)))
