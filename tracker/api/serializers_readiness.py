"""What the API publishes of blocking rules, and of how a unit's verdict changed."""

from migrator.readiness import Verdict
from tracker.api.shapes import Shape, f, integer, list_of, moment, one_of, shaped, text, yes_no

BLOCKER = Shape.made(
    "Blocker",
    "A rule that blocks units.",
    f("rule", text(), "Its id.", "rule_id"),
    f(
        "title",
        text(null=True),
        "Its title; null when the catalogue no longer has it.",
        lambda row: getattr(row.rule, "title", None),
    ),
    f("frees", integer(), "Units that nothing else blocks: units/?frees=… of it."),
    f("blocks", integer(), "Units it blocks at all: units/?blocks=… of it."),
    f("remedy", text(null=True), "The first sentence of its remedy."),
    f("fix", yes_no(), "Whether a fix can be offered for its findings.", "fixable"),
    f("waivable", yes_no(), "Whether two people may set its findings aside."),
)
STEP = Shape.made(
    "UnblockStep",
    "Rules to lift next, all of them together.",
    f("rules", list_of(text()), "Ids of the rules."),
    f("frees", integer(), "Units this step frees, after the steps before it."),
    f("lifted", list_of(text()), "Ids of all rules lifted until now."),
    f("freed", integer(), "Units free until now: units/?frees=… of those rules."),
)
UNBLOCKING = Shape.made(
    "Unblocking",
    "What would unblock most.",
    f("blocked", integer(), "Units in scope that rules block."),
    f("blockers", list_of(shaped(BLOCKER)), "The rules, what frees most first."),
    f("steps", list_of(shaped(STEP)), "The order in which lifting rules frees units soonest."),
    f("left", integer(), "Units that the last step leaves blocked."),
)

POINTS = Shape.made(
    "PointsMoved",
    "Points of the score a rule took more than before; negative: gave back.",
    f("rule", text(), "Id of the rule."),
    f("points", integer(), "How many."),
)
MOVED_FINDING = Shape.made(
    "MovedFinding",
    "A finding that was opened or closed.",
    f("rule", text(), "Id of the rule.", lambda row: row[0]),
    f("resource", text(), "Key of the resource.", lambda row: row[1]),
)
MOVED = Shape.made(
    "MovedFindings",
    "Findings that began, or ceased, to ask something of somebody.",
    f("count", integer(), "How many."),
    f("listed", list_of(shaped(MOVED_FINDING)), "Which; the first fifty."),
)
WAS = Shape.made(
    "VerdictBefore",
    "What the assessment before said.",
    f("verdict", one_of(Verdict), "Its verdict."),
    f("score", integer(), "Its score."),
)
TURN = Shape.made(
    "VerdictTurn",
    "An assessment that changed something.",
    f("id", integer(), "Its id.", "assessment.pk"),
    f("at", moment(), "When.", "assessment.at"),
    f("catalogue", text(), "The catalogue it was made with.", "assessment.catalogue_version"),
    f("verdict", one_of(Verdict), "The verdict.", "assessment.verdict"),
    f("score", integer(), "The score, 0 to 100.", "assessment.score"),
    f("before", shaped(WAS, null=True), "What it replaced; null at the first."),
    f("points", list_of(shaped(POINTS)), "Where the score went.", lambda row: [*row.given_back, *row.taken]),
    f("opened", shaped(MOVED, null=True), "Null at the first, and where it was not recorded yet."),
    f("closed", shaped(MOVED, null=True), "Likewise."),
)
