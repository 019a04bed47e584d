"""A rehearsal: Validate, Prepare, compare, Abort, asked for as one thing; never a Commit."""

import pytest

from migrator.resources import Verb
from tests.tracker.runs.programme import Programme
from tests.tracker.runs.test_doubt import Dying, Killed
from tests.tracker.runs.test_refusals import arm, refused
from tracker.audit.models import Event
from tracker.audit.values import uuid7
from tracker.runs import actions as runs
from tracker.runs import rehearsals
from tracker.runs.actions import steps
from tracker.runs.models import Ask, Difference, Operation, Purpose, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves


def rehearsal(programme: Programme) -> Run:
    wave = programme.approved("shop-net")
    [run] = runs.start_all(wave, by=programme.tomas, now=database_now(), purpose=Purpose.REHEARSAL).runs
    return run


def back_again(programme: Programme, run: Run) -> None:
    """The unit is as it was, and each verb reached the platform once."""
    unit = programme.unit("shop-net")
    assert (run.outcome, unit.progress, unit.locked_since) == ("rehearsed", "planned", None)
    assert [len(programme.posts(verb)) for verb in ("validate", "prepare", "abort", "commit")] == [1, 1, 1, 0]


def test_a_rehearsal_goes_there_and_back_by_itself_and_keeps_what_it_found(programme: Programme) -> None:
    run = rehearsal(programme)
    programme.until(run, lambda: run.ended_at is not None)
    back_again(programme, run)
    assert run.comparison.same > 0
    assert list(Ask.objects.order_by("id").values_list("verb", "by", "by_id").distinct()) == [
        (verb, programme.tomas.actor.key, programme.tomas.pk) for verb in ("validate", "prepare", "abort")
    ]
    assert all(o.armed_at < o.ended_at for o in Operation.objects.filter(run=run))
    # the history tells the person's wish from what the engine did with it
    told = Event.objects.filter(type="run.asked").order_by("at", "id").values_list("actor", flat=True)
    assert list(told) == [programme.tomas.actor.key, "system:engine", "system:engine"]


def test_the_real_run_follows_and_its_own_comparison_stands_beside_the_rehearsal(programme: Programme) -> None:
    first = rehearsal(programme)
    programme.until(first, lambda: first.ended_at is not None)
    run = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    assert run.purpose == Purpose.MIGRATION
    programme.until(run, lambda: run.state == "validated")
    assert Ask.objects.filter(run=run).count() == 1  # a migration waits for a person
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")
    assert not Ask.objects.filter(run=run, verb="abort").exists()
    assert run.comparison.pk != first.comparison.pk
    # everything the rehearsal showed is there again, and nothing else
    found = rehearsals.against(run)
    assert found is not None and found.run == first
    assert len(found.like) == run.differences.exclude(kind="same").count() > 0
    assert (found.new, found.gone) == (frozenset(), [])
    gone, new = found.like[min(found.like)], run.differences.get(pk=max(found.like))
    Difference.objects.filter(pk=new.pk).update(after="something else")
    again = rehearsals.against(run)
    assert again is not None and again.new == {new.pk} and found.like[new.pk].pk in {row.pk for row in again.gone}
    assert gone.run_id == first.pk
    assert rehearsals.against(first) is None, "nothing was rehearsed before it"


def test_differences_are_decided_after_a_rehearsal_and_not_after_an_aborted_migration(programme: Programme) -> None:
    first = rehearsal(programme)
    programme.until(first, lambda: first.ended_at is not None)
    made = {"classic_key": first.unit.key, "field": "dhcp", "before": "A", "after": "B", "kind": "unexpected"}
    row = Difference.objects.create(run=first, **made)
    runs.dispose(row, disposition="It is set again.", by=programme.aiko, now=database_now())
    run = runs.start(programme.unit("shop-net"), by=programme.tomas, now=database_now())
    programme.until(run, lambda: run.state == "validated")
    programme.ask(run, "prepare")
    programme.until(run, lambda: run.state == "prepared")
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    row = Difference.objects.create(run=run, **made)
    with pytest.raises(runs.Illegal, match="nobody decides by it any more"):
        runs.dispose(row, disposition="It is set again.", by=programme.aiko, now=database_now())


def test_what_a_rehearsal_told_is_shown_of_the_unit_the_wave_and_in_expectations(programme: Programme) -> None:
    unit = programme.unit("shop-net")
    assert rehearsals.told(unit.pk) is None
    assert "not measured here yet" in rehearsals.expected_lock([unit])
    run = rehearsal(programme)
    programme.until(run, lambda: run.ended_at is not None)
    found = rehearsals.told(unit.pk)
    assert found is not None and found.run == run
    assert found.prepare is not None and found.abort is not None and found.locked is not None
    assert found.locked > 0 and found.unexpected == run.comparison.unexpected
    assert rehearsals.of_wave(run.wave_id) == [run]
    assert "It is expected to be locked for about" in rehearsals.expected_lock([unit])
    assert "For 1 of them nothing was measured" in rehearsals.expected_lock([unit, programme.unit("shopfiles")])


@pytest.mark.parametrize("after", [False, True], ids=["before-it-arrived", "after-it-was-answered"])
def test_a_worker_killed_around_the_abort_neither_loses_nor_doubles_it(programme: Programme, after: bool) -> None:
    run = rehearsal(programme)
    dying = Dying(programme.gateway, Verb.ABORT, after=after)
    programme.wrap = lambda _: dying
    with pytest.raises(Killed):
        programme.until(run, lambda: run.ended_at is not None)
    programme.until(run, lambda: run.ended_at is not None, seconds=30)
    back_again(programme, run)


def frozen_before_abort(programme: Programme) -> Run:
    run = rehearsal(programme)
    waves.freeze("verb:abort", reason="Incident 4711.", by=programme.tomas, now=database_now())
    return programme.until(run, lambda: run.state == "prepared" and run.waiting_code == "frozen")


def test_a_frozen_abort_says_why_it_waits_and_nobody_commits_meanwhile(programme: Programme) -> None:
    run = frozen_before_abort(programme)
    assert "Incident 4711." in run.waiting_for
    assert programme.posts("abort") == []
    with pytest.raises(runs.Illegal, match="is a rehearsal"):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    with pytest.raises(runs.NotYet, match="is a rehearsal"):
        programme.ask(run, "commit", seal="0" * 64)


def test_the_database_itself_arms_no_commit_of_a_rehearsal(programme: Programme) -> None:
    run = frozen_before_abort(programme)
    refused("P0F15", "UPDATE tracker_run SET purpose = 'migration' WHERE id = %s", [run.pk])
    Operation.objects.filter(run=run, verb="abort").update(state="cancelled", ended_at=database_now())
    Run.objects.filter(pk=run.pk).update(due_at=database_now(), lease_until=None)
    claim = steps._claim(str(run.pk), programme.timings)
    assert claim is not None
    claimed = claim.run()
    ask = Ask.objects.filter(run=run).last()
    now = database_now()
    Operation.objects.create(id=uuid7(now), run=run, ask=ask, verb="commit", created_at=now)
    refused("P0F25", *arm(claimed))


def test_a_prepare_that_fails_is_left_to_a_person_and_is_no_rehearsal(programme: Programme) -> None:
    programme.fault("operation-fails", verb="prepare", code="E28", keeps_lock=True)
    run = rehearsal(programme)
    programme.until(run, lambda: run.attention.startswith("Prepare failed"))
    assert programme.posts("abort") == []
    programme.ask(run, "abort")
    programme.until(run, lambda: run.ended_at is not None)
    assert (run.outcome, programme.unit("shop-net").progress) == ("aborted", "planned")


def test_an_abort_that_fails_is_told_and_tried_again(programme: Programme) -> None:
    programme.fault("operation-fails", verb="abort", code="E28", keeps_lock=True)
    run = rehearsal(programme)
    programme.until(run, lambda: run.attention.startswith("Abort failed and will be retried"))
    programme.until(run, lambda: run.ended_at is not None, seconds=20)
    assert run.outcome == "rehearsed"
