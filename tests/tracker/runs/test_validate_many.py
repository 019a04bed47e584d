"""Validate of a wave, a subscription, the whole estate: real client, real simulator, real rows."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests.tracker.runs.programme import TEST, Programme, Stuck
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.inventory import actions as inventory
from tracker.inventory.models import Unit
from tracker.readiness.models import PlatformAnswer
from tracker.runs import actions as runs
from tracker.runs import validations
from tracker.runs.models import Budget
from tracker.runs.queries import database_now
from tracker.runs.validation_models import ValidatedUnit, Validation
from tracker.runs.validations import Scope
from tracker.waves import actions as waves

ESTATE = Scope()


def asked(programme: Programme, scope: Scope = ESTATE, **more: bool) -> Validation:
    return runs.validate_many(scope, by=programme.tomas, now=database_now(), **more)


def turn() -> None:
    """Everything that waits is due now: the pace is tested by itself."""
    ValidatedUnit.objects.filter(due_at__isnull=False).update(due_at=database_now(), enqueued_at=None)


def step(programme: Programme, pk: int) -> str:
    return runs.advance_validation(
        pk, gateway=lambda _: programme.wrap(programme.gateway), clock=database_now, timings=programme.timings
    )


def until(
    programme: Programme, row: Validation, reached: Callable[[], bool] | None = None, seconds: float = 12
) -> None:
    """What ticker and worker do, until it is so, or over."""
    deadline, said = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        turn()
        said += [step(programme, pk) for pk in runs.ring_validations()]
        runs.close_validations(database_now())
        programme.tick()
        row.refresh_from_db()
        if reached() if reached else row.ended_at is not None:
            return
        time.sleep(0.02)
    raise Stuck(f"{states(row)}\n" + "\n".join(dict.fromkeys(said)))


def states(row: Validation) -> dict[str, int]:
    return validations.counts([row])[row.pk]


def events(kind: str) -> list[Event]:
    return list(Event.objects.filter(type=f"validation.{kind}").order_by("at"))


def test_the_whole_estate_is_validated_and_every_answer_is_the_platforms_own(kinds: Programme) -> None:
    row = asked(kinds)
    assert row.units == validations.reach(ESTATE, database_now()).busy == Unit.objects.count()
    until(kinds, row)
    # storage with the disk of a machine that has not gone is left out: Azure would only say the same
    assert states(row) == {"passed": row.units - 1, "left-out": 1}
    (left,) = row.items.filter(state="left-out").select_related("unit")
    assert left.unit.name == "kindvhds" and "farm-net" in left.why
    sent = Counter(post["path"].lower() for post in kinds.posts("validate"))
    assert set(sent.values()) == {1}
    assert len(sent) == row.units - 1, "each of every kind, over both interfaces, was asked once"
    assert PlatformAnswer.objects.filter(verb="validate", passed=True).count() == row.units - 1
    assert not kinds.state()["locks"]
    assert not Unit.objects.filter(progress__in=["validated", "preparing"]).exists(), "no run, no move"
    (begun,), (over,) = events("asked"), events("ended")
    assert begun.actor == kinds.tomas.actor.key
    assert json.loads(over.body)["detail"]["outcomes"] == states(row)
    assert len(events("unit_ended")) == row.units
    # whoever asks again only asks what has no answer of the week
    with pytest.raises(runs.NotYet, match="Ask for all"):
        Unit.objects.filter(name="kindvhds").update(progress="excluded")
        asked(kinds)
    again = asked(kinds, old_only=False)
    assert again.units == row.units - 1 and again.fresh == 0


def test_what_azure_finds_is_told_and_becomes_a_finding(programme: Programme) -> None:
    programme.simulator.control("settings", {"validate_later": 1})
    try:
        row = asked(programme)
        until(programme, row)
    finally:
        programme.simulator.control("settings", {"validate_later": 0})
    found = states(row)
    assert sum(found.values()) == row.units and set(found) <= {"passed", "found", "left-out"}
    for item in row.items.select_related("unit"):
        answers = list(item.unit.platform_answers.filter(verb="validate"))
        assert len(answers) == (item.state != "left-out")
        if item.state == "found":
            assert item.why.startswith(answers[0].messages[0]["message"][:40])
        assert item.sends == (item.state != "left-out") and item.due_at is None


def test_a_unit_with_a_run_is_asked_of_its_run_and_a_locked_one_left_out(programme: Programme) -> None:
    validated, wave = programme.validated("shop-net"), None
    wave = validated.wave
    before = len(programme.posts("validate"))
    row = asked(programme, Scope(wave=wave), old_only=False)
    until(programme, row)
    assert states(row) == {"handed": 1}
    wish = validated.asks.order_by("-id")[0]
    assert (wish.verb, wish.by_id) == ("validate", programme.tomas.pk)
    programme.until(validated, lambda: validated.waiting_code == "prepare-not-asked")
    assert len(programme.posts("validate")) == before + 1
    programme.ask(validated, "prepare")
    programme.until(validated, lambda: validated.state == "prepared")
    with pytest.raises(runs.NotYet, match="wholly classic"):
        asked(programme, Scope(wave=wave), old_only=False)
    assert Validation.objects.count() == 1, "what was refused leaves nothing"


def test_nobody_is_asked_twice_at_once_and_two_wishes_share_the_estate(programme: Programme) -> None:
    programme.wave("shop-net")
    first = asked(programme, Scope(subscription=programme.subscription))
    with pytest.raises(runs.NotYet, match="being validated already"):
        asked(programme, old_only=False)
    item = first.items.first()
    assert item is not None
    with pytest.raises(DatabaseError, match="one_live_validation"), transaction.atomic():
        ValidatedUnit.objects.create(
            validation=first, unit=item.unit, subscription_id=item.subscription_id, due_at=database_now()
        )


def test_a_stop_lets_nothing_more_out_and_what_was_sent_is_read_to_its_end(programme: Programme) -> None:
    programme.simulator.control("settings", {"validate_later": 1})
    try:
        row = asked(programme)
        one = row.items.order_by("id")[0]
        turn()
        until(programme, row, lambda: row.items.filter(state="sent").exists())
        under_way = row.items.filter(state="sent").count()
        stopped = runs.stop_validation(row, by=programme.aiko, now=database_now())
        before = len(programme.posts("validate"))
        until(programme, row)
    finally:
        programme.simulator.control("settings", {"validate_later": 0})
    found = states(row)
    assert found.get("stopped", 0) == stopped
    assert sum(found.get(state, 0) for state in ("passed", "found")) >= under_way
    assert len(programme.posts("validate")) == before
    assert one.pk and events("stopped")[0].actor == programme.aiko.actor.key
    with pytest.raises(runs.Illegal, match="It ended"):
        runs.stop_validation(row, by=programme.aiko, now=database_now())


def test_a_freeze_stops_sending_and_reading_goes_on(programme: Programme) -> None:
    programme.simulator.control("settings", {"validate_later": 1})
    try:
        row = asked(programme)
        turn()
        first = runs.ring_validations()[0]
        step(programme, first)
        assert ValidatedUnit.objects.get(pk=first).state == "sent"
        waves.freeze(scope="verb:validate", reason="a release weekend", by=programme.maya, now=database_now())
        turn()
        assert runs.ring_validations() == [first], "what was sent is read; nothing else is rung for"
        waiting = row.items.filter(state="waiting").first()
        assert waiting is not None and "release weekend" in step(programme, waiting.pk), "a late message sends nothing"
        until(programme, row, lambda: not row.items.filter(state="sent").exists())
    finally:
        programme.simulator.control("settings", {"validate_later": 0})
    assert len(programme.posts("validate")) == 1


def test_the_pace_and_the_budget_are_kept(programme: Programme) -> None:
    row = asked(programme)
    due = sorted(row.items.filter(subscription_id=programme.subscription.pk).values_list("due_at", flat=True))
    steps = {(later - earlier) for earlier, later in itertools.pairwise(due)}
    assert steps == {timedelta(seconds=1 / validations.PACE)}
    now = database_now()
    Budget.objects.create(
        subscription_id=programme.subscription.pk, kind="write", tokens=0, updated_at=now + timedelta(hours=1)
    )
    turn()
    item = row.items.filter(subscription_id=programme.subscription.pk).first()
    assert item is not None and "request budget" in step(programme, item.pk)
    assert programme.posts("validate") == []


@pytest.mark.parametrize(
    ("fault", "ends", "sends"),
    [
        (
            {"kind": "fail", "code": "Broken", "status": 500, "verb": "validate"},
            "passed",
            2,
        ),  # it changes nothing: asked again
        ({"kind": "throttle", "method": "POST", "retry_after": 0}, "passed", 2),
        ({"kind": "fail", "code": "AuthorizationFailed", "status": 403, "verb": "validate"}, "refused", 1),
    ],
)
def test_what_azure_may_answer_instead(programme: Programme, fault: dict, ends: str, sends: int) -> None:
    programme.wave("shop-net")
    wave = programme.unit("shop-net").placement.wave
    programme.fault(**fault, times=1)
    row = asked(programme, Scope(wave=wave), old_only=False)
    until(programme, row)
    item = row.items.get()
    assert (item.state, item.sends) == (ends, sends), item.why
    assert (item.unit.platform_answers.get(verb="validate").passed) == (ends == "passed")


def test_a_process_that_dies_in_between_costs_a_second_question_and_nothing_else(programme: Programme) -> None:
    programme.wave("shop-net")
    row = asked(programme, Scope(wave=programme.unit("shop-net").placement.wave), old_only=False)
    item = row.items.get()

    class Died(BaseException):
        pass

    class Dying:
        def __getattr__(self, name: str):
            return getattr(programme.gateway, name)

        def submit(self, *args, **kwargs):
            programme.gateway.submit(*args, **kwargs)
            raise Died

    programme.wrap = lambda _: Dying()
    with pytest.raises(Died):
        step(programme, item.pk)
    programme.wrap = lambda gateway: gateway
    turn()
    assert step(programme, item.pk) == "not due", "its lease holds"
    ValidatedUnit.objects.filter(pk=item.pk).update(lease_until=database_now() - timedelta(seconds=1))
    until(programme, row)
    assert states(row) == {"passed": 1}
    assert len(programme.posts("validate")) == 2
    assert PlatformAnswer.objects.filter(unit=item.unit, verb="validate").count() == 1


def test_an_answer_that_comes_when_another_owns_the_row_is_dropped(programme: Programme) -> None:
    programme.wave("shop-net")
    row = asked(programme, Scope(wave=programme.unit("shop-net").placement.wave), old_only=False)
    item = row.items.get()

    class Slow:
        def __getattr__(self, name: str):
            return getattr(programme.gateway, name)

        def submit(self, *args, **kwargs):
            answer = programme.gateway.submit(*args, **kwargs)
            ValidatedUnit.objects.filter(pk=item.pk).update(fence=item.fence + 5, lease_until=None)
            return answer

    programme.wrap = lambda _: Slow()
    assert step(programme, item.pk) == "lost the lease"
    assert not PlatformAnswer.objects.filter(unit=item.unit).exists()


def test_who_may_and_what_is_not_there(programme: Programme) -> None:
    with pytest.raises(Denied):
        runs.validate_many(ESTATE, by=programme.maya, now=database_now())
    wave = waves.create(name="Empty", owner="Maya", by=programme.maya, now=database_now())
    with pytest.raises(runs.NotYet, match="no unit in the wave “Empty”"):
        asked(programme, Scope(wave=wave))
    assert not Validation.objects.exists()


def test_excluded_units_are_counted_and_left_alone(programme: Programme) -> None:
    before = validations.reach(ESTATE, database_now())
    inventory.exclude(programme.unit("shop-net"), "a test", TEST, database_now())
    after = validations.reach(ESTATE, database_now())
    assert (after.excluded, after.wanted(False)) == (before.excluded + 1, before.wanted(False) - 1)
    row = asked(programme)
    assert row.units == after.wanted(True)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ("UPDATE tracker_validation SET asked_by = 'user:p-noor'", "never changes"),
        ("DELETE FROM tracker_validatedunit", "Cannot delete"),
        ("UPDATE tracker_validatedunit SET state = 'sent', ended_at = now(), due_at = NULL", "validated_end_is_whole"),
        ("UPDATE tracker_validatedunit SET unit_id = unit_id + 1", "never changes"),
        ("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE tracker_validatedunit", "append"),
    ],
)
def test_the_database_refuses(programme: Programme, order: str, code: str) -> None:
    asked(programme)
    with pytest.raises(DatabaseError, match=code), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(order)
