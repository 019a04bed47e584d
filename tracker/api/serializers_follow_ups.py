"""What the API publishes of a follow-up's requests as texts, and of what was captured before Prepare."""

from tracker.api.shapes import Shape, anything, f, integer, list_of, moment, shaped, text, yes_no

SECRET = Shape.made(
    "SnippetSecret",
    "A secret that the texts ask for and do not hold.",
    f("name", text(), "The environment variable of the script, and the parameter of the Bicep file."),
    f("question", text(), "What it is."),
)
BICEP = Shape.made(
    "BicepFile",
    "A Bicep file and where it is deployed. It was not compiled.",
    f("name", text(), "What the file is called."),
    f("scope", text(), "Id of the resource group or subscription."),
    f("deploy", text(), "The command that deploys it."),
    f("text", text(), "The file."),
)
SNIPPETS = Shape.made(
    "Snippets",
    "The requests of a follow-up as texts.",
    f("why_not", text(null=True), "Why there are none: it is a person's work, or a question is open."),
    f("cli_name", text(null=True), "What the script is called."),
    f("cli", text(null=True), "A bash script for the Azure CLI: exactly the requests, each read back."),
    f("bicep_why_not", text(null=True), "Why there is no Bicep."),
    f("bicep", list_of(shaped(BICEP)), "The same as declarations, in the order they are deployed."),
    f("secrets", list_of(shaped(SECRET)), "What has to be given to whoever runs it."),
)
MISSING = Shape.made(
    "MissingSetting",
    "A part that could not be read before Prepare.",
    f("resource", text(), "Where."),
    f("action", text(), "The right that is missing, as Azure names it."),
    f("sentence", text(), "What happened."),
)
GAP = Shape.made(
    "AcceptedGap",
    "Somebody let Prepare of one run start without these parts.",
    f("run", text(), "The run.", "run"),
    f("by", text(), "Who: an actor of the history."),
    f("at", moment(), "When."),
    f("reason", text(), "Why."),
    f("missing", list_of(shaped(MISSING)), "What was told to that person."),
)
SETTING = Shape.made(
    "CapturedSetting",
    "Something the platform drops, changes or needs taken away, as read before Prepare.",
    f("id", text(), "Its id, lower case.", "source_key"),
    f("kind", text(), "Its type in Azure."),
    f("name", text(), "Its name."),
    f("captured_at", moment(), "When it was read."),
    f("follow_ups", list_of(integer()), "What is owed for it; empty: nothing, or not yet committed.", "owed"),
    f("document", anything(), "As read, in Azure's own form; secrets removed."),
)
CAPTURED = Shape.made(
    "Captured",
    "What was captured of a unit before its Prepare.",
    f("at", moment(null=True), "The newest reading; null when there was none."),
    f("complete", yes_no(), "Whether everything could be read."),
    f("missing", list_of(shaped(MISSING)), "What could not be read."),
    f("accepted", list_of(shaped(GAP)), "Who let Prepare start without something, newest first."),
    f("settings", list_of(shaped(SETTING)), "What was read, by id; and what was cut off before."),
)
