"""How long a larger limit took here, on the pages where somebody asks for one or waits for a wave."""

from dataclasses import replace
from datetime import UTC, timedelta

from django.test import Client
from django.urls import reverse

from migrator.leads import Usual
from tests.tracker.runs.programme import Programme
from tests.tracker.runs.test_wave_gates import CORES, facts, gate
from tracker.quota import lead_times
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs import wave_facts
from tracker.runs.queries import database_now

DAY = timedelta(days=1)


def asked(programme: Programme, state: str, took: timedelta, **more: object) -> QuotaRequest:
    now = database_now()
    given = {
        "subscription": programme.subscription, "region": "northeurope", "provider": "Microsoft.Compute",
        "name": "cores", "limit_before": 10, "limit_wanted": 20, "state": state, "requested_by": "user:p-tomas",
        "requested_at": now - 9 * DAY, "sent_at": now - 9 * DAY,
        "decided_at": now - 9 * DAY + took if state in ("granted", "refused") else None,
    }  # fmt: skip
    return QuotaRequest.objects.create(**given | more)


def test_only_what_was_granted_without_a_ticket_counts(programme: Programme) -> None:
    asked(programme, "granted", 2 * DAY)
    asked(programme, "granted", 8 * DAY, ticket="77")
    asked(programme, "refused", 1 * DAY)
    assert [(one.region, one.name, one.took) for one in lead_times.granted()] == [("northeurope", "cores", 2 * 86400.0)]


def test_the_quota_pages_say_what_is_usual_and_what_is_late(programme: Programme, client: Client) -> None:
    client.force_login(programme.tomas)
    form = reverse("quota_request") + "?" + "&".join((
        f"subscription={programme.subscription.pk}", "region=northeurope", "provider=Microsoft.Compute", "name=cores",
    ))  # fmt: skip
    assert "No request was granted here yet" in client.get(form).content.decode()
    for days in (1, 2, 3):
        asked(programme, "granted", days * DAY)
    said = "usually 2 days, nine of ten within 3 days (3 requests for cores in northeurope)"
    assert said in client.get(form).content.decode()
    asked(programme, "sent", DAY)
    shown = client.get(reverse("quota")).content.decode()
    assert f'<span class="sub tinted attention">{said}</span>' in shown, "asked nine days ago"
    QuotaRequest.objects.filter(state="sent").update(sent_at=database_now())
    assert f'<span class="sub">{said}</span>' in client.get(reverse("quota")).content.decode()


def test_a_wave_whose_window_opens_before_a_larger_limit_can_be_expected_says_so() -> None:
    usual = Usual(2 * 86400.0, 3 * 86400.0, 5, "in westeurope")
    short = {"quota": (replace(CORES, reserved=10_000),), "quota_usual": usual}
    now = facts().now
    state, said = gate("quota", **short, opens_at=now + DAY)
    assert state == "red" and "nine of ten within 3 days (5 requests in westeurope)" in said
    assert f"expected by {(now + 3 * DAY).date()}, after the window of {(now + DAY).date()} opens." in said
    assert gate("quota", **short, opens_at=now + 9 * DAY)[1].endswith(f"expected by {(now + 3 * DAY).date()}.")
    for silent in ({"quota_usual": None}, {"opens_at": None}):
        assert "expected" not in gate("quota", **short | {"opens_at": now + DAY} | silent)[1]


def test_a_wave_that_is_short_tells_it_and_a_wave_that_is_not_asks_for_nothing(programme: Programme) -> None:
    for days in (1, 2, 3):
        asked(programme, "granted", days * DAY)
    wave = programme.wave("shop-net", opens=1, closes=3)
    now = database_now()
    enough = wave_facts.standing(wave_facts.listed().get(pk=wave.pk), now=now, zone=UTC)
    assert enough.facts.quota and enough.facts.quota_usual is None
    Usage.objects.filter(region="westeurope", name="cores").update(limit=1)
    short = wave_facts.standing(wave_facts.listed().get(pk=wave.pk), now=now, zone=UTC)
    assert short.facts.quota_usual is not None and short.facts.quota_usual.requests == 3
    said = next(one.sentence for one in short.gates if one.name == "quota")
    assert "3 requests in all regions" in said and "after the window" in said
