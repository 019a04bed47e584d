"""Windows as they are said and kept, and freezes that are planned ahead."""

import json
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migrator import windows
from migrator.windows import Weekly
from tests.tracker.runs.programme import Programme
from tracker.accounts.actions import Denied
from tracker.audit.models import Event
from tracker.runs.queries import database_now
from tracker.waves import actions as waves
from tracker.waves import queries
from tracker.waves.calendar_models import PlannedFreeze
from tracker.waves.models import Wave, Window

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def detail(event: Event) -> dict[str, Any]:
    return json.loads(event.body)["detail"]


@pytest.fixture
def wave(programme: Programme) -> Wave:
    return waves.create(name="Night shift", owner="Maya", by=programme.maya, now=database_now())


def test_a_window_keeps_the_instant_and_the_words_it_was_said_in(programme: Programme, wave: Wave) -> None:
    opens = windows.instant(*windows.read("2099-07-04 22:00")[:1], BERLIN)
    made = waves.set_window(
        wave, opens_at=opens, closes_at=opens + 6 * HOUR, zone=BERLIN, by=programme.maya, now=database_now()
    )
    made.refresh_from_db()
    assert (made.zone, made.opens_said, made.closes_said) == (
        "Europe/Berlin", "2099-07-04T22:00+02:00", "2099-07-05T04:00+02:00",
    )  # fmt: skip
    told = detail(Event.objects.get(type="wave.window_set"))
    assert told["zone"] == "Europe/Berlin" and told["opens said"] == "2099-07-04T22:00+02:00"


def test_weekly_windows_are_stored_week_by_week_and_void_what_was_agreed(programme: Programme) -> None:
    wave = programme.approved("shop-net")
    year = database_now().year + 1
    rule = Weekly(5, time(22), time(4), BERLIN, date(year, 3, 1), date(year, 4, 20))
    made = waves.add_weekly(wave, rule, by=programme.maya, now=database_now())
    assert wave.windows.count() == len(made) + 1
    assert {f"{each.opens_at.astimezone(BERLIN):%a %H:%M}" for each in made} == {"Sat 22:00"}
    assert len({each.opens_at.time() for each in made}) == 2  # in UTC the hour differs across the change
    assert {each.rule for each in made} == {str(rule)}
    assert any("shorter" in each.note for each in made)
    assert queries.open_wave_approval(wave) is None
    assert detail(Event.objects.filter(type="wave.window_set").latest("id"))["windows"] == len(made)
    with pytest.raises(waves.BadWindow, match="already"):
        waves.add_weekly(wave, rule, by=programme.maya, now=database_now())


def test_a_rule_that_is_over_and_too_many_windows_are_refused(programme: Programme, wave: Wave) -> None:
    now = database_now()
    past = Weekly(0, time(22), time(4), BERLIN, date(2020, 1, 1), date(2020, 3, 1))
    with pytest.raises(waves.BadWindow, match="over already"):
        waves.add_weekly(wave, past, by=programme.maya, now=now)
    year = now.year + 1
    waves.add_weekly(wave, Weekly(0, time(1), time(2), BERLIN, date(year, 1, 1), date(year + 1, 12, 1)),
                     by=programme.maya, now=now)  # fmt: skip
    with pytest.raises(waves.BadWindow, match="at most 200"):
        waves.add_weekly(wave, Weekly(1, time(1), time(2), BERLIN, date(year, 1, 1), date(year + 1, 12, 31)),
                         by=programme.maya, now=now)  # fmt: skip


def test_a_window_is_added_beside_the_others_and_taken_away(programme: Programme, wave: Wave) -> None:
    now = database_now()
    first = waves.set_window(wave, opens_at=now, closes_at=now + HOUR, by=programme.maya, now=now)
    later = {"opens_at": now + 24 * HOUR, "closes_at": now + 25 * HOUR}
    waves.add_window(wave, **later, by=programme.maya, now=now)
    with pytest.raises(waves.BadWindow, match="exactly this window"):
        waves.add_window(wave, **later, by=programme.maya, now=now)
    waves.remove_window(first, by=programme.maya, now=now)
    with pytest.raises(waves.BadWindow, match="removed already"):
        waves.remove_window(first, by=programme.maya, now=now)
    assert [each.opens_at for each in Window.objects.all()] == [now + 24 * HOUR]
    assert detail(Event.objects.get(type="wave.window_removed"))["opens"].endswith("Z")
    with pytest.raises(Denied):
        waves.remove_window(Window.objects.get(), by=programme.noor, now=now)


# --- planned freezes --------------------------------------------------------------------------------------------------
def plan(programme: Programme, scope: str = "all", begins: float = 1, ends: float = 2, **more: object) -> PlannedFreeze:
    now = more.pop("now", None) or database_now()
    given = {"zone": BERLIN, "reason": "Quarter end", "by": programme.maya} | more
    return waves.plan_freeze(scope, begins_at=now + begins * HOUR, ends_at=now + ends * HOUR, now=now, **given)


def test_a_freeze_is_planned_with_its_words_reason_and_event(programme: Programme, wave: Wave) -> None:
    for scope in ("all", f"subscription:{programme.subscription.pk}", "region:West Europe", f"wave:{wave.pk}",
                  "verb:prepare", "verb:commit"):  # fmt: skip
        made = plan(programme, scope)
    assert made.begins_said[-6:] in ("+01:00", "+02:00") and made.zone == "Europe/Berlin"
    assert PlannedFreeze.objects.filter(scope="region:westeurope").exists()
    told = detail(Event.objects.filter(type="freeze.planned").latest("id"))
    assert told["scope"] == "verb:commit" and told["begins said"] == made.begins_said
    assert len(queries.planned_freezes(database_now())) == 6


@pytest.mark.parametrize(
    ("scope", "begins", "ends", "reason", "error", "words"),
    [
        ("region:atlantis", 1, 2, "x", waves.BadScope, "Choose what"),
        ("wave:999999", 1, 2, "x", waves.BadScope, "Choose what"),
        ("wave:" + "9" * 40, 1, 2, "x", waves.BadScope, "Choose what"),
        ("subscription:a\0b", 1, 2, "x", waves.BadScope, "Choose what"),
        ("verb:abort", 1, 2, "x", waves.BadScope, "way back"),
        ("", 1, 2, "x", waves.BadScope, "Choose what"),
        ("all:x", 1, 2, "x", waves.BadScope, "Choose what"),
        ("all", 2, 1, "x", waves.BadWindow, "before it begins"),
        ("all", -1, 1, "x", waves.BadWindow, "stop switch"),
        ("all", 1, 24 * 400, "x", waves.BadWindow, "at most a year"),
        ("all", 24 * 2000, 24 * 2001, "x", waves.BadWindow, "within three"),
        ("all", 1, 2, "  ", waves.WaveError, "needs a reason"),
    ],
)
def test_a_freeze_that_cannot_be_is_refused_with_a_sentence(
    programme: Programme, scope: str, begins: float, ends: float, reason: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        plan(programme, scope, begins, ends, reason=reason)
    assert not PlannedFreeze.objects.exists()


def test_before_it_begins_one_person_withdraws_it_with_a_reason(programme: Programme) -> None:
    made = plan(programme)
    with pytest.raises(waves.WaveError, match="Say why"):
        waves.withdraw_freeze(made, reason=" ", by=programme.maya, now=database_now())
    with pytest.raises(Denied):
        waves.withdraw_freeze(made, reason="moved", by=programme.noor, now=database_now())
    assert waves.withdraw_freeze(made, reason="moved", by=programme.maya, now=database_now())
    assert queries.planned_freezes(database_now()) == []
    with pytest.raises(waves.NotFrozen, match="already"):
        waves.withdraw_freeze(made, reason="again", by=programme.tomas, now=database_now())


def test_once_it_has_begun_two_people_end_it(programme: Programme) -> None:
    made = plan(programme, now=database_now() - 90 * HOUR / 60)
    assert not waves.withdraw_freeze(made, reason="books are closed", by=programme.maya, now=database_now())
    with pytest.raises(waves.NotFrozen, match="another person"):
        waves.withdraw_freeze(made, reason="books are closed", by=programme.maya, now=database_now())
    assert waves.withdraw_freeze(made, reason="seen", by=programme.tomas, now=database_now())
    kinds = Event.objects.filter(type__startswith="freeze.plan_").order_by("id").values_list("type", "actor")
    assert list(kinds) == [
        ("freeze.plan_end_requested", programme.maya.actor.key),
        ("freeze.plan_withdrawn", programme.tomas.actor.key),
    ]


def test_a_region_and_a_wave_are_frozen_and_lifted_by_two(programme: Programme, wave: Wave) -> None:
    for scope in ("region:westeurope", f"wave:{wave.pk}"):
        waves.freeze(scope, reason="incident", by=programme.tomas, now=database_now())
        assert not waves.lift(scope, by=programme.tomas, now=database_now())
        assert waves.lift(scope, by=programme.aiko, now=database_now())
    assert queries.freezes() == []
