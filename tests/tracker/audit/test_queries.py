"""Reading the history."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.tracker.audit.conftest import NOON, PRIYA, later, wave
from tracker.audit import queries
from tracker.audit.actions import ENGINE, Actor, record, sequence, sign_checkpoint, verify
from tracker.audit.models import Event
from tracker.audit.queries import Filters

RUTH = Actor("user", "p-ruth")


def account(pseudonym: str, name: str, type: str = "account.created") -> None:
    with transaction.atomic():
        detail = {"roles": ["auditor"]} if type == "account.created" else {}
        private = {"display_name": name, "email": f"{pseudonym}@example.com"}
        record(type, by=ENGINE, object=("account", pseudonym), now=NOON, detail=detail, private=private)


def test_pages_go_back_in_time_without_gaps_or_doubles(db: None) -> None:
    for number in range(25):
        wave(number, later(number // 3))
    seen, before = [], None
    for _ in range(10):
        page = queries.events(before=before, limit=7)
        seen += [entry.object_id for entry in page.entries]
        before = page.before
        if before is None:
            break
    assert seen == [str(number) for number in reversed(range(25))]
    assert len(queries.events(limit=10_000).entries) == 25 and queries.events(limit=-1).before is not None


def test_a_page_costs_three_queries_whatever_it_holds(db: None) -> None:
    account("p-priya", "Priya")
    for number in range(60):
        wave(number, later(number), by=PRIYA if number % 2 else RUTH, reason=f"because {number}")
    for filters in (Filters(), Filters(types=("wave",), actor="user:p-priya", text="1")):
        with CaptureQueriesContext(connection) as asked:
            page = queries.events(filters, limit=50)
        assert len(asked) <= 3 and page.entries
    newest = queries.events().entries[0]
    assert (newest.sentence, newest.label) == ("Priya created the wave W59.", "Wave created")
    assert newest.private == {"reason": "because 59"} and newest.detail == {"name": "W59"}
    assert queries.events().entries[1].actor_name == "p-ruth"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(types=("wave.created",)), {"a/B-1", "2", "3"}),
        (Filters(types=("wave", "access.denied")), {"a/B-1", "2", "3", "4", "/x"}),
        (Filters(actor="user"), {"a/B-1", "2", "4", "/x"}),
        (Filters(actor="system:engine"), {"3"}),
        (Filters(result="denied"), {"/x"}),
        (Filters(object_kind="wave", object_id="2"), {"2"}),
        (Filters(text="b-"), {"a/B-1"}),
        (Filters(text="%"), set()),
        (Filters(since=later(2)), {"3", "4", "/x"}),
        (Filters(until=later(2)), {"a/B-1", "2"}),
        (Filters(since=later(1), until=later(4)), {"2", "3", "4"}),
    ],
)
def test_filters_choose(db: None, filters: Filters, found: set[str]) -> None:
    with transaction.atomic():
        for second, (type, by, identifier) in enumerate(
            [("wave.created", PRIYA, "a/B-1"), ("wave.created", RUTH, "2"), ("wave.created", ENGINE, "3"),
             ("wave.changed", PRIYA, "4")]
        ):  # fmt: skip
            record(type, by=by, object=("wave", identifier), now=later(second))
        detail = {"permission": "plan", "wanted": "plan waves"}
        record("access.denied", by=RUTH, object=("page", "/x"), now=later(4), detail=detail, result="denied")
    assert {entry.object_id for entry in queries.events(filters).entries} == found


def test_addresses_and_the_like_are_shown_only_to_those_who_may(db: None) -> None:
    account("p-priya", "Priya")
    assert queries.events().entries[0].private == {"display_name": "Priya"}
    assert set(queries.events(restricted=True).entries[0].private) == {"display_name", "email"}


def test_people_are_called_by_their_newest_name(db: None) -> None:
    account("p-priya", "Priya")
    wave(1)
    account("p-priya", "Priya Rao", "account.renamed")
    assert queries.events(Filters(types=("wave",))).entries[0].sentence == "Priya Rao created the wave W1."
    assert queries.names(["p-priya", "p-nobody"]) == {"p-priya": "Priya Rao"} and queries.names([]) == {}


def test_an_event_knows_its_place_and_the_checkpoint_over_it(db: None) -> None:
    events = [wave(number, reason="x") for number in range(3)]
    assert (place := queries.event(events[1].id)).seq is None and place.checkpoint is None
    sequence(NOON)
    assert queries.event(events[1].id).seq == 1 and queries.event(events[1].id).checkpoint is None
    sign_checkpoint(NOON, "test")
    wave(9)
    sign_checkpoint(NOON, "test")
    place = queries.event(events[1].id)
    assert place.checkpoint is not None and place.checkpoint.size == 3 and place.missing == ()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracker_privatevalue")
    assert queries.event(events[1].id).missing == ("reason",)
    with pytest.raises(Event.DoesNotExist):
        queries.event(Actor and queries.uuid7_floor(NOON))


def test_the_history_of_one_object(db: None) -> None:
    for number in (1, 2, 1, 1):
        wave(number)
    assert [entry.object_id for entry in queries.history_of("wave", 1, limit=2)] == ["1", "1"]
    assert queries.history_of("unit", 1) == []


def test_the_integrity_panel_tells_the_state_of_the_proof(db: None) -> None:
    empty = queries.integrity(NOON)
    assert (empty.sequenced, empty.pending, empty.signed, empty.verified_at, empty.problem) == (0, 0, None, None, "")
    wave(1)
    assert queries.integrity(later(90)).oldest_pending == later(90) - NOON
    sign_checkpoint(NOON, "test")
    verify(later(5))
    panel = queries.integrity(later(10))
    assert (panel.sequenced, panel.pending, panel.checkpoints, panel.verified_at) == (1, 2, 1, later(5))
    assert panel.verified["count"] == 1 and panel.problem == ""
    with transaction.atomic():
        what = {"detail": {"cause": "a bit flipped"}, "result": "failed"}
        record("audit.damage_found", by=ENGINE, object=("history", "x"), now=later(20), **what)
    assert queries.integrity(later(30)).problem == "a bit flipped"


def test_events_of_a_type_that_is_no_more_are_still_shown(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracker.audit import registry

    wave(1)
    monkeypatch.delitem(registry.TYPES, "wave.created")
    entry = queries.events().entries[0]
    assert (entry.label, entry.sentence) == ("wave.created", "p-priya: wave.created of W1.")
