"""What the API publishes of the ledger of locks."""

from tracker.api.serializers import UNIT_NAME
from tracker.api.shapes import Shape, f, integer, moment, one_of, shaped, text, uuid
from tracker.inventory.lock_models import Lock

LOCK = Shape.made(
    "Lock",
    "One time a unit spent with its management plane locked: from Prepare until Commit or Abort.",
    f("id", integer(), "Its id.", "pk"),
    f("unit", shaped(UNIT_NAME), "The unit."),
    f("run", uuid(null=True), "The run whose Prepare locked it; null: none of ours.", "run_id"),
    f("wave", integer(null=True), "Id of the wave it was in then.", "wave_id"),
    f("wave_name", text(null=True), "Its name then.", "wave"),
    f("opened_by", text(null=True), "Key of the person who asked for the Prepare; null: nobody here.", "opened_by"),
    f("opened_at", moment(), "When it began, or was first seen."),
    f("limit_hours", integer(), "The limit in force when it began, hours."),
    f("told", integer(), "The last of 50, 80 and 100 per cent of the limit that people were told of; 0: none."),
    f("closed_at", moment(null=True), "When it ended; null: it holds."),
    f("end", one_of(Lock.End, null=True), "How it ended."),
)
