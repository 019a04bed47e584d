"""What all addresses of the API share: permission, parameters, one JSON answer with its tag, one description."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from tracker.accounts.permissions import Permission
from tracker.api import pages
from tracker.api.errors import PROBLEM, NotHere
from tracker.api.permissions import Requires
from tracker.api.shapes import Shape

PROBLEM_TYPE = "application/problem+json"


class AlwaysJson(DefaultContentNegotiation):
    """There is one representation; `?format=` and strange Accept headers do not choose another."""

    def select_renderer(self, request: Request, renderers: Sequence[Any], format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class StrictJson(JSONParser):
    """JSON in which nothing can hide: no key twice, no depth that ends the process, no number that takes minutes."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            made = dict(pairs)
            if len(made) != len(pairs):
                names = [name for name, _ in pairs]
                twice = next(name for name in names if names.count(name) > 1)
                raise ParseError(f"The key {twice[:60]!r} comes twice in one object.")
            return made

        try:
            return json.loads(stream.read().decode("utf-8"), object_pairs_hook=once)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"This is no JSON: {str(error)[:120]}.") from None


class Described(AutoSchema):
    """Writes an endpoint's part of the OpenAPI document from what the endpoint itself says."""

    view: "Endpoint"

    def get_operation_id(self) -> str:
        verb = "list" if self.view.listed else "get"
        return f"{verb}_{self.view.name}" if self.method == "GET" else f"ask_{self.view.name}"

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def get_summary(self) -> str:
        return self.view.about if self.method == "GET" else self.view.about_post

    def get_description(self) -> str:
        needed = self.view.permission.needed(self.method)
        return f"{self.get_summary()} It takes the permission `{needed.value}`."

    def get_override_parameters(self) -> list[OpenApiParameter]:
        if self.method != "GET":
            return []
        return [
            OpenApiParameter(one.name, one.schema(), description=one.about, explode=True if one.many else None)
            for one in self.view.all_parameters()
        ]

    def get_request_serializer(self) -> Any:
        if self.method == "GET" or not self.view.fields:
            return None
        properties = {one.name: one.schema() | {"description": one.about} for one in self.view.fields}
        return {"application/json": {"type": "object", "properties": properties, "additionalProperties": False}}

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_response_serializers(self) -> Any:
        answers: dict[Any, Any] = {(code, PROBLEM_TYPE): self._component(PROBLEM) for code in self._problems()}
        if self.method != "GET":
            return {(202, "application/json"): self._component(self.view.answer_post)} | answers
        if self.view.media:
            return {(200, *self.view.media): {"type": "string", "format": "binary"}} | answers
        schema = self._component(self.view.answer)
        if self.view.listed:
            schema = {
                "type": "object",
                "properties": {
                    "results": {"type": "array", "items": schema},
                    "next": {"type": "string", "nullable": True, "description": "Address of the next page, or null."},
                },
                "required": ["results", "next"],
                "additionalProperties": False,
            }
        return {(200, "application/json"): schema} | answers

    def _problems(self) -> list[int]:
        return [400, 401, 403] + ([404] if "{" in self.path else []) + ([409] if self.view.may_conflict else [])

    def _component(self, shape: Shape) -> dict[str, str]:
        for name, each in shape.family().items():
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=each.schema(), object=name)
            self.registry.register_on_missing(component)
        return {"$ref": shape.ref}


class Endpoint(APIView):
    """One address. Subclasses say what it is about and answer `get`."""

    permission: ClassVar[Requires] = Requires(Permission.READ)
    name: ClassVar[str] = ""  # in the OpenAPI document: list_<name>, get_<name>
    tag: ClassVar[str] = ""
    about: ClassVar[str] = ""
    about_post: ClassVar[str] = ""
    answer: ClassVar[Shape]
    answer_post: ClassVar[Shape]
    listed: ClassVar[bool] = False
    media: ClassVar[tuple[str, ...]] = ()  # of answers that are files
    may_conflict: ClassVar[bool] = False
    parameters: ClassVar[tuple[pages.Parameter, ...]] = ()
    fields: ClassVar[tuple[pages.Parameter, ...]] = ()  # of the object a POST takes

    schema = Described()
    content_negotiation_class = AlwaysJson
    parser_classes = (StrictJson,)
    asked: Mapping[str, Any]

    @classmethod
    def all_parameters(cls) -> tuple[pages.Parameter, ...]:
        return (*cls.parameters, pages.CURSOR, pages.LIMIT) if cls.listed else cls.parameters

    def get_permissions(self) -> list[Requires]:
        return [self.permission]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in ("GET", "HEAD"):
            self.asked = pages.read(request.query_params, self.all_parameters())
        else:
            self.asked = pages.read(request.query_params, ())
        if any(isinstance(value, str) and not value.isprintable() for value in kwargs.values()):
            raise NotHere("Nothing has an id with control characters.")

    def check_permissions(self, request: Request) -> None:
        if request.user is not None and request.user.is_authenticated:
            request.user.know_roles()
        super().check_permissions(request)

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(status=204)

    def one(self, row: Any) -> HttpResponse:
        """A thing in full."""
        return answered(self.request, self.answer.of(row))

    def listing(self, rows: Sequence[Any], cursor: str | None) -> HttpResponse:
        """A page of a list, with the address of the next."""
        following = None
        if cursor:
            query = self.request.query_params.copy()
            query["cursor"] = cursor
            following = self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")
        return answered(self.request, {"results": [self.answer.of(row) for row in rows], "next": following})


def answered(request: Request, body: Any, status: int = 200) -> HttpResponse:
    """JSON with a tag over its bytes; 304 for who has them already."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    answer = HttpResponse(content, status=status, content_type="application/json")
    answer["Cache-Control"] = "private, no-cache"
    if request.method not in ("GET", "HEAD"):
        return answer
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    answer["ETag"] = tag
    return get_conditional_response(request, etag=tag, response=answer)  # type: ignore[arg-type,return-value]
