"""What the API publishes of Validate of many units."""

from tracker.api.serializers import UNIT_NAME
from tracker.api.shapes import Shape, f, integer, mapping, moment, one_of, shaped, text, uuid, yes_no
from tracker.runs.validation_models import ValidatedUnit, Validation

VALIDATION = Shape.made(
    "Validation",
    "One wish to have many units validated by Azure. It changes nothing and locks nothing.",
    f("id", integer(), "Its id.", "pk"),
    f("scope", one_of(Validation.Scope), "What was asked for."),
    f("subscription", text(null=True), "Id of the subscription, where that is the scope.", "subscription_id"),
    f("wave", integer(null=True), "Id of the wave, where that is the scope.", "wave_id"),
    f("name", text(), "Name of the wave or subscription then."),
    f("old_only", yes_no(), "Whether units with an answer of the last seven days were left alone."),
    f("units", integer(), "How many units are asked for."),
    f("fresh", integer(), "How many were left alone for their answer."),
    f("states", mapping(), "How many units are in each state, by state; states without a unit are left out."),
    f("asked_by", text(), "Key of the person who asked."),
    f("asked_at", moment(), "When."),
    f("stopped_by", text(null=True), "Key of the person who wants nothing more sent; null: nobody."),
    f("stopped_at", moment(null=True), "When."),
    f("ended_at", moment(null=True), "When the last unit had its answer; null: it goes on."),
)
VALIDATED_UNIT = Shape.made(
    "ValidatedUnit",
    "One unit of a Validation.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("state", one_of(ValidatedUnit.State), "Where it stands, or how it ended."),
    f("why", text(null=True), "What it waits for, or Azure's word, as a sentence."),
    f("due_at", moment(null=True), "When the next step is due; null: none."),
    f("sent_at", moment(null=True), "When it was sent last."),
    f("sends", integer(), "How often it was sent."),
    f("request_id", text(null=True), "x-ms-request-id of Azure's last answer."),
    f("correlation_id", text(null=True), "x-ms-correlation-request-id of it."),
    f("run", uuid(null=True), "The run that was asked instead.", "run_id"),
    f("ended_at", moment(null=True), "When it ended; null: it goes on."),
)
