"""The metadata of every rule against the published facts of it; what is otherwise is written down with its reason."""

from collections.abc import Iterator
from pathlib import Path

from migrator.readiness import CATALOGUE, Rule
from tests.migrator.readiness.published import DEVIATIONS, PUBLISHED, Published

RECORD = Path(__file__).parents[3] / "templates/docs/decisions/catalogue-deviations.md"
OURS = {rule.id: rule for rule in CATALOGUE}


def differs(rule: Rule, told: Published) -> Iterator[str]:
    """What of a rule is not as published."""
    if told.effects and rule.effect.value not in told.effects:
        yield "effect"
    detects = [each.value for each in (rule.detection, *rule.also)]
    if told.detects and (told.detects[0] != detects[0] or not set(told.detects) <= set(detects)):
        yield "detects"
    if told.automatable != "-" and told.automatable != rule.automatable.value:
        yield "automatable"
    cited = {source.row for source in rule.sources}
    if not all(any(row == one or one.startswith(row) for one in cited) for row in told.rows):
        yield "rows"


def test_every_published_rule_is_in_the_catalogue() -> None:
    assert set(PUBLISHED) <= set(OURS)
    more = set(OURS) - set(PUBLISHED)  # the OK rows of 3.2 one by one, and what this product itself cannot move
    assert all(rule.startswith("CS-OK-") for rule in more - {"NET-SM-ONLY"}), more


def test_its_metadata_is_as_published_or_the_deviation_says_why() -> None:
    found = {(rule, what) for rule, told in PUBLISHED.items() for what in differs(OURS[rule], told)}
    assert found == set(DEVIATIONS), "what is otherwise, and what is said to be otherwise"


def test_the_record_tells_every_deviation_and_its_reason() -> None:
    text = " ".join(RECORD.read_text(encoding="utf-8").split())
    for (rule, _), reason in DEVIATIONS.items():
        assert f"**{rule}**" in text and reason in text, rule
