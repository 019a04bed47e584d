"""Addresses of the API, version 1 (architecture.md 7)."""

from django.urls import path, re_path

from tracker.api.views import about, files, fixes, history, inventory, planning, readiness, runs

urlpatterns = [
    path("", about.Root.as_view(), name="api_root"),
    path("schema/", about.OpenApi.as_view(), name="api_schema"),
    path("subscriptions/", inventory.Subscriptions.as_view(), name="api_subscriptions"),
    path("subscriptions/<str:pk>/", inventory.OneSubscription.as_view(), name="api_subscription"),
    path("subscriptions/<str:pk>/sync/", inventory.Syncs.as_view(), name="api_sync"),
    path("resources/", inventory.Resources.as_view(), name="api_resources"),
    path("resources/<int:pk>/", inventory.OneResource.as_view(), name="api_resource"),
    path("units/", inventory.Units.as_view(), name="api_units"),
    path("units/<int:pk>/", inventory.OneUnit.as_view(), name="api_unit"),
    path("units/<int:pk>/findings/", inventory.Findings.as_view(), name="api_findings"),
    path("units/<int:pk>/files/", files.Files.as_view(), name="api_files"),
    path("rules/", inventory.Rules.as_view(), name="api_rules"),
    path("rules/<str:pk>/", inventory.OneRule.as_view(), name="api_rule"),
    path("readiness/unblock/", readiness.Unblock.as_view(), name="api_unblock"),
    path("waves/", planning.Waves.as_view(), name="api_waves"),
    path("waves/<int:pk>/", planning.OneWave.as_view(), name="api_wave"),
    path("approvals/", planning.Approvals.as_view(), name="api_approvals"),
    path("approvals/<int:pk>/", planning.OneApproval.as_view(), name="api_approval"),
    path("runs/", runs.Runs.as_view(), name="api_runs"),
    path("runs/<uuid:pk>/", runs.OneRun.as_view(), name="api_run"),
    path("runs/<uuid:pk>/differences/", runs.Differences.as_view(), name="api_differences"),
    path("quota/usages/", planning.Usages.as_view(), name="api_quota_usages"),
    path("quota/matrix/", planning.Matrix.as_view(), name="api_quota_matrix"),
    path("quota/requests/", planning.Requests.as_view(), name="api_quota_requests"),
    path("followups/", planning.FollowUps.as_view(), name="api_followups"),
    path("followups/<int:pk>/", planning.OneFollowUp.as_view(), name="api_followup"),
    path("fixes/", fixes.Fixes.as_view(), name="api_fixes"),
    path("fixes/<int:pk>/", fixes.OneFix.as_view(), name="api_fix"),
    path("audit/events/", history.Events.as_view(), name="api_audit_events"),
    path("audit/events/<uuid:pk>/", history.OneEvent.as_view(), name="api_audit_event"),
    path("audit/checkpoints/", history.Checkpoints.as_view(), name="api_audit_checkpoints"),
    path("audit/export/", history.Export.as_view(), name="api_audit_export"),
    re_path(r"^(?P<rest>.+)$", about.Nowhere.as_view(), name="api_nowhere"),
]
