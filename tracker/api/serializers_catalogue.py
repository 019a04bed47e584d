"""What the API publishes of the catalogue in force and the one that waits."""

from migrator.readiness import Effect, Verdict
from tracker.api.shapes import Shape, f, integer, list_of, moment, one_of, shaped, text, uuid
from tracker.readiness.catalogue_models import CatalogueWork
from tracker.waves.queries import ApprovalState

STATES = CatalogueWork.State.values

VERSION = Shape.made(
    "CatalogueVersion",
    "A catalogue of rules.",
    f("version", text(), "SHA-256 over the metadata of its rules."),
    f("known_since", moment(), "When this product came to know it."),
    f("switched_on_at", moment(null=True), "When it came into force."),
    f("switched_on_by", text(null=True), "Who switched it on: an actor of the history."),
    f("reason", text(null=True), "Why."),
)
CHANGE = Shape.made(
    "RuleChange",
    "What the waiting catalogue does to one rule.",
    f("rule", text(), "Its id."),
    f(
        "kind",
        one_of(("new", "changed", "removed", "reworded")),
        "What becomes of it; reworded: it decides as before.",
    ),
    f("title", text(), "Its title."),
    f("before", one_of(Effect, null=True), "Its effect in force."),
    f("after", one_of(Effect, null=True), "Its effect in the waiting catalogue."),
    f("differs", list_of(text()), "In what it differs."),
)
CELL = Shape.made(
    "VerdictMove",
    "Units that go from one verdict to another; the same twice: score or findings change.",
    f("before", one_of(Verdict), "Verdict now."),
    f("after", one_of(Verdict), "Verdict then."),
    f("units", integer(), "How many."),
)
WALK = Shape.made(
    "CatalogueWalk",
    "A walk over all units.",
    f("state", one_of(STATES), "Where it stands."),
    f("as_of", moment(), "Of the inventory it speaks of."),
    f("units", integer(), "Units looked at."),
    f("total", integer(), "Units to look at."),
    f("ended_at", moment(null=True), "When it ended."),
)
WAVE = Shape.made(
    "WaveTouched",
    "A wave with units that change.",
    f("id", integer(), "Id of the wave.", "pk"),
    f("name", text(), "Its name."),
    f("units", integer(), "Units of which anything changes."),
    f("moved", integer(), "Units whose verdict changes."),
    f("blocked", integer(), "Units blocked then and not now."),
)
APPROVAL = Shape.made(
    "ApprovalBroken",
    "An approval that would no longer match.",
    f("id", integer(), "Id of the approval.", "approval.pk"),
    f("name", text(), "Of what."),
    f("state", one_of(ApprovalState), "Its state now.", "approval.state"),
    f("why", text(), "Why it would no longer match."),
)
RUN = Shape.made(
    "RunTouched",
    "A run under way of a unit that changes.",
    f("id", uuid(), "Id of the run.", "run.pk"),
    f("unit", text(), "Key of the unit.", "run.unit.key"),
    f("state", text(), "State of the run.", "run.state"),
    f("before", one_of(Verdict), "Verdict of the unit now.", "effect.verdict_before"),
    f("after", one_of(Verdict), "Verdict then.", "effect.verdict_after"),
)
CATALOGUE = Shape.made(
    "Catalogue",
    "The catalogue in force, the one that waits, and what switching it on would change. Lists name at most 200.",
    f("in_force", shaped(VERSION, null=True), "In force; null before the first unit was assessed."),
    f("waiting", shaped(VERSION, null=True), "Waits to be switched on; null when none does."),
    f("rules", list_of(shaped(CHANGE)), "Rules that differ."),
    f("preview", shaped(WALK, null=True), "The newest preview."),
    f("stale", integer(), "Units that changed since the preview; it has to be brought up to date first."),
    f(
        "touched",
        integer(null=True),
        "Units of which anything changes; null without a finished preview.",
        lambda row: row.summary and row.summary.touched,
    ),
    f("moved", integer(null=True), "Units whose verdict changes.", lambda row: row.summary and row.summary.moved),
    f(
        "verdicts",
        list_of(shaped(CELL)),
        "The same, from verdict to verdict.",
        lambda row: row.summary.cells if row.summary else (),
    ),
    f("waves", list_of(shaped(WAVE)), "Waves touched.", "touched.waves"),
    f("approvals", list_of(shaped(APPROVAL)), "Approvals that would no longer match.", "touched.approvals"),
    f("runs", list_of(shaped(RUN)), "Runs under way of units that change.", "touched.runs"),
    f("assessing", shaped(WALK, null=True), "The walk over all units after the last switch, while it lasts."),
)
EFFECT = Shape.made(
    "CatalogueEffect",
    "What the waiting catalogue would change of one unit.",
    f("unit", text(), "Key of the unit.", "unit.key"),
    f("before", one_of(Verdict), "Verdict now.", "verdict_before"),
    f("after", one_of(Verdict), "Verdict then.", "verdict_after"),
    f("score_before", integer(), "Score now."),
    f("score_after", integer(), "Score then."),
    f("came", list_of(text()), "Rules that ask something then and not now.", lambda row: _rules(row.came)),
    f("went", list_of(text()), "Rules that ask something now and not then.", lambda row: _rules(row.went)),
)


def _rules(listed: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(one["rule"] for one in listed))
