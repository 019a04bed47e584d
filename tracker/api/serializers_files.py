"""What the API publishes of configuration files: what is stored of them, which holds no secret."""

from migrator.configuration import Kind
from tracker.api.shapes import Shape, f, integer, list_of, moment, one_of, text, yes_no

FILE = Shape.made(
    "ConfigurationFile",
    "A service configuration or definition somebody gave of a deployment, without secrets.",
    f("id", integer(), "Its id.", "row.pk"),
    f("deployment", text(), "Key of the deployment.", "row.resource_key"),
    f("kind", one_of(Kind), "Which of the two.", "row.kind"),
    f("file_name", text(), "What the file was called.", "row.file_name"),
    f("digest", text(), "SHA-256 of the text below.", "row.digest"),
    f("given_by", text(), "Who: an actor of the history.", "row.given_by"),
    f("given_at", moment(), "When.", "row.given_at"),
    f("settles", yes_no(), "Whether findings are settled by it.", lambda one: not one.why_not),
    f("why_not", text(null=True), "Why nothing is settled by it."),
    f("contradicts", list_of(text()), "Where it says something else than Azure shows."),
    f("text", text(), "The file; what may be a secret is replaced.", "row.text"),
)
