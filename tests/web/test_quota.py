"""Quota: the matrix, one click from a shortage to a request, the requests, and what nobody can know."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.tracker.runs.conftest import programme, simulator
from tests.tracker.runs.programme import Programme
from tracker.accounts.models import User
from tracker.quota import actions, queries
from tracker.quota.models import QuotaRequest, Usage
from tracker.runs.queries import database_now
from tracker.web.views import quota as view

__all__ = ["programme", "simulator"]
As = Callable[[User], Client]


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    view._planned.cache_clear()
    yield


def text(answer: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def short(programme: Programme, name: str = "cores") -> Usage:
    """A limit that is too small for what is planned."""
    usage = Usage.objects.filter(name=name, region="westeurope").get()
    usage.limit = usage.current + 1
    usage.save()
    return usage


def given(usage: Usage, **more: object) -> dict[str, object]:
    return {"subscription": usage.subscription_id, "region": usage.region, "provider": usage.provider,
            "name": usage.name, **more}  # fmt: skip


def test_a_shortage_is_one_click_from_a_request_with_the_new_total_filled_in(
    programme: Programme, as_person: As
) -> None:
    usage = short(programme)
    row = next(row for row in queries.matrix() if row.name == "cores" and row.region == "westeurope")
    assert row.short == row.planned - 1 > 0
    client = as_person(programme.maya)
    shown = client.get("/quota/?state=short").content.decode()
    assert shown.count('class="is-short"') == len(queries.matrix(short_only=True))
    url = re.search(r'href="(/quota/request/\?[^"]*region=westeurope[^"]*name=cores[^"]*)"', shown)
    assert url
    form = client.get(url[1].replace("&amp;", "&")).content.decode()
    assert f'name="limit" inputmode="numeric" required autocomplete="off" value="{usage.limit + row.short}"' in form
    answer = client.post(
        reverse("quota_request"), given(usage, limit=f"{usage.limit + row.short:,}", reason="Wave of November")
    )
    assert answer.status_code == 302
    asked = QuotaRequest.objects.get()
    assert (asked.limit_wanted, asked.reason) == (usage.limit + row.short, "Wave of November")
    after = client.get("/quota/")
    assert "Draft" in text(after)
    assert "by Maya" in text(after)
    assert "Requested" in text(client.get("/quota/?state=requested"))
    assert "Request cores in westeurope" not in after.content.decode()  # one at a time


def test_the_platforms_own_words_stand_there_verbatim(programme: Programme, as_person: As) -> None:
    usage = short(programme)
    asked = actions.request(
        programme.subscription, region=usage.region, provider=usage.provider, name=usage.name,
        limit=usage.limit + 50, reason="", by=programme.maya, now=database_now(),
    )  # fmt: skip
    QuotaRequest.objects.filter(pk=asked.pk).update(
        state="refused", azure_state="Failed", azure_message="<b>Région</b> saturée", decided_at=database_now()
    )
    client = as_person(programme.noor)
    shown = client.get("/quota/").content.decode()
    assert "“&lt;b&gt;Région&lt;/b&gt; saturée”" in shown
    assert "<code>Failed</code>" in shown
    assert f'id="request-{asked.pk}"' in client.get("/quota/?request=refused").content.decode()
    assert "No request is in this state." in text(client.get("/quota/?request=granted"))


@pytest.mark.parametrize("limit", ["", "many", "-5", "1.5", "0", "9" * 40, "1e9", "١٢٣", "\x00", "2000000"])
def test_a_total_that_is_none_is_refused_and_kept(programme: Programme, as_person: As, limit: str) -> None:
    usage = short(programme)
    answer = as_person(programme.maya).post(reverse("quota_request"), given(usage, limit=limit, reason="kept words"))
    assert answer.status_code == 409
    assert "The new total is" in text(answer)
    assert "kept words" in answer.content.decode()
    assert not QuotaRequest.objects.exists()


def test_other_bad_input_changes_nothing(programme: Programme, as_person: As) -> None:
    usage, client = short(programme), as_person(programme.maya)
    for data in (
        given(usage, limit=str(usage.limit)),  # not above
        given(usage, limit="400", reason="a\x00b"),
        given(usage, limit="400", reason="x" * 5000),
        given(usage, limit="400") | {"name": "nothing"},
        given(usage, limit="400") | {"region": "\x00"},
        {},
    ):
        answer = client.post(reverse("quota_request"), data)
        assert answer.status_code == 409, data
    assert not QuotaRequest.objects.exists()
    assert client.post(reverse("quota_request"), given(usage, limit="400")).status_code == 302
    twice = client.post(reverse("quota_request"), given(usage, limit="500"))
    assert twice.status_code == 409
    assert "There is an open request" in text(twice)


def test_only_who_may_can_ask(programme: Programme, as_person: As) -> None:
    usage = short(programme)
    client = as_person(programme.noor)
    form = client.get(reverse("quota_request"), given(usage))
    assert "To request quota takes the role" in text(form)
    assert client.post(reverse("quota_request"), given(usage, limit="400")).status_code == 403
    assert not QuotaRequest.objects.exists()


def test_what_was_never_read_says_unknown_and_not_enough(programme: Programme, as_person: As) -> None:
    Usage.objects.filter(name="cores").delete()
    programme.unit("shop-net")
    client = as_person(programme.noor)
    rows = [row for row in queries.matrix() if row.name == "cores"]
    assert rows
    assert all(row.short is None for row in rows)
    shown = text(client.get("/quota/?state=unknown"))
    assert "unknown" in shown
    assert "not documented" in shown  # the footnote on spelling


def test_a_prepared_unit_is_counted_once(programme: Programme) -> None:
    run = programme.prepared()
    amount = run.unit.reservations.get(name="cores").amount

    def reserved() -> int:
        return next(row.reserved for row in queries.matrix() if row.name == "cores" and row.region == run.unit.region)

    assert reserved() == amount  # usages are older than the lock
    Usage.objects.update(read_at=database_now())
    assert reserved() == 0  # younger: the copy is in use already


def test_numbers_agree_and_odd_addresses_are_no_error(programme: Programme, as_person: As) -> None:
    short(programme)
    client = as_person(programme.noor)
    shown = client.get("/quota/").content.decode()
    for state in ("short", "requested", "unknown", "enough"):
        n = int(re.search(rf'id="quota-{state}"[^>]*>.*?<b>(\d+)</b>', shown, re.S)[1])
        rows = client.get("/quota/", {"state": state}).content.decode()
        assert rows.count('scope="row"') - rows.count('id="request-') == n, state
    for query in ("state=%00", "region=nowhere", "subscription=x", "request=x", "state=short&state=enough"):
        assert client.get(f"/quota/?{query}").status_code == 200


def test_it_costs_the_same_whatever_the_estate_and_is_not_sent_twice(
    programme: Programme, as_person: As, django_assert_max_num_queries: Callable
) -> None:
    client = as_person(programme.maya)
    client.get("/quota/")
    with django_assert_max_num_queries(6 + 4):
        client.get("/quota/")
    tag = client.get("/quota/part/")["ETag"]
    with django_assert_max_num_queries(1 + 3):
        assert client.get("/quota/part/", headers={"If-None-Match": tag}).status_code == 304
    Usage.objects.filter(name="cores").update(current=7)
    assert client.get("/quota/part/", headers={"If-None-Match": tag}).status_code == 200


def test_before_anything_is_known_the_page_says_how_to_begin(db: None, ada: User, as_person: As) -> None:
    assert "No need is known yet" in text(as_person(ada).get("/quota/"))
