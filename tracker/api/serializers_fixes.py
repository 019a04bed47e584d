"""What the API publishes of fixes."""

from tracker.api.serializers import PERSON, UNIT_NAME
from tracker.api.shapes import Shape, f, integer, list_of, moment, one_of, shaped, text, yes_no
from tracker.fixes import queries
from tracker.fixes.models import Fix

STEP = Shape.made(
    "FixStep",
    "One request of a fix.",
    f("title", text(), "What it does."),
    f("request", text(), "Method and path.", "shown"),
    f("repeatable", yes_no(), "Whether sending it again does no harm; what is not is sent once."),
    f("inferred", text(null=True), "Why the request is only inferred or general knowledge.", "mark"),
)
FIX = Shape.made(
    "Fix",
    "A remedy as a request to Azure.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("rule", text(), "The rule whose finding it remedies."),
    f("resource", text(), "Key of the resource the finding is about.", "resource_key"),
    f("title", text(), "In words."),
    f("state", one_of(Fix.State), "Where it stands."),
    f("asked_by", shaped(PERSON), "Who asked, or drafted it."),
    f("asked_at", moment(), "When."),
    f("reason", text(null=True), "Why."),
    f("decided_by", shaped(PERSON, null=True), "Who agreed or declined."),
    f("decided_at", moment(null=True), "When."),
    f("seal", text(), "Digest over everything a person agrees to."),
    f("steps_seen", integer(), "How many of its requests are seen to be done.", "step"),
    f("last_error", text(null=True), "What went wrong last."),
    f("ended_at", moment(null=True), "When it came to its end."),
)
FIX_IN_FULL = FIX.with_more(
    "FixInFull",
    "A fix with what it does and what it takes away.",
    f("does", list_of(text()), "What it does.", lambda row: list(queries.plan_of(row).does)),
    f("loses", list_of(text()), "What is lost.", lambda row: list(queries.plan_of(row).loses)),
    f("cannot_be_undone", list_of(text()), "What cannot be undone.", lambda row: list(queries.plan_of(row).final)),
    f("cut_off", list_of(text()), "Who is cut off meanwhile.", lambda row: list(queries.plan_of(row).cut_off)),
    f("again", list_of(text()), "What has to be made again.", lambda row: list(queries.plan_of(row).again)),
    f("steps", list_of(shaped(STEP)), "Its requests, in order.", lambda row: list(queries.plan_of(row).steps)),
)
