"""A whole wave at once, and the approval of a commit."""

from datetime import timedelta

import pytest

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.inventory.models import Resource
from tracker.runs import actions as runs
from tracker.runs.models import Ask, Run
from tracker.runs.queries import database_now
from tracker.waves import actions as waves


def test_all_planned_units_of_a_wave_start_and_nothing_twice(programme: Programme) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    done = runs.start_all(wave, by=programme.tomas, now=database_now())
    assert sorted(run.unit.name for run in done.runs) == ["shop-net", "shopfiles"]
    assert done.left_out == []
    with pytest.raises(runs.NotYet, match="No unit of this wave is planned"):
        runs.start_all(wave, by=programme.tomas, now=database_now())
    assert Run.objects.count() == 2


def test_what_cannot_start_is_named_and_the_others_go(programme: Programme) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    member = Resource.objects.filter(unit=programme.unit("shopfiles"))
    member.update(digest="f" * 64)
    done = runs.start_all(wave, by=programme.tomas, now=database_now())
    assert [run.unit.name for run in done.runs] == ["shop-net"]
    [(name, sentence)] = done.left_out
    assert name == "shopfiles"
    assert "no longer matches" in sentence


def test_a_wave_that_is_not_approved_does_not_start(programme: Programme) -> None:
    wave = programme.wave("shop-net", "shopfiles")
    with pytest.raises(runs.NotYet, match="not approved"):
        runs.start_all(wave, by=programme.tomas, now=database_now())
    with pytest.raises(Denied):
        runs.start_all(wave, by=programme.maya, now=database_now())
    assert Run.objects.count() == 0


def test_prepare_is_asked_for_every_validated_unit_once(programme: Programme) -> None:
    wave = programme.approved("shop-net", "shopfiles")
    started = runs.start_all(wave, by=programme.tomas, now=database_now()).runs
    with pytest.raises(runs.NotYet, match="No unit of this wave is validated"):
        runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    for run in started:
        programme.until(run, lambda run=run: run.state == "validated")
    done = runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    assert len(done.runs) == 2
    with pytest.raises(runs.NotYet, match="was asked for"):
        runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    assert Ask.objects.filter(verb="prepare").count() == 2


def test_a_closed_window_is_the_reason_nothing_is_prepared(programme: Programme) -> None:
    wave = programme.approved("shop-net", opens=5, closes=6)
    [run] = runs.start_all(wave, by=programme.tomas, now=database_now()).runs
    programme.until(run, lambda: run.state == "validated")
    with pytest.raises(runs.NotYet, match="window"):
        runs.ask_all(wave, "prepare", by=programme.tomas, now=database_now())
    assert not Ask.objects.filter(verb="prepare").exists()


def test_commit_is_never_asked_for_all_at_once(programme: Programme) -> None:
    with pytest.raises(runs.NotYet, match="unit by unit"):
        runs.ask_all(programme.approved("shop-net"), "commit", by=programme.tomas, now=database_now())


def test_a_commit_that_moved_since_it_was_asked_for_is_not_approved(programme: Programme) -> None:
    run = programme.prepared()
    approval = runs.request_commit(run, by=programme.tomas, now=database_now())
    run.wave.windows.update(closes_at=database_now() + timedelta(hours=9))
    with pytest.raises(waves.PlanChanged) as caught:
        runs.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    assert any("windows" in line for line in caught.value.moved)
    assert approval.decisions.count() == 0
    again = runs.request_commit(run, by=programme.tomas, now=database_now())
    runs.approve(again, digest=again.digest, by=programme.aiko, now=database_now())
    assert again.decisions.count() == 1


def test_who_accepted_a_difference_is_part_of_the_seal(programme: Programme) -> None:
    run = programme.prepared()
    difference = run.differences.first()
    type(difference).objects.filter(pk=difference.pk).update(kind="unexpected")
    with pytest.raises(runs.NotYet, match="disposition"):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    difference.refresh_from_db()
    runs.dispose(difference, disposition="seen and fine", by=programme.aiko, now=database_now())
    body = waves.shown(runs.request_commit(run, by=programme.tomas, now=database_now()))
    assert body["dispositions"][0]["by"] == programme.aiko.actor.key
    assert body["dispositions"][0]["disposition"] == "seen and fine"


def test_an_approval_that_still_serves_is_not_asked_for_again(programme: Programme) -> None:
    """Asking anew voids what was agreed; a second click, or a script, must not throw an agreement away."""
    run = programme.prepared()
    approval = runs.request_commit(run, by=programme.tomas, now=database_now())
    with pytest.raises(runs.Illegal, match="waits for another person"):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    runs.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    with pytest.raises(runs.Illegal, match="approved"):
        runs.request_commit(run, by=programme.tomas, now=database_now())
    approval.refresh_from_db()
    assert approval.voided_at is None
