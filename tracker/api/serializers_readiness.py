"""What the API publishes of blocking rules."""

from tracker.api.shapes import Shape, f, integer, list_of, shaped, text, yes_no

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
