import json
from pathlib import Path

import pytest

from migrator.gateway import versions

SLOTS = "Microsoft.ClassicCompute/domainNames/slots"


@pytest.mark.parametrize(
    ("listed", "version"),
    [
        (["2014-01-01", "2016-11-01", "2016-04-01"], "2016-11-01"),
        (["2017-01-01-preview", "2016-11-01"], "2016-11-01"),
        (["2017-01-01-preview"], "2017-01-01-preview"),
        (["zzz", 5, None], None),
        ([], None),
    ],
)
def test_the_newest_version_that_is_no_preview_is_taken(listed: list[str], version: str | None) -> None:
    assert versions.newest(listed) == version


def test_metadata_goes_before_the_table_and_a_setting_before_both() -> None:
    listed = {SLOTS.lower(): ("2018-06-01", "2016-11-01")}
    assert versions.pick(SLOTS, {}, {}) == "2016-11-01"
    assert versions.pick(SLOTS, listed, {}) == "2018-06-01"
    assert versions.pick(SLOTS, listed, {SLOTS.lower(): "2014-01-01"}) == "2014-01-01"


def test_an_action_takes_the_version_of_its_type_unless_it_has_its_own() -> None:
    action = f"{SLOTS}/prepareMigration"
    assert versions.pick(action, {SLOTS.lower(): ("2018-06-01",)}, {}) == "2018-06-01"
    assert versions.pick(action, {}, {SLOTS.lower(): "2014-01-01"}) == "2014-01-01"
    assert versions.pick(action, {}, {action.lower(): "2015-01-01", SLOTS.lower(): "2014-01-01"}) == "2015-01-01"


def test_shapes_written_for_one_version_are_asked_for_in_that_version() -> None:
    autoscale = "Microsoft.Insights/autoscaleSettings"
    assert versions.pick(autoscale, {autoscale.lower(): ("2030-01-01",)}, {}) == "2022-10-01"
    assert versions.pick("Microsoft.Odd/things", {}, {}) == versions.LAST_RESORT


RECORDED = Path("/work/shared/domain/recorded/providers-classic.json")


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answer is not on this machine")
def test_the_recorded_metadata_of_2018_is_understood() -> None:
    listed = versions.listed_in(json.loads(RECORDED.read_text())["value"])
    assert versions.pick(SLOTS, listed, {}) == "2016-11-01"
    assert versions.pick("Microsoft.ClassicNetwork/virtualNetworks/commitMigration", listed, {}) == "2017-11-15"
