"""The catalogue of rules in force, the one that waits, and what switching it on would change."""

from django.http import HttpResponse
from rest_framework.request import Request

from migrator.readiness import Verdict
from tracker.api import pages
from tracker.api import serializers_catalogue as serializers
from tracker.api.endpoint import Endpoint
from tracker.api.pages import Parameter, words
from tracker.readiness import previews
from tracker.runs.catalogue_effects import picture
from tracker.runs.queries import database_now


class Catalogue(Endpoint):
    name, tag = "catalogue", "readiness"
    about = "Which catalogue of rules is in force, which waits, and what switching it on would change."
    answer = serializers.CATALOGUE

    def get(self, request: Request) -> HttpResponse:
        return self.one(picture(database_now()))


class CatalogueUnits(Endpoint):
    name, tag, listed = "catalogue_units", "readiness", True
    about = "Units the waiting catalogue would change, as the finished preview says; empty without one."
    answer = serializers.EFFECT
    parameters = (
        Parameter("before", "Verdict now.", of=words(Verdict), many=True),
        Parameter("after", "Verdict then.", of=words(Verdict), many=True),
    )

    def get(self, request: Request) -> HttpResponse:
        found = picture(database_now())
        if found.preview is None or not found.done:
            return self.listing([], None)
        rows = previews.effects(found.preview).select_related("unit")
        for name in ("before", "after"):
            if name in self.asked:
                rows = rows.filter(**{f"verdict_{name}__in": self.asked[name]})
        return self.listing(*pages.keyset(rows, self.name, {"pk": int}, self.asked))
