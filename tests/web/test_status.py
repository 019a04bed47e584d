"""A state without a chip fails here."""

from enum import Enum

import lucide
import pytest
from django.template import Context, Template

from migrator.lifecycle import Health, OperationState, State
from migrator.readiness.engine import Verdict
from migrator.readiness.rule import Effect, Outcome
from migrator.translation.values import Kind as DifferenceKind
from migrator.units import UnitKind
from tracker.fixes.models import Fix
from tracker.followups.models import FollowUp
from tracker.inventory.models import Import, ImportRow, Sync
from tracker.quota.models import QuotaRequest
from tracker.runs.models import AskVerb
from tracker.waves.queries import ApprovalState
from tracker.web import icons
from tracker.web.status import CHIPS, UNIT_KINDS, UnknownStatus, chip

ENUMS: dict[str, type[Enum]] = {
    "progress": State,
    "health": Health,
    "verdict": Verdict,
    "effect": Effect,
    "outcome": Outcome,
    "operation": OperationState,
    "difference": DifferenceKind,
    "follow-up": FollowUp.State,
    "fix": Fix.State,
    "approval": ApprovalState,
    "quota-request": QuotaRequest.State,
    "sync": Sync.Outcome,
    "import": Import.State,
    "import-row": ImportRow.Status,
    "ask": AskVerb,
}
EXTRA = {"approval": {"none"}}  # no approval was asked for: a state of the page, not of a row


@pytest.mark.parametrize("kind", ENUMS)
def test_every_state_has_a_chip_and_every_chip_a_state(kind: str) -> None:
    states = {str(member.value) for member in ENUMS[kind]}
    assert set(CHIPS[kind]) - EXTRA.get(kind, set()) == states


@pytest.mark.parametrize("name", sorted(icons.IN_SPRITE))
def test_every_icon_of_the_sprite_is_drawn(name: str) -> None:
    assert icons.drawing(name).startswith("<")
    assert f'id="i-{name}"' in icons.sprite()


def test_chips_of_one_kind_are_told_apart_without_colour() -> None:
    for kind, rows in CHIPS.items():
        words = [row.word for row in rows.values()]
        assert len(words) == len(set(words)), kind


def test_an_icon_lucide_does_not_have_is_refused() -> None:
    with pytest.raises(lucide.IconDoesNotExist):
        icons.icon("no-such-icon")


def test_an_unknown_state_names_itself_and_the_table() -> None:
    with pytest.raises(UnknownStatus, match=r"'progress' 'lost'.*web/status\.py"):
        chip("progress", "lost")


def test_a_chip_is_icon_word_and_colour_and_takes_enum_members() -> None:
    html = Template('{% chip "progress" state quiet=True %}').render(Context({"state": State.PREPARED}))
    assert html.startswith('<span class="chip progress quiet" title="On both sides')
    assert '<use href="#i-lock"/>' in html
    assert html.endswith("Prepared</span>")


def test_every_kind_of_unit_has_its_word_and_icon() -> None:
    assert set(UNIT_KINDS) == {kind.value for kind in UnitKind}
