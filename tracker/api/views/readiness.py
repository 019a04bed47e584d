"""What would unblock most, and how the verdict of a unit changed."""

from django.http import HttpResponse
from rest_framework.request import Request

from migrator.units import UnitKind
from tracker.api import pages, serializers_readiness
from tracker.api.endpoint import Endpoint
from tracker.api.pages import Parameter, words
from tracker.api.views.inventory import REGION, SUBSCRIPTION, unit_or_404
from tracker.inventory.queries import Filters
from tracker.readiness import unblocking, verdicts


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


class Verdicts(Endpoint):
    name, tag, listed = "verdicts", "readiness", True
    about = "How verdict and score of a unit changed, the newest assessment first."
    answer = serializers_readiness.TURN

    def get(self, request: Request, pk: int) -> HttpResponse:
        unit = unit_or_404(pk)
        before = pages.opened(self.asked["cursor"], self.name, [int])[0] if "cursor" in self.asked else None
        turns, older = verdicts.turns(unit, before, self.asked.get("limit", pages.PAGE))
        return self.listing(turns, pages.written([self.name, older]) if older is not None else None)
