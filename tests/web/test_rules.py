"""The catalogue as a document: every rule with its sources, and numbers that are the lengths of their lists."""

from collections.abc import Callable
from html import unescape

import pytest
from django.db.models import Count
from django.test import Client

from migrator.lifecycle import State
from migrator.readiness import CATALOGUE, DOCUMENTS, PLATFORM
from migrator.readiness.rows import PLACES, ROWS, coverage
from tests.web.estate import Estate
from tracker.accounts.models import User
from tracker.inventory.models import Unit
from tracker.readiness.actions import open_rules
from tracker.readiness.models import Finding
from tracker.web import lists

As = Callable[[User], Client]


def test_every_rule_stands_there_whole(ina: User, as_person: As) -> None:
    text = unescape(as_person(ina).get("/rules/").content.decode())
    for rule in (*CATALOGUE, PLATFORM):
        assert f'id="{rule.id}"' in text
        for part in (rule.title, rule.statement, rule.remedy, rule.follow_up):
            assert part in text, rule.id
        for old in rule.superseded:
            assert old.then in text
            assert old.now in text
        for source in rule.sources:
            assert source.document in text
    assert f"{len(CATALOGUE) + 1} rules" in text


def test_the_manual_prints_every_rule_every_row_and_every_document(ina: User, as_person: As) -> None:
    answer = as_person(ina).get("/rules/manual/")
    text = unescape(answer.content.decode())
    for rule in (*CATALOGUE, PLATFORM):
        assert text.count(f'id="{rule.id}"') == 1
        article = text.partition(f'id="{rule.id}"')[2].partition("</article>")[0]
        for part in (rule.title, rule.statement, rule.remedy, rule.follow_up):
            assert part in article, rule.id
        assert rule.effect.value in article.lower()
        for source in rule.sources:
            assert source.document in article
            assert source.row in article
            assert not source.year or f"({source.year})" in article
        for old in rule.superseded:
            assert old.then in article
            assert old.now in article
    for row in ROWS:
        line = text.partition(f"<code>{row.id}</code>")[2].partition("</tr>")[0]
        assert row.text in line
        assert all(f'<a href="#{rule}">{rule}</a>' in line for rule in (*row.rules, *row.also))
        assert PLACES.get(row.place, "") in line
    assert all(what in text for what in DOCUMENTS.values())


def test_the_coverage_of_the_documents_stands_on_the_rules_page(ina: User, as_person: As) -> None:
    rows, by_rules, by_place = coverage()
    text = as_person(ina).get("/rules/").content.decode()
    said = f"Of the {rows} rows of the two source documents, {by_rules} are answered by rules and {by_place} by another"
    assert said in text
    assert by_rules + by_place == rows


def test_every_rule_has_its_page(ina: User, as_person: As) -> None:
    client = as_person(ina)
    for rule in (*CATALOGUE, PLATFORM):
        answer = client.get(f"/rules/{rule.id}/")
        assert answer.status_code == 200, rule.id
        assert rule.title in unescape(answer.content.decode())


def test_every_number_is_the_length_of_its_list(estate: Estate, as_person: As) -> None:
    Unit.objects.filter(name="shopfiles").update(progress=State.EXCLUDED)
    Unit.objects.filter(name="pricing").update(gone_at="2026-11-01T00:00Z")
    client = as_person(estate.noor)
    counted = [one for chapter in client.get("/rules/").context["chapters"] for one in chapter.rules]
    touching = [one for one in counted if one.yes or one.unknown]
    assert len(touching) > 20
    for one in touching:
        for outcome, number in (("yes", one.yes), ("unknown", one.unknown)):
            listed = client.get("/inventory/", {"rule": one.rule.id, "outcome": outcome})
            assert listed.context["found"].total == number, (one.rule.id, outcome)
            page = client.get(f"/rules/{one.rule.id}/", {"outcome": outcome})
            assert len(page.context["units"]) == number


def test_blocked_by_nothing_else_means_it(estate: Estate, as_person: As) -> None:
    client = as_person(estate.noor)
    rule = Finding.objects.filter(unit__name="legacy-net", effect="blocks", outcome="yes").first().rule
    assert [one.unit.name for one in client.get(f"/rules/{rule}/?only=yes").context["units"]] == ["legacy-net"]
    other = next(one for one in CATALOGUE if one.effect == "blocks" and one.id != rule)
    unit = estate.unit("legacy-net")
    Finding.objects.update_or_create(
        unit=unit, rule=other.id, resource_key=unit.key,
        defaults={"effect": "blocks", "outcome": "yes", "sentence": "x", "since": unit.changed_at},
    )  # fmt: skip
    rows = Finding.objects.filter(unit=unit).values_list("rule", "effect", "outcome")
    Unit.objects.filter(pk=unit.pk).update(open_rules=list(open_rules(rows)))
    assert [(one.unit.name, one.also) for one in client.get(f"/rules/{rule}/").context["units"]] == [
        ("legacy-net", True)
    ]
    page = client.get(f"/rules/{rule}/?only=yes")
    assert page.context["units"] == []
    assert "Every one of them is blocked by something else too" in page.content.decode()


def test_what_is_set_aside_stands_in_no_number_and_no_list(estate: Estate, as_person: As) -> None:
    client, unit = as_person(estate.noor), estate.unit("legacy-net")
    finding = Finding.objects.filter(unit=unit, effect="blocks", outcome="yes").first()
    Finding.objects.filter(unit=unit, rule=finding.rule).update(waived=True)
    rows = Finding.objects.filter(unit=unit, waived=False).values_list("rule", "effect", "outcome")
    Unit.objects.filter(pk=unit.pk).update(open_rules=list(open_rules(rows)))
    page = client.get(f"/rules/{finding.rule}/").context
    listed = client.get("/inventory/", {"rule": finding.rule}).context
    assert page["numbers"].yes == len(page["units"]) == listed["found"].total
    assert unit.pk not in [one.unit.pk for one in page["units"]] + [one.pk for one in listed["page"].rows]


def test_units_of_a_rule_come_in_pages(estate: Estate, as_person: As, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lists.page
    monkeypatch.setattr(lists, "page", lambda *given, **more: real(*given, **{**more, "size": 1}))
    client = as_person(estate.noor)
    said = Finding.objects.filter(outcome="yes").values("rule").annotate(units=Count("unit", distinct=True))
    rule = said.filter(units__gte=2).order_by("-units", "rule").first()
    path, seen = f"/rules/{rule['rule']}/", []
    while path:
        page = client.get(path).context
        assert page["numbers"].yes == rule["units"]
        seen += [one.unit.name for one in page["units"]]
        path = page["page"].next_url and f"/rules/{rule['rule']}/{page['page'].next_url}"
    assert seen == sorted(seen) and len(seen) == len(set(seen)) == rule["units"]


def test_filters_narrow_by_word_effect_scope_and_what_is_here(estate: Estate, as_person: As) -> None:
    client = as_person(estate.noor)
    page = client.get("/rules/")
    for facet in page.context["facets"]:
        for option in facet.options:
            assert client.get(f"/rules/{option.url}").context["left"] == option.count, option.label
    found = client.get("/rules/?q=expressroute").context
    assert 0 < found["left"] < found["all"]
    empty = client.get("/rules/?q=no+such+word").content.decode()
    assert "No rule matches" in empty


@pytest.mark.parametrize(
    "query", ["q=%00", "q=" + "a" * 5000, "effect=%00&scope=x", "touching=%00", "q=<script>alert(1)</script>"]
)
def test_a_spoilt_address_still_answers(ina: User, as_person: As, query: str) -> None:
    answer = as_person(ina).get(f"/rules/?{query}")
    assert answer.status_code == 200
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("path", ["/rules/NO-SUCH-RULE/", "/rules/..%2F/", "/rules/a%00b/"])
def test_a_rule_that_is_not_there_is_not_found(ina: User, as_person: As, path: str) -> None:
    assert as_person(ina).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/rules/", "/rules/manual/", "/rules/SUB-REG-MIGRATE/"])
def test_it_stays_cheap(estate: Estate, as_person: As, django_assert_max_num_queries: Callable, path: str) -> None:
    client = as_person(estate.noor)
    with django_assert_max_num_queries(3 + 4):  # session, person, roles, frame
        client.get(path)
