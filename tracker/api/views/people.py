"""What people say of findings: read only. Asking, agreeing and answering is done on pages, where a person sees what
they put their name to."""

from django.http import HttpResponse
from rest_framework.request import Request

from tracker.api import pages, serializers_people
from tracker.api.endpoint import Endpoint
from tracker.api.errors import NotHere
from tracker.api.pages import Parameter, words
from tracker.readiness import people
from tracker.readiness.models import Waiver


class Waivers(Endpoint):
    name, tag, about, listed = "waivers", "readiness", "Waivers, the newest first.", True
    answer = serializers_people.WAIVER
    parameters = (
        Parameter("state", "Its state.", of=words(Waiver.State)),
        Parameter("rule", "Id of a rule."),
        Parameter("unit", "Id of a unit.", kind="number"),
    )

    def get(self, request: Request) -> HttpResponse:
        columns = {"state": "state", "rule": "rule", "unit": "unit_id"}
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        return self.listing(*pages.keyset(people.waivers().filter(**chosen), self.name, {"-id": int}, self.asked))


class OneWaiver(Endpoint):
    name, tag, about = "waiver", "readiness", "One waiver."
    answer = serializers_people.WAIVER

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = people.waivers().filter(pk=pk).first()
        if found is None:
            raise NotHere(f"There is no waiver {pk}.")
        return self.one(found)


class Attestations(Endpoint):
    name, tag, about, listed = "attestations", "readiness", "Attestations, the newest first.", True
    answer = serializers_people.ATTESTATION
    parameters = (
        Parameter("rule", "Id of a rule."),
        Parameter("unit", "Id of the unit where it was given.", kind="number"),
    )

    def get(self, request: Request) -> HttpResponse:
        columns = {"rule": "rule", "unit": "unit_id"}
        chosen = {column: self.asked[name] for name, column in columns.items() if name in self.asked}
        return self.listing(*pages.keyset(people.attestations().filter(**chosen), self.name, {"-id": int}, self.asked))


class OneAttestation(Endpoint):
    name, tag, about = "attestation", "readiness", "One attestation."
    answer = serializers_people.ATTESTATION

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = people.attestations().filter(pk=pk).first()
        if found is None:
            raise NotHere(f"There is no attestation {pk}.")
        return self.one(found)
