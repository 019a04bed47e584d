"""Azure refuses Prepare for want of quota: abort, ask for more, prepare again, each step seen."""

import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from migrator.quota_way import Stand, wanted
from tests.tracker.runs.programme import TEST, Programme
from tests.tracker.runs.test_journey import database_now
from tracker.audit.models import Event
from tracker.inventory.models import Unit
from tracker.quota import actions as quota
from tracker.quota import queries as quota_queries
from tracker.quota.models import QuotaRequest, Usage
from tracker.readiness import actions as readiness
from tracker.runs import actions as runs
from tracker.runs import quota_way, story
from tracker.runs.models import Run
from tracker.runs.quota_way import Way


@pytest.fixture
def refused(programme: Programme) -> Run:
    """`pricing` needs 16 cores of 10; the product believed an older reading, so only Azure notices."""
    Usage.objects.filter(region="northeurope").update(limit=1_000)
    reassessed(programme)
    run = programme.validated("pricing")
    programme.ask(run, "prepare")
    return programme.until(run, lambda: bool(run.attention))


def way(run: Run) -> Way:
    found = story.run(run.pk)
    assert found is not None
    said = quota_way.of(found, story.read(found))
    assert said is not None
    return said


def stands(run: Run) -> list[Stand]:
    return [step.stand for step in way(run).steps]


def asked(programme: Programme, run: Run, name: str, limit: int) -> QuotaRequest:
    return quota.request(
        run.unit.subscription, region=run.unit.region, provider="Microsoft.Compute", name=name, limit=limit,
        reason="Azure said so", by=programme.tomas, now=database_now(),
    )  # fmt: skip


def follow(programme: Programme, row: QuotaRequest, to: str = "granted") -> QuotaRequest:
    """Follow a request until it stands where the test wants it."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        QuotaRequest.objects.filter(pk=row.pk).update(due_at=database_now(), lease_until=None)
        quota.follow(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
        row.refresh_from_db()
        if row.state == to:
            return row
        time.sleep(0.05)
    raise AssertionError((row.state, row.azure_state, row.azure_message))


def granted(programme: Programme, run: Run) -> None:
    """Ask for what Azure said is missing, and follow it to its end."""
    found = way(run)
    assert found.usage is not None
    read_again(programme, run)
    row = asked(programme, run, found.usage.name, wanted(found.numbers))
    assert stands(run)[1] is Stand.NOW
    follow(programme, row)


def reassessed(programme: Programme) -> None:
    units = list(Unit.objects.filter(name="pricing"))
    readiness.assess(units, shortfalls=quota_queries.shortfalls_of(units), now=database_now(), by=TEST)


def read_again(programme: Programme, run: Run) -> None:
    quota.read_usages(run.unit.subscription, run.unit.region, gateway=programme.gateway, by=TEST, now=database_now())


def prepared_or_refused(programme: Programme, run: Run) -> Run:
    return programme.until(run, lambda: run.state == "prepared" or bool(run.attention))


def aborted(programme: Programme, run: Run) -> Run:
    programme.ask(run, "abort", reason="quota")
    return programme.until(run, lambda: run.ended_at is not None)


def begun_again(programme: Programme, run: Run) -> Run:
    again = runs.start(run.unit, by=programme.tomas, now=database_now())
    programme.until(again, lambda: again.state == "validated")
    programme.ask(again, "prepare")
    return again


def test_the_way_leads_out_step_by_step(programme: Programme, refused: Run, client: Client) -> None:
    assert (way(refused).numbers.name, way(refused).numbers.current) == ("cores", 10)
    assert stands(refused) == [Stand.NOW, Stand.NOW, Stand.LATER], "the refusal left the unit locked"
    aborted(programme, refused)
    assert stands(refused) == [Stand.DONE, Stand.NOW, Stand.LATER]
    granted(programme, refused)
    assert stands(refused) == [Stand.DONE, Stand.DONE, Stand.NOW]
    with pytest.raises(runs.NotApproved, match="SUB-QUOTA-CORES"):  # what Azure answered speaks for seven days …
        begun_again(programme, refused)
    follow(programme, asked(programme, refused, "standardDv2Family", 24))  # the readings show the family short too
    assert [unit.name for unit in runs.quota_read(programme.subscription.pk, by=TEST, now=database_now())] == [
        "pricing"
    ]
    assert runs.quota_read(programme.subscription.pk, by=TEST, now=database_now()) == [], "… or until the limit is read"
    told = Event.objects.get(type="readiness.answer_settled")
    assert "the limit of cores in northeurope was read as 16 since" in told.body
    client.force_login(programme.noor)
    shown = client.get(reverse("unit", args=[refused.unit_id])).content.decode()
    assert "Counts no more: the limit of cores in northeurope was read as 16 since." in shown
    run = prepared_or_refused(programme, begun_again(programme, refused))
    assert run.state == "prepared", run.attention
    found = story.run(run.pk)
    assert found is not None and quota_way.of(found, story.read(found)) is None, "it led out"


def test_what_was_decided_before_the_refusal_is_not_the_request_that_helps(programme: Programme, refused: Run) -> None:
    old = asked(programme, refused, "cores", 1_001)
    long_ago = database_now() - timedelta(days=1)
    QuotaRequest.objects.filter(pk=old.pk).update(state="refused", requested_at=long_ago, decided_at=long_ago)
    assert way(refused).request is None and "ask for 16" in way(refused).steps[1].sentence
    QuotaRequest.objects.filter(pk=old.pk).update(decided_at=database_now())
    assert way(refused).request == old and stands(refused)[1] is Stand.STUCK


def test_a_run_refused_for_another_reason_has_no_such_way(programme: Programme) -> None:
    run = programme.prepared()
    found = story.run(run.pk)
    assert found is not None and quota_way.of(found, story.read(found)) is None


def test_the_page_shows_the_steps_with_their_buttons(programme: Programme, refused: Run, client: Client) -> None:
    client.force_login(programme.tomas)
    shown = client.get(reverse("run", args=[refused.pk])).content.decode()
    part = re.search(r'id="quota-way".*?</section>', shown, re.S)
    assert part, "the way is on the page"
    plain = " ".join(re.sub(r"<[^>]+>", " ", part[0]).split())
    assert "three steps" in plain and "ask for" in plain and "When the two before are done." in plain
    form = re.search(r'href="(/quota/request/\?[^"]+)"', part[0])
    assert form and "limit=" in form[1]
    assert client.get(form[1].replace("&amp;", "&")).status_code == 200
    client.force_login(programme.noor)
    shown = client.get(reverse("run", args=[refused.pk])).content.decode()
    assert 'id="quota-way"' in shown and "/quota/request/?" not in shown


# --- refused: the ticket ----------------------------------------------------------------------------------------------
@pytest.fixture
def denied(programme: Programme) -> QuotaRequest:
    """A request so large that the platform says: ask support."""
    row = quota.request(
        programme.subscription, region="northeurope", provider="Microsoft.Compute", name="cores", limit=100_000,
        reason="All at once", by=programme.tomas, now=database_now(),
    )  # fmt: skip
    return follow(programme, row, "refused")


def look(programme: Programme, row: QuotaRequest) -> str:
    QuotaRequest.objects.filter(pk=row.pk).update(due_at=database_now(), lease_until=None)
    quota.follow(row.pk, gateway=lambda _: programme.gateway, clock=database_now)
    row.refresh_from_db()
    return row.state


def test_a_ticket_is_kept_and_believed_only_when_the_limit_is_read(
    programme: Programme, denied: QuotaRequest, client: Client
) -> None:
    client.force_login(programme.tomas)
    address = reverse("quota_ticket", args=[denied.pk])
    shown = client.get(address).content.decode()
    assert "from 10 to 100,000" in shown and "All at once" in shown and "I opened it" in shown
    body = client.get(reverse("quota_ticket_body", args=[denied.pk]))
    assert body["Content-Disposition"].endswith('.json"')
    assert body.json()["properties"]["severity"] == "moderate"
    for wrong in ("", "  ", "12 34", "x" * 41, "<b>", "a\x00"):
        answer = client.post(address, {"number": wrong})
        assert answer.status_code == 409 and "letters and digits" in answer.content.decode(), wrong
    assert client.post(address, {"number": "2611230040001234"}).status_code == 302
    denied.refresh_from_db()
    assert (denied.state, denied.ticket, denied.ticket_by) == ("ticket", "2611230040001234", programme.tomas.actor.key)
    assert look(programme, denied) == "ticket", "nobody's word closes it"
    raised = Usage.objects.get(region="northeurope", name="cores")
    with pytest.raises(quota.AlreadyAsked):
        quota.request(
            programme.subscription, region="northeurope", provider=raised.provider, name="cores", limit=50,
            reason="", by=programme.tomas, now=database_now(),
        )  # fmt: skip
    QuotaRequest.objects.filter(pk=denied.pk).update(limit_before=5, limit_wanted=10)  # as if support had raised it
    assert look(programme, denied) == "granted"
    types = list(Event.objects.filter(object_kind="quota-request").order_by("id").values_list("type", flat=True))
    assert types[-2:] == ["quota.ticket_opened", "quota.request_followed"]


def test_a_ticket_can_be_given_up_and_is_for_refused_requests_only(
    programme: Programme, denied: QuotaRequest, client: Client
) -> None:
    client.force_login(programme.noor)
    assert client.post(reverse("quota_ticket", args=[denied.pk]), {"number": "1"}).status_code == 403
    assert client.get(reverse("quota_ticket", args=[denied.pk])).status_code == 200
    with pytest.raises(quota.BadTicket, match="no ticket to give up"):
        quota.give_up_ticket(denied, by=programme.tomas, now=database_now())
    quota.ask_by_ticket(denied, "77", by=programme.tomas, now=database_now())
    client.force_login(programme.tomas)
    assert client.post(reverse("quota_ticket_give_up", args=[denied.pk])).status_code == 302
    denied.refresh_from_db()
    assert (denied.state, denied.ticket, denied.due_at) == ("refused", "77", None)
    QuotaRequest.objects.filter(pk=denied.pk).update(state="granted")
    with pytest.raises(quota.BadTicket, match="is granted"):
        quota.ask_by_ticket(denied, "78", by=programme.tomas, now=database_now())
    assert client.get("/quota/requests/999999/ticket/").status_code == 404
