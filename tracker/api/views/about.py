"""The entrance, the OpenAPI document, and what answers where nothing is."""

import json
from functools import lru_cache
from typing import Any

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import Resolver404, resolve, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from tracker.api.endpoint import Endpoint, answered
from tracker.api.errors import NotHere
from tracker.api.shapes import Shape, f, text

PLACES = (
    "subscriptions", "resources", "units", "rules", "catalogue", "waves", "approvals", "runs", "quota_usages",
    "quota_matrix", "quota_requests", "followups", "fixes", "audit_events", "audit_checkpoints", "audit_export",
    "schema",
)  # fmt: skip


class Root(Endpoint):
    name, tag, about = "root", "about", "Where everything is."
    answer = Shape.made(
        "Root",
        "Addresses of the lists.",
        *(f(name, text(), f"Address of {name}.", lambda row, name=name: row[name]) for name in PLACES),
    )

    def get(self, request: Request) -> HttpResponse:
        return self.one({name: request.build_absolute_uri(reverse(f"api_{name}")) for name in PLACES})


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document; the same as `manage.py spectacular` writes."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(made))


@extend_schema(exclude=True)
class OpenApi(Endpoint):
    about = "The OpenAPI document."

    def get(self, request: Request) -> HttpResponse:
        return answered(request, document())


@extend_schema(exclude=True)
class Nowhere(Endpoint):
    """What is below /api/v1/ and no address: a problem for a program, not a page for a person."""

    about = "Nothing."

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.check_nobody(request)

    def check_nobody(self, request: Request) -> None:
        self.perform_authentication(request)
        self.check_permissions(request)

    def get(self, request: Request, rest: str = "") -> HttpResponse:
        if not request.path.endswith("/"):
            try:
                there = resolve(f"{request.path}/")
            except Resolver404:
                there = None
            if there and there.url_name != "api_nowhere":
                query = request.META.get("QUERY_STRING", "")
                return HttpResponsePermanentRedirect(f"{request.path}/{'?' if query else ''}{query}")
        raise NotHere("Nothing has this address.", "GET /api/v1/ says where everything is; addresses end with a slash.")

    post = put = patch = delete = get
