"""What limits us, on the same stack: a plain Django page, a plain Django REST framework list, COPY relayed as it is."""

from collections.abc import Iterator

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from tracker.inventory.models import Unit


def page(request: HttpRequest) -> HttpResponse:
    """The floor of figures.md: one query, a template of fifty rows. It looks at no session and has no frame."""
    units = Unit.objects.select_related("subscription").order_by("name", "id")[:50]
    return render(request, "benchmarks/floor.html", {"units": units})


class UnitSerializer(ModelSerializer):
    class Meta:
        model = Unit
        fields = "__all__"


class Hundred(CursorPagination):
    """Keyset pages too, so that the comparison is of answering, not of counting 100,000 rows."""

    page_size = 100
    ordering = ("name", "id")


class ModelUnits(ModelViewSet):
    """A plain ModelViewSet as the tutorial writes it, with the product's authentication."""

    queryset = Unit.objects.all()
    serializer_class = UnitSerializer
    pagination_class = Hundred
    permission_classes = (IsAuthenticated,)
    schema = None


def relayed_events(request: HttpRequest) -> StreamingHttpResponse:
    """COPY of the rows an export holds, relayed by Django as the driver hands them over."""

    def chunks() -> Iterator[bytes]:
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY (SELECT body FROM tracker_event ORDER BY id) TO STDOUT") as copied,
        ):
            for chunk in copied:
                yield bytes(chunk)

    return StreamingHttpResponse(chunks(), content_type="text/plain")
