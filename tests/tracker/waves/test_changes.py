"""Waves: words, submitting again, stopping the line, freezing, and what the pages ask."""

from datetime import timedelta

import pytest

from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.inventory.models import Resource, Unit
from tracker.quota.models import Reservation, Usage
from tracker.readiness.models import Finding
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.models import Approval, Freeze, Wave


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "two\nlines", "x" * 121, "left\u202eright", "twin\u200d"])
def test_a_name_that_cannot_be_used_is_refused_with_a_sentence(programme: Programme, name: str) -> None:
    with pytest.raises(waves.WaveError, match="name"):
        waves.create(name=name, by=programme.maya, now=database_now())
    assert Wave.objects.count() == 0


def test_two_spellings_of_one_name_are_one_name(programme: Programme) -> None:
    waves.create(name="Ko\u0308ln", by=programme.maya, now=database_now())
    with pytest.raises(waves.NameTaken):
        waves.create(name="K\u00f6ln", by=programme.maya, now=database_now())


def test_the_same_words_again_void_nothing(programme: Programme) -> None:
    wave = programme.approved("shop-net")
    waves.change(wave, name=wave.name, purpose="", owner="Maya", by=programme.maya, now=database_now())
    assert queries.open_wave_approval(wave) is not None
    assert not Event.objects.filter(type="wave.changed").exists()
    waves.change(wave, name=wave.name, purpose="", owner="Tomas", by=programme.maya, now=database_now())
    assert queries.open_wave_approval(wave) is None
    assert Approval.objects.get().void_reason == "its owner was changed"


def test_a_rejected_wave_can_be_submitted_again_and_the_old_answer_stays(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    first = waves.submit(wave, by=programme.maya, now=database_now())
    with pytest.raises(waves.NotReady, match="already been submitted"):
        waves.submit(wave, by=programme.maya, now=database_now())
    waves.reject(first, digest=first.digest, reason="wrong week", by=programme.tomas, now=database_now())
    second = waves.submit(wave, by=programme.maya, now=database_now())
    first.refresh_from_db()
    assert first.void_reason == "submitted again, because it is rejected"
    assert queries.open_wave_approval(wave) == second


def test_a_waiting_approval_that_no_longer_matches_can_be_replaced(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    first = waves.submit(wave, by=programme.maya, now=database_now())
    Resource.objects.filter(unit=programme.unit("shop-net")).update(digest="f" * 64)
    second = waves.submit(wave, by=programme.maya, now=database_now())
    first.refresh_from_db()
    assert first.voided_at is not None
    assert "no longer matches" in first.void_reason
    assert second.pk != first.pk


def test_a_given_approval_is_replaced_only_when_a_unit_not_begun_moved(programme: Programme) -> None:
    wave = programme.approved("shop-net")
    with pytest.raises(waves.NotReady):
        waves.submit(wave, by=programme.maya, now=database_now())
    Resource.objects.filter(unit=programme.unit("shop-net")).update(digest="f" * 64)
    waves.submit(wave, by=programme.maya, now=database_now())
    assert Approval.objects.filter(wave=wave, voided_at__isnull=True).count() == 1


def test_an_expired_approval_is_replaced_without_touching_the_wave(programme: Programme) -> None:
    wave = programme.wave("shop-net", closes=24 * 60)
    waves.submit(wave, by=programme.maya, now=database_now())
    later = database_now() + timedelta(days=31)
    assert queries.approval_state(queries.open_wave_approval(wave), later) == "expired"
    waves.submit(wave, by=programme.maya, now=later)
    assert Approval.objects.filter(wave=wave).count() == 2


def test_the_line_stops_with_a_reason_once_and_goes_on_once(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    with pytest.raises(waves.WaveError, match="why the line stops"):
        waves.stop_line(wave, reason="  ", by=programme.tomas, now=database_now())
    with pytest.raises(waves.NotStopped, match="not stopped"):
        waves.resume_line(wave, by=programme.tomas, now=database_now())
    waves.stop_line(wave, reason="payment incident", by=programme.tomas, now=database_now())
    with pytest.raises(waves.NotStopped, match="already stopped"):
        waves.stop_line(wave, reason="another", by=programme.tomas, now=database_now())
    wave.refresh_from_db()
    assert wave.stop_reason == "payment incident"
    waves.resume_line(wave, reason="incident is over", by=programme.tomas, now=database_now())
    wave.refresh_from_db()
    assert (wave.stopped_at, wave.stop_reason) == (None, "")
    with pytest.raises(Denied):
        waves.stop_line(wave, reason="x", by=programme.noor, now=database_now())


@pytest.mark.parametrize("scope", ["", "verb:explode", "subscription:unknown", "subscription:\x00", "everything"])
def test_only_what_exists_can_be_frozen(programme: Programme, scope: str) -> None:
    with pytest.raises(waves.BadScope):
        waves.freeze(scope, reason="why", by=programme.maya, now=database_now())
    assert not Freeze.objects.filter(frozen=True).exists()


def test_lifting_takes_two_people_and_keeps_who_froze_until_then(programme: Programme) -> None:
    for scope in ("all", "verb:commit", f"subscription:{programme.subscription.pk}"):
        waves.freeze(scope, reason="payroll", by=programme.maya, now=database_now())
        assert waves.lift(scope, by=programme.maya, now=database_now()) is False
        with pytest.raises(waves.NotFrozen, match="another person"):
            waves.lift(scope, by=programme.maya, now=database_now())
        row = Freeze.objects.get(scope=scope)
        assert (row.frozen, row.changed_by, row.lift_asked_by) == (True, programme.maya.actor.key, row.changed_by)
        assert waves.lift(scope, by=programme.tomas, now=database_now()) is True
        row.refresh_from_db()
        assert (row.frozen, row.changed_by) == (False, programme.tomas.actor.key)
        with pytest.raises(waves.NotFrozen, match="already lifted"):
            waves.lift(scope, by=programme.aiko, now=database_now())


def test_looking_at_the_evidence_is_told_once_for_each_person_and_approval(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net"), by=programme.maya, now=database_now())
    assert waves.viewed(approval, by=programme.aiko, now=database_now()) is True
    assert waves.viewed(approval, by=programme.aiko, now=database_now()) is False
    assert waves.viewed(approval, by=programme.noor, now=database_now()) is True
    told = Event.objects.filter(type="evidence.viewed").order_by("id")
    assert [event.actor for event in told] == [programme.aiko.actor.key, programme.noor.actor.key]


def test_states_computed_by_the_database_are_those_of_the_function(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    now = database_now()
    approvals = [waves.submit(wave, by=programme.maya, now=now)]
    waves.reject(approvals[0], digest=approvals[0].digest, reason="no", by=programme.tomas, now=now)
    approvals.append(waves.submit(wave, by=programme.maya, now=now))
    waves.approve(approvals[1], digest=approvals[1].digest, by=programme.tomas, now=now)
    for at in (now, now + timedelta(days=31)):
        listed = {row.pk: row for row in queries.approvals(at)}
        for pk, row in listed.items():
            assert row.state == queries.approval_state(row, at), (pk, at)
    [decision] = approvals[1].decisions.all()
    waves.revoke(decision, reason="too early", by=programme.tomas, now=now)
    assert queries.approvals(now).get(pk=approvals[1].pk).state == "pending"


def test_sections_cost_the_same_for_one_unit_and_for_many(
    programme: Programme, django_assert_num_queries: object
) -> None:
    units = list(Unit.objects.all())
    with django_assert_num_queries(1):  # type: ignore[operator]
        many = queries.unit_sections(units)
    for unit in units:
        assert queries.unit_sections([unit])[unit.key] == many[unit.key]
    assert many[programme.unit("shop-net").key]["findings"]


def test_drift_of_one_unit_does_not_read_the_others(programme: Programme) -> None:
    approval = waves.submit(programme.wave("shop-net", "shopfiles"), by=programme.maya, now=database_now())
    shop, files = programme.unit("shop-net"), programme.unit("shopfiles")
    Finding.objects.filter(unit=files, effect="dropped").update(outcome="yes")
    Resource.objects.filter(unit=files).update(digest="f" * 64)
    drifts = queries.unit_drifts(approval, [shop, files])
    assert drifts[shop.pk] == []
    assert any("members" in line for line in drifts[files.pk])
    assert queries.wave_drift(approval, files) == drifts[files.pk]


def test_objections_name_everything_at_once(programme: Programme) -> None:
    unit = programme.unit("legacy-net")
    Unit.objects.filter(pk=unit.pk).update(gone_at=database_now())
    unit.refresh_from_db()
    said = queries.objections(unit)
    assert any("blocked by VNET-PEERING" in line for line in said)
    assert any("no longer on the classic side" in line for line in said)
    assert queries.objections(programme.unit("shopfiles")) == []


def test_quota_lines_count_every_wave_and_no_prepared_copy_twice(programme: Programme) -> None:
    wave = programme.wave("shop-net")
    [cores] = [line for line in queries.quota_lines([wave])[wave.pk] if line.name == "cores"]
    usage = Usage.objects.get(region=cores.region, name="cores")
    assert cores.amount == cores.reserved == Reservation.objects.get(name="cores").amount
    assert cores.free == usage.limit - usage.current - cores.amount
    assert cores.short == 0
    Usage.objects.filter(pk=usage.pk).update(limit=usage.current + cores.amount - 3)
    [cores] = [line for line in queries.quota_lines([wave])[wave.pk] if line.name == "cores"]
    assert cores.short == 3
    Usage.objects.filter(pk=usage.pk).delete()
    [cores] = [line for line in queries.quota_lines([wave])[wave.pk] if line.name == "cores"]
    assert (cores.free, cores.short) == (None, None)
    assert queries.quota_lines([]) == {}
    read = database_now()
    Usage.objects.create(
        subscription_id=cores.subscription_id, region=cores.region, provider=cores.provider, name="cores",
        current=8, limit=10, read_at=read,
    )  # fmt: skip
    Unit.objects.filter(name="shop-net").update(progress="prepared", locked_since=read - timedelta(minutes=5))
    assert not [line for line in queries.quota_lines([wave])[wave.pk] if line.name == "cores"]
    Unit.objects.filter(name="shop-net").update(locked_since=read + timedelta(minutes=5))
    assert [line for line in queries.quota_lines([wave])[wave.pk] if line.name == "cores"]
