"""The lid: pages, the API, and what is shown when something goes wrong."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("tracker.api.urls")),
    path("", include("tracker.web.urls")),
]

handler400 = "tracker.web.views.errors.bad_request"
handler403 = "tracker.web.views.errors.forbidden"
handler404 = "tracker.web.views.errors.not_found"
handler500 = "tracker.web.views.errors.failed"
