"""Fixes: read only. Asking and agreeing is done on pages, where a person sees what they agree to."""

from django.http import HttpResponse
from rest_framework.request import Request

from tracker.api import pages, serializers_fixes
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NotHere
from tracker.api.pages import Parameter, words
from tracker.fixes import queries
from tracker.fixes.models import Fix


class Fixes(Endpoint):
    name, tag, about, listed = "fixes", "fixes", "Fixes, the newest first.", True
    answer = serializers_fixes.FIX
    parameters = (
        Parameter("state", "Its state.", of=words(Fix.State)),
        Parameter("rule", "Id of a rule."),
        Parameter("unit", "Id of a unit.", kind="number"),
    )

    def get(self, request: Request) -> HttpResponse:
        columns = {"state": "state", "rule": "rule", "unit": "unit_id"}
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        return self.listing(*pages.keyset(queries.listed().filter(**chosen), self.name, {"-id": int}, self.asked))


class OneFix(Endpoint):
    name, tag, about = "fix", "fixes", "One fix, with what it does."
    answer = serializers_fixes.FIX_IN_FULL

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = queries.listed().filter(pk=pk).first()
        if found is None:
            raise NotHere(f"There is no fix {pk}.")
        return self.one(found)
