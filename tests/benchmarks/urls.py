"""The product's addresses, and beside them what it is measured against."""

from django.urls import include, path

from tests.benchmarks import floor

urlpatterns = [
    path("floor/", floor.page),
    path("floor/units/", floor.ModelUnits.as_view({"get": "list"})),
    path("floor/events/", floor.relayed_events),
    path("", include("tracker.urls")),
]

handler400 = "tracker.web.views.errors.bad_request"
handler403 = "tracker.web.views.errors.forbidden"
handler404 = "tracker.web.views.errors.not_found"
handler500 = "tracker.web.views.errors.failed"
