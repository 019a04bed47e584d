"""/style/: every part in every state, for the team and for the tests. The estate shown here is invented and says so."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from tracker.accounts.decorators import signed_in_only
from tracker.web import charts, lists, live
from tracker.web.status import CHIPS

KEY = (
    "/subscriptions/6d1c0a52-8f0e-4a55-9a6b-1f2f0d9b7c11/resourceGroups/shop/providers/"
    "Microsoft.ClassicNetwork/virtualNetworks/vnet-shop-eu"
)
HUES = ("neutral", "progress", "good", "attention", "stop")
# name, kind, verdict, score, progress, health, minutes since the last change
UNITS = (
    ("vnet-shop-eu", "network", "ready", 96, "prepared", "on track", 4),
    ("vnet-billing", "network", "ready with change", 71, "validated", "at risk", 95),
    ("orders-worker", "deployment", "ready", 100, "committed", "on track", 1_450),
    ("legacy-api", "deployment", "blocked", 12, "assessed", "blocked", 2_900),
    ("stshoplogs", "storage-account", "unknown", 40, "discovered", "stale", 19_000),
)


def _verdicts(now: datetime) -> charts.StepChart | None:
    turns = ((40, 47, "unknown"), (33, 23, "blocked"), (20, 83, "ready with change"), (6, 96, "ready"))
    return charts.steps([(now - timedelta(days=days), score, verdict) for days, score, verdict in turns], until=now)


def _burn_up(today: date) -> charts.LineChart | None:
    days = [today - timedelta(days=28 - 2 * step) for step in range(15)]
    scope = [(day, 52 if step < 5 else 58 if step < 9 else 61) for step, day in enumerate(days)]
    done = list(zip(days, (0, 0, 1, 3, 3, 6, 8, 8, 12, 15, 15, 19, 22, 24, 27), strict=True))
    plan = [(days[0], 0.0), (today + timedelta(days=28), 61.0)]
    forecast = [(today, 27, 27), (today + timedelta(days=14), 36, 44), (today + timedelta(days=28), 45, 61)]
    series = [
        charts.Series("Scope", "scope", scope),
        charts.Series("Plan", "plan", plan),
        charts.Series("Done", "done", done),
    ]
    return charts.burn_up(series, today=today, forecast=forecast)


def _gates() -> list[dict[str, str]]:
    said = (
        ("Units ready", "green", "6 of 6 units are ready or ready with change."),
        ("Quota", "green", "West Europe has 148 of 350 cores free; 40 are needed."),
        ("Approval", "green", "Approved by Mara Lindt, 20 Nov."),
        ("Window", "green", "Open until 04:00 UTC."),
        ("Prepare", "green", "6 of 6 prepared."),
        ("Compare", "red", "1 unexpected difference in vnet-billing."),
        ("Commit approval", "amber", "Waits for a second person."),
        ("Commit", "later", "After the approval."),
        ("Follow-ups", "later", "9 are ready to be sent."),
    )
    return [{"name": name, "state": state, "sentence": sentence, "url": ""} for name, state, sentence in said]


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    counts = {"discovered": 4, "assessed": 16, "planned": 9, "validated": 6, "prepared": 3, "preparing": 1}
    counts |= {"committing": 1, "committed": 5, "verified": 8, "closed": 7, "aborting": 1}
    facets = [
        lists.facet(
            request, "verdict", "Verdict", [(key, row.word, 9) for key, row in CHIPS["verdict"].items()], chip="verdict"
        ),
        lists.facet(request, "region", "Region", [("westeurope", "West Europe", 31), ("eastus", "East US", 18)]),
    ]
    rows = [
        dict(zip(("name", "kind", "verdict", "score", "progress", "health"), unit, strict=False))
        | {"changed_at": now - timedelta(minutes=unit[-1]), "region": "West Europe", "members": 3 + index * 4}
        for index, unit in enumerate(UNITS)
    ]
    return {
        "chip_table": CHIPS,
        "hues": HUES,
        "key": KEY,
        "units": rows,
        "facets": facets,
        "applied": lists.applied(facets) or [("Region", lists.Option("West Europe", "?", 31, True))],
        "page": lists.Page(rows, "?cursor=example", "", "name"),
        "burn": _burn_up(now.date()),
        "drawn": _verdicts(now),
        "bar": charts.by_progress(counts),
        "trend": [3, 4, 4, 6, 9, 9, 12, 11, 15, 19, 22, 24, 27],
        "gates": _gates(),
        "flow": [
            {
                "label": "In scope",
                "value": 61,
                "url": "#figures",
                "hue": "neutral",
                "note": "+3 this week",
                "share": None,
            },
            {"label": "Ready", "value": 31, "url": "#figures", "hue": "good", "icon": "check", "share": 51},
            {"label": "Blocked", "value": 9, "url": "#figures", "hue": "stop", "icon": "ban", "share": 15},
            {
                "label": "In flight",
                "value": 5,
                "url": "#figures",
                "hue": "progress",
                "icon": "arrow-right-left",
                "share": 8,
            },
            {"label": "Committed", "value": 27, "url": "#figures", "hue": "good", "icon": "circle-check", "share": 44},
            {"label": "Verified", "value": 22, "url": "#figures", "hue": "good", "icon": "badge-check", "share": 36},
        ],
        "events": [
            {
                "hue": "progress",
                "icon": "loader",
                "text": "Commit is running on the platform",
                "at": now,
                "sub": "looking again in 2 s",
            },
            {
                "hue": "good",
                "icon": "circle-check",
                "text": "Prepare succeeded: both sides show it",
                "at": now - timedelta(minutes=9),
                "sub": "took 6 min 12 s",
                "detail": '{"status": "Succeeded", "x-ms-request-id": "0c6f…"}',
            },
            {
                "hue": "attention",
                "icon": "timer",
                "text": "Throttled; sent again after 17 s",
                "at": now - timedelta(minutes=16),
                "by": "The engine",
            },
            {
                "hue": "neutral",
                "icon": "user",
                "text": "Ada Brandt asked for Prepare",
                "at": now - timedelta(minutes=17),
                "by": "Engineer",
            },
        ],
        "differences": [
            {
                "field": "name",
                "before": "orders-worker",
                "after": "orders-worker-migrated",
                "kind": "renamed",
                "why": "Documented translation.",
            },
            {"field": "vmSize", "before": "Standard_D2_v2", "after": "Standard_D2_v2", "kind": "same"},
            {
                "field": "autoscale",
                "before": "cpu > 70 %",
                "after": None,
                "kind": "dropped",
                "why": "A follow-up rebuilds it.",
            },
            {
                "field": "subnet",
                "before": "front",
                "after": "default",
                "kind": "unexpected",
                "why": "Not in the documentation.",
            },
        ],
        "tabs": [
            {"label": "Readiness", "url": "#", "here": True, "count": 4, "hue": "attention"},
            {"label": "Members", "url": "#", "count": 12},
            {"label": "Configuration", "url": "#"},
            {"label": "Runs", "url": "#", "count": 2},
            {"label": "Follow-ups", "url": "#"},
            {"label": "History", "url": "#"},
        ],
        "path": [("Inventory", "#"), ("Contoso Shop", "#"), ("vnet-shop-eu", "")],
        "state_chips": [("progress", "prepared"), ("health", "on track"), ("verdict", "ready with change")],
        "facts": [
            ("Subscription", "Contoso Shop"),
            ("Region", "West Europe"),
            ("Owner", "Ada Brandt"),
            ("Members", 12),
            ("Reserved address", ""),
        ],
        "blockers": [
            {"text": "1 unexpected difference in vnet-billing", "url": "#"},
            {"text": "No second person has approved the commit", "hue": "attention", "icon": "hourglass"},
        ],
        "points": [
            {"text": "2 single-instance roles will restart.", "icon": "clock-alert", "hue": "attention"},
            {"text": "9 follow-ups are ready and will be opened.", "icon": "check", "hue": "good"},
            {"text": "This cannot be undone.", "icon": "octagon-alert", "hue": "stop"},
        ],
        "step_action": {"label": "Ask for approval", "url": "#", "look": "primary", "icon": "send"},
        "shut_action": {"label": "Commit", "look": "primary", "why_not": "The window opens at 22:00 UTC, in 5 h."},
        "since": now - timedelta(hours=2, minutes=13, seconds=5),
        "recent": now - timedelta(minutes=3),
        "soon": now + timedelta(hours=5),
        "live": _live(request),
        "code": '{\n  "properties": {\n    "provisioningState": "Succeeded",\n    "migrationState": "Prepared"\n  }\n}',
        "error_acts": [{"label": "Try again", "url": "#", "primary": True}],
    }


def _live(request: HttpRequest) -> dict[str, Any]:
    """A fragment that changes every four seconds and ends after `?left=` changes."""
    try:
        left = min(99, max(0, int(request.GET.get("left", "99"))))
    except ValueError:
        left = 99
    beat = int(timezone.now().timestamp()) // 4
    return {
        "url": f"{reverse('style_live')}?left={max(0, left - 1)}",
        "etag": live.etag("style", beat),
        "beat": beat % 100,
        "finished": left == 0,
    }


@signed_in_only
def parts(request: HttpRequest) -> HttpResponse:
    if request.GET.get("say") in ("success", "error", "warning", "info"):
        getattr(messages, request.GET["say"])(request, "Wave 3 was submitted. Mara Lindt and 2 others can decide.")
    return render(request, "style/page.html", _context(request))


@signed_in_only
def live_part(request: HttpRequest) -> HttpResponse:
    shown = _live(request)
    return live.unchanged(request, shown["etag"]) or live.fragment(
        request, "style/_live.html", {"live": shown}, shown["etag"], finished=shown["finished"]
    )
