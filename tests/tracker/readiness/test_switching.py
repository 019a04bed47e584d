"""Previewing and switching on a catalogue: what it says beforehand, who may, when not, and that a killed worker costs
nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import pytest
from django.db import connection, transaction

from migrator import readiness
from migrator.readiness import Verdict
from tests.live_database import emptied_for_real  # noqa: F401 - what a test commits is thrown away
from tests.tracker.inventory.azure import BY, Azure, Clock
from tests.tracker.readiness.catalogues import but, made, release, without
from tests.tracker.readiness.test_assess import enough, events, finding, read, validated, versions
from tests.tracker.readiness.test_catalogue import assessed
from tests.web.conftest import person
from tracker.accounts.actions import Denied
from tracker.accounts.models import User
from tracker.accounts.permissions import Role
from tracker.accounts.reasons import BadReason
from tracker.inventory.models import Unit
from tracker.readiness import catalogue, previews
from tracker.readiness.actions import (
    NothingWaits,
    PreviewNeeded,
    StillSwitching,
    advance_catalogue,
    assess,
    know_catalogue,
    knowing,
    preview_catalogue,
    switch_on,
    switching,
    walking,
)
from tracker.readiness.actions import storing as storage
from tracker.readiness.catalogue_models import AnsweredAhead, CatalogueEffect, CatalogueVersion, CatalogueWork
from tracker.readiness.models import Assessment

pytestmark = pytest.mark.django_db
WHY = "It holds what Azure published last week."


@pytest.fixture
def maya(db: None) -> User:
    return person("maya", Role.PROGRAMME_MANAGER)


@pytest.fixture
def units(azure: Azure, clock: Clock) -> dict[str, Unit]:
    """Assessed; the account is validated and ready."""
    found = assessed(azure, clock)
    validated(found["smallstore"], clock)
    return found


def brought(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> str:
    """A release: a rule that blocks everything is new, one is gone, one is stricter."""
    version = release(monkeypatch, [*without("CS-AUTOSCALE"), made("NEW-ONE")])
    know_catalogue(clock())
    return version


def walked(clock: Clock) -> str:
    [work] = CatalogueWork.objects.filter(state="running")
    return advance_catalogue(work.pk, clock=clock)


def previewed(maya: User, clock: Clock) -> CatalogueWork:
    work = preview_catalogue(by=maya, now=clock())
    walked(clock)
    work.refresh_from_db()
    return work


def test_a_preview_says_what_would_move_and_stores_no_finding(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = brought(clock, monkeypatch)
    kept = {name: rows for name, rows in versions().items() if name != "event"}
    work = previewed(maya, clock)
    assert {name: rows for name, rows in versions().items() if name != "event"} == kept
    assert (work.state, work.units, work.total) == ("done", 3, 3)
    told = {one.unit.name: one for one in previews.effects(work).select_related("unit")}
    assert set(told) == set(units)
    account, network = told["smallstore"], told["small-net"]
    assert account.verdict_before in (Verdict.READY, Verdict.READY_WITH_CHANGE)
    assert account.verdict_after == Verdict.BLOCKED
    assert account.score_after == account.score_before - 30
    assert account.came == [{"rule": "NEW-ONE", "effect": "blocks", "outcome": "yes"}]
    assert account.went == []
    assert [one["rule"] for one in network.went] == ["CS-AUTOSCALE"]
    summary = previews.summary(work)
    assert (summary.touched, summary.moved) == (3, 3)
    assert sum(cell.units for cell in summary.row("unknown")) == 2
    [asked], [done] = events("readiness.catalogue_preview_asked"), events("readiness.catalogue_previewed")
    assert asked["actor"] == maya.actor.key
    assert (done["detail"]["changed"], done["detail"]["verdicts"]) == (3, 3)
    assert done["detail"]["version"] == version


def test_a_catalogue_only_worded_anew_moves_nothing(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = release(monkeypatch, but("CS-EMPTY", statement="In other words."))
    work = previewed(maya, clock)
    assert previews.summary(work).touched == 0
    switch_on(version, reason=WHY, by=maya, now=clock())
    assert catalogue.in_force_version() == version


def test_switching_on_puts_it_in_force_and_assesses_every_unit(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = readiness.catalogue_version
    version = brought(clock, monkeypatch)
    work = previewed(maya, clock)
    expected = {one.unit_id: (one.verdict_after, one.score_after, one.digest) for one in previews.effects(work)}
    switch_on(version, reason=f"  {WHY}\n", by=maya, now=clock())
    row = catalogue.in_force()
    assert row is not None
    assert (row.version, row.switched_on_by, row.reason) == (version, maya.actor.key, WHY)
    assert catalogue.waiting() is None
    [event] = events("readiness.catalogue_switched_on")
    assert (event["detail"]["before"], event["detail"]["verdicts"], event["detail"]["new"]) == (before, 3, 1)
    assert WHY not in str(event), "a reason is private"
    assert walked(clock) == "done: 3 units"
    for unit in Unit.objects.all():
        newest = Assessment.objects.filter(unit=unit).latest("pk")
        assert newest.catalogue_version == version
        assert (newest.verdict, newest.score, newest.digest) == expected[unit.pk], "what the preview said came"
    assert finding(units["smallstore"], "NEW-ONE").outcome == "yes"
    [followed] = events("readiness.catalogue_followed")
    assert (followed["detail"]["units"], followed["detail"]["changed"]) == (3, 3)


def test_a_locked_unit_is_assessed_in_the_same_breath(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Unit.objects.filter(name="smallstore").update(locked_since=clock(), progress="prepared")
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    switch_on(version, reason=WHY, by=maya, now=clock())
    locked, other = Unit.objects.get(name="smallstore"), Unit.objects.get(name="small-tool")
    assert locked.verdict == Verdict.BLOCKED, "a commit that is armed now sees it"
    assert other.verdict == Verdict.UNKNOWN, "the others follow by task"
    [event] = events("readiness.catalogue_switched_on")
    assert event["detail"]["locked"] == 1


def test_it_is_refused_without_a_preview_with_a_stale_one_or_while_one_runs(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = brought(clock, monkeypatch)
    with pytest.raises(PreviewNeeded, match="Nobody has looked"):
        switch_on(version, reason=WHY, by=maya, now=clock())
    work = preview_catalogue(by=maya, now=clock())
    with pytest.raises(PreviewNeeded, match="still under way"):
        switch_on(version, reason=WHY, by=maya, now=clock())
    walked(clock)
    Unit.objects.filter(name="small-tool").update(changed_at=clock())
    with pytest.raises(PreviewNeeded, match="1 unit has changed since"):
        switch_on(version, reason=WHY, by=maya, now=clock())
    validated(units["small-net"], clock)
    assert previews.moved_since(work) == 2, "a unit whose findings changed counts too"
    again = previewed(maya, clock)
    assert (again.pk, again.units, again.total) == (work.pk, 2, 2), "only what moved is looked at again"
    assert previews.summary(again).touched == 3
    switch_on(version, reason=WHY, by=maya, now=clock())
    assert catalogue.in_force_version() == version


def test_it_is_refused_to_others_without_a_reason_and_for_another_catalogue_than_shown(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = readiness.catalogue_version
    with pytest.raises(NothingWaits, match="is in force"):
        preview_catalogue(by=maya, now=clock())
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    for role in (Role.ENGINEER, Role.AUDITOR):
        other = person(f"p-{role}", role)
        with pytest.raises(Denied, match="You may not switch on another catalogue"):
            switch_on(version, reason=WHY, by=other, now=clock())
        with pytest.raises(Denied):
            preview_catalogue(by=other, now=clock())
    for reason in ("", "  \n ", "x" * 1001, "a\x00b"):
        with pytest.raises(BadReason):
            switch_on(version, reason=reason, by=maya, now=clock())
    with pytest.raises(NothingWaits, match="not the one you were shown"):
        switch_on("0" * 64, reason=WHY, by=maya, now=clock())
    assert catalogue.in_force_version() == before
    switch_on(version, reason=WHY, by=person("ada-min", Role.ADMINISTRATOR), now=clock())
    with pytest.raises(NothingWaits, match="is in force"):
        switch_on(version, reason=WHY, by=maya, now=clock())


def test_another_switch_waits_for_the_end_of_the_first(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    switch_on(version, reason=WHY, by=maya, now=clock())
    third = release(monkeypatch, without("NEW-ONE"))
    know_catalogue(clock())
    preview = preview_catalogue(by=maya, now=clock())
    advance_catalogue(preview.pk, clock=clock)
    with pytest.raises(StillSwitching, match="still being assessed"):
        switch_on(third, reason=WHY, by=maya, now=clock())


def test_going_back_to_a_former_catalogue_is_a_switch_like_any_other(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = readiness.catalogue_version
    before = {unit.pk: (unit.verdict, unit.score) for unit in Unit.objects.all()}
    with monkeypatch.context() as patch:
        version = brought(clock, patch)
        previewed(maya, clock)
        switch_on(version, reason=WHY, by=maya, now=clock())
        walked(clock)
    know_catalogue(clock())
    assert catalogue.waiting() is not None, "the release was taken back, what is in force was not"
    previewed(maya, clock)
    switch_on(first, reason="The release was taken back.", by=maya, now=clock())
    walked(clock)
    assert {unit.pk: (unit.verdict, unit.score) for unit in Unit.objects.all()} == before
    assert list(CatalogueVersion.objects.order_by("pk").values_list("version", flat=True)) == [first, version, first]


def test_an_assessment_that_began_before_the_switch_writes_nothing_after_it(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    old = catalogue.standing()
    assert old is not None
    switch_on(version, reason=WHY, by=maya, now=clock())
    walked(clock)
    before = versions()
    pile = storage.Pile()
    assert storage.store(units["small-net"].subscription_id, pile, old, BY, clock()) == 0
    assert versions() == before


def test_what_was_answered_ahead_is_in_force_after_the_switch(
    azure: Azure, maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(azure, clock)
    assess(list(Unit.objects.exclude(name="small-tool")), now=clock(), by=BY, shortfalls=enough())
    version = release(monkeypatch, but("SUB-REG-MIGRATE", revision=99))
    assess(None, now=clock(), by=BY, shortfalls=enough())
    assert AnsweredAhead.objects.filter(unit__name="small-tool").exists()
    previewed(maya, clock)
    switch_on(version, reason=WHY, by=maya, now=clock())
    walked(clock)
    release(monkeypatch, without("SUB-REG-MIGRATE"))
    before = {name: rows for name, rows in versions().items() if name != "event"}
    assert assess(None, now=clock(), by=BY).changed == 0
    assert {name: rows for name, rows in versions().items() if name != "event"} == before


class Killed(BaseException):
    """What SIGKILL does: nothing after it runs."""


def test_a_preview_goes_on_where_its_worker_was_killed(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(clock, monkeypatch)
    monkeypatch.setattr(walking, "STEP", 1)
    work = preview_catalogue(by=maya, now=clock())
    real, steps = walking._effects, []

    def dies(*given: object) -> list[CatalogueEffect]:
        steps.append(1)
        if len(steps) == 2:
            raise Killed
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(walking, "_effects", dies)
    with pytest.raises(Killed):
        advance_catalogue(work.pk, clock=clock)
    work.refresh_from_db()
    assert (work.units, work.state) == (1, "running")
    assert advance_catalogue(work.pk, clock=clock) == "not due", "its lease holds for a while"
    assert catalogue.due(clock()) == []
    clock.pass_(minutes=4)
    assert catalogue.due(clock()) == [work.pk], "the ticker finds it again"
    assert advance_catalogue(work.pk, clock=clock) == "done: 3 units"
    assert CatalogueEffect.objects.filter(work=work).count() == 3
    assert len(steps) == 4, "the first unit was not looked at again"


def test_a_worker_that_was_overtaken_stores_nothing(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(clock, monkeypatch)
    work = preview_catalogue(by=maya, now=clock())
    real = walking._effects

    def slow(*given: object) -> list[CatalogueEffect]:
        CatalogueWork.objects.filter(pk=work.pk).update(holder="another")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(walking, "_effects", slow)
    assert advance_catalogue(work.pk, clock=clock) == "somebody else goes on"
    assert not CatalogueEffect.objects.exists()


def test_a_walk_stops_after_its_time_and_goes_on_with_the_next_message(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(clock, monkeypatch)
    monkeypatch.setattr(walking, "STEP", 1)
    monkeypatch.setattr(walking, "BUDGET", timedelta(seconds=3))  # the clock of these tests: a second at each look
    work = preview_catalogue(by=maya, now=clock())
    said = advance_catalogue(work.pk, clock=clock)
    assert said.endswith("goes on") and catalogue.due(clock()) == [work.pk]
    for _ in range(5):
        said = advance_catalogue(work.pk, clock=clock)
    work.refresh_from_db()
    assert work.state == "done" and CatalogueEffect.objects.filter(work=work).count() == 3


def test_a_worker_with_other_code_leaves_the_walk_to_those_who_have_it(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        brought(clock, patch)
        work = preview_catalogue(by=maya, now=clock())
    assert advance_catalogue(work.pk, clock=clock) == "of another version of the code"
    work.refresh_from_db()
    assert work.state == "running" and work.lease_until is None


def test_a_preview_of_a_catalogue_that_was_overtaken_is_outdated(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(clock, monkeypatch)
    first = preview_catalogue(by=maya, now=clock())
    assert preview_catalogue(by=maya, now=clock()).pk == first.pk, "asked twice, looked once"
    assert len(events("readiness.catalogue_preview_asked")) == 1
    release(monkeypatch, without("CS-EMPTY"))
    second = preview_catalogue(by=maya, now=clock())
    first.refresh_from_db()
    assert (first.state, second.state) == ("outdated", "running")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_press_at_once_one_switches_it_on(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = person("maya", Role.PROGRAMME_MANAGER)
    assessed(azure, clock)
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    now: datetime = clock()

    def press(_number: int) -> str:
        try:
            switch_on(version, reason=WHY, by=User.objects.get(pk=maya.pk), now=now)
            return "on"
        except NothingWaits:
            return "late"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(press, range(6)))
    assert said == ["late"] * 5 + ["on"]
    assert CatalogueVersion.objects.filter(switched_on_at__isnull=False).count() == 2
    assert CatalogueWork.objects.filter(kind="assess").count() == 1


@pytest.mark.django_db(transaction=True)
def test_in_the_middle_of_storing_it_says_to_try_again(
    azure: Azure, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = person("maya", Role.PROGRAMME_MANAGER)
    assessed(azure, clock)
    version = brought(clock, monkeypatch)
    previewed(maya, clock)
    monkeypatch.setattr(switching, "PATIENCE", timedelta(milliseconds=200))
    held, over = Event(), Event()

    def store() -> None:
        try:
            with transaction.atomic():
                assert knowing.still_in_force(catalogue.standing())
                held.set()
                over.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        storing = pool.submit(store)
        assert held.wait(20)
        try:
            with pytest.raises(StillSwitching, match="Try again in a minute"):
                switch_on(version, reason=WHY, by=maya, now=clock())
        finally:
            over.set()
        storing.result(20)
    assert CatalogueVersion.objects.filter(switched_on_at__isnull=False).count() == 1
    switch_on(version, reason=WHY, by=maya, now=clock())
    assert catalogue.in_force_version() == version


def test_the_stricter_answer_of_a_rule_moves_only_with_the_switch(
    units: dict[str, Unit], maya: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = next(one for one in readiness.CATALOGUE if one.id == "SUB-REG-MIGRATE")
    stricter = replace(rule, revision=rule.revision + 1, check=made("X").check)
    version = release(monkeypatch, [stricter if one is rule else one for one in readiness.CATALOGUE])
    assert assess(None, now=clock(), by=BY).changed == 0
    previewed(maya, clock)
    switch_on(version, reason=WHY, by=maya, now=clock())
    walked(clock)
    assert {finding(unit, rule.id).outcome for unit in units.values()} == {"yes"}
