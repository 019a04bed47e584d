"""Configuration files of a unit: read only. A file is given on its page, where what it changes is seen first."""

from django.http import HttpResponse
from rest_framework.request import Request

from tracker.api import pages, serializers_files
from tracker.api.endpoint import Endpoint
from tracker.api.views.inventory import unit_or_404
from tracker.readiness import given_files


class Files(Endpoint):
    name, tag, about, listed = "files", "readiness", "Configuration files that count for a unit.", True
    answer = serializers_files.FILE

    def get(self, request: Request, pk: int) -> HttpResponse:
        found = given_files.standing(unit_or_404(pk))
        return self.listing(*pages.sliced(found, self.name, lambda one: str(one.row.pk), self.asked))
