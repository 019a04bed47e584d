"""Waves: placing, submitting, the second person, the seal."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.inventory.models import Unit
from tracker.quota.actions import QuotaShort
from tracker.quota.models import Reservation
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries, seals
from tracker.waves.models import Approval, Decision, Placement, Wave


def test_placing_reserves_quota_moves_the_unit_and_tells_what_comes_along(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    unit = programme.unit("shop-net")
    assert unit.progress == "planned"
    assert Reservation.objects.filter(unit=unit, name="cores").get().amount > 0
    along = queries.forced_set(unit)
    assert {"shop-web", "shop-jobs"} <= {name for _, name, _ in along}
    assert all(reason for _, _, reason in along)
    placement = Placement.objects.get(unit=unit)
    waves.remove(placement, by=programme.maya, now=database_now())
    assert programme.unit("shop-net").progress == "assessed"
    assert not Reservation.objects.filter(unit=unit).exists()
    assert wave.placements.count() == 0


def test_a_blocked_unit_is_refused_by_the_names_of_its_rules(programme: Programme) -> None:
    with pytest.raises(waves.NotPlaceable, match="blocked by VNET-PEERING"):
        programme.wave("legacy-net")
    assert Placement.objects.count() == 0
    assert programme.unit("legacy-net").progress == "assessed"


def test_a_unit_short_of_quota_is_refused_with_the_numbers(programme: Programme) -> None:
    unit = Unit.objects.exclude(name__in=["shop-net", "legacy-net", "shopfiles"]).get()
    Unit.objects.filter(pk=unit.pk).update(verdict="unknown")  # the catalogue blocks it too; here the sum is asked
    with pytest.raises(QuotaShort, match=r"needs \d+, free -?\d+ \(limit \d+, in use \d+, reserved by waves \d+\)"):
        programme.wave(unit.name)
    assert not Reservation.objects.filter(unit=unit).exists()


def test_a_unit_is_in_one_wave_only(programme: Programme) -> None:
    first = programme.wave("shop-net")
    second = waves.create(name="Second", owner="Maya", by=programme.maya, now=database_now())
    with pytest.raises(waves.NotPlaceable, match=first.name):
        waves.place(second, programme.unit("shop-net"), by=programme.maya, now=database_now())


def test_submitting_names_everything_that_is_missing(programme: Programme) -> None:
    wave = waves.create(name="Empty", by=programme.maya, now=database_now())
    with pytest.raises(waves.NotReady) as caught:
        waves.submit(wave, by=programme.maya, now=database_now())
    for part in ("no units", "no owner", "no window"):
        assert part in str(caught.value)


def test_windows_must_make_sense(programme: Programme) -> None:
    wave = waves.create(name="Night", owner="Maya", by=programme.maya, now=database_now())
    now = database_now()
    with pytest.raises(waves.BadWindow, match="before it opens"):
        waves.set_window(wave, opens_at=now, closes_at=now - timedelta(hours=1), by=programme.maya, now=now)
    with pytest.raises(waves.BadWindow, match="already over"):
        waves.set_window(
            wave, opens_at=now - timedelta(hours=2), closes_at=now - timedelta(hours=1), by=programme.maya, now=now
        )


def test_names_are_unique_whatever_the_case(programme: Programme) -> None:
    waves.create(name="Night", by=programme.maya, now=database_now())
    with pytest.raises(waves.NameTaken):
        waves.create(name=" night ", by=programme.maya, now=database_now())


def test_nobody_approves_what_they_asked_for(programme: Programme) -> None:
    """The action says so; and the database refuses it whatever the code path."""
    wave = programme.wave("shop-net")
    approval = waves.submit(wave, by=programme.maya, now=database_now())
    with pytest.raises(Denied):  # her role may not approve at all
        waves.approve(approval, digest=approval.digest, by=programme.maya, now=database_now())
    Approval.objects.filter(pk=approval.pk)
    for person in (programme.maya,):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            Decision.objects.create(
                approval=approval, approver=person, approved=True, digest=approval.digest, decided_at=database_now()
            )
        assert caught.value.__cause__.sqlstate == "P0F08"


def test_an_engineer_who_asked_for_a_commit_cannot_approve_it(programme: Programme) -> None:
    from tracker.runs import actions as runs

    run = programme.prepared()
    approval = runs.request_commit(run, by=programme.tomas, now=database_now())
    with pytest.raises(waves.OwnRequest, match="another person"):
        waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())
    with pytest.raises(waves.NotOpen):
        waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())


def test_one_person_is_one_approval_even_in_sql(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    approval = waves.submit(wave, by=programme.maya, now=database_now())
    waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Decision.objects.create(
            approval=approval,
            approver=programme.tomas,
            approved=True,
            digest=approval.digest,
            decided_at=database_now(),
        )
    assert caught.value.__cause__.sqlstate == "23505"


@pytest.mark.parametrize(
    "change",
    [
        "body = body || ' '",
        "digest = repeat('0', 64)",
        "requester_id = editor_id + 1",
        "needed = 0",
        "wave_id = wave_id + 1",
    ],
)
def test_an_approval_never_changes(programme: Programme, change: str) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE tracker_approval SET {change} WHERE id = %s", [approval.pk])
    assert caught.value.__cause__.sqlstate == "P0F07"


def test_changing_the_wave_voids_what_was_agreed(programme: Programme) -> None:
    wave = programme.approved("shop-net")
    approval = queries.open_wave_approval(wave)
    assert queries.approval_state(approval, database_now()) is queries.ApprovalState.APPROVED
    waves.place(wave, programme.unit("shopfiles"), by=programme.maya, now=database_now())
    approval.refresh_from_db()
    assert approval.void_reason == "shopfiles was placed"
    assert queries.open_wave_approval(wave) is None


def test_a_decision_needs_the_digest_that_was_shown(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    with pytest.raises(waves.PlanChanged, match="reload"):
        waves.approve(approval, digest="0" * 64, by=programme.tomas, now=database_now())
    assert approval.decisions.count() == 0


def test_what_moved_since_is_named_when_approving(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    unit = programme.unit("shop-net")
    member = unit.members.first()
    type(member).objects.filter(pk=member.pk).update(digest="f" * 64)
    with pytest.raises(waves.PlanChanged) as caught:
        waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    assert any("members" in line for line in caught.value.moved)


def test_a_rejection_needs_a_reason_and_ends_it(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    with pytest.raises(waves.WaveError, match="reason"):
        waves.reject(approval, digest=approval.digest, reason=" ", by=programme.tomas, now=database_now())
    waves.reject(approval, digest=approval.digest, reason="wrong week", by=programme.tomas, now=database_now())
    assert queries.approval_state(approval, database_now()) is queries.ApprovalState.REJECTED
    with pytest.raises(waves.NotOpen):
        waves.approve(approval, digest=approval.digest, by=programme.aiko, now=database_now())


def test_waiting_on_me_is_what_i_can_decide(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    assert list(queries.waiting_on(programme.tomas, database_now())) == [approval]
    waves.approve(approval, digest=approval.digest, by=programme.tomas, now=database_now())
    assert list(queries.waiting_on(programme.tomas, database_now())) == []
    assert list(queries.waiting_on(programme.aiko, database_now())) == []


def test_the_seal_is_over_the_bytes_that_were_shown(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    assert seals.seal(approval.body) == approval.digest
    assert seals.canonical(json.loads(approval.body)) == approval.body
    assert Wave.objects.count() == 1
