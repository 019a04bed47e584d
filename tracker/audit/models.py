"""The audit history: append-only events, and the Merkle tree with signed checkpoints over them (audit.md)."""

import pgtrigger
from django.db import models
from django.db.models.expressions import RawSQL

_REFUSE = "RAISE EXCEPTION 'append-only: % refuses %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'P0F06'; RETURN NULL;"


def no_truncate() -> pgtrigger.Trigger:
    """Refuses TRUNCATE, to the owner too."""
    return pgtrigger.Trigger(
        name="no_truncate",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func=_REFUSE,
    )


def append_only() -> list[pgtrigger.Trigger]:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE, to the owner too (audit.md 2)."""
    return [
        pgtrigger.Trigger(
            name="append_only",
            level=pgtrigger.Row,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=_REFUSE,
        ),
        no_truncate(),
    ]


# One parse of the body for all columns. The time is compared as text: it is written with six digits and "Z".
_COLUMNS_ARE_THE_BODY = (
    "body::jsonb @> jsonb_build_object('id', id::text, 'type', type, 'actor', actor, 'result', result,"
    " 'object', jsonb_build_object('kind', object_kind, 'id', object_id),"
    " 'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))"
)


class Event(models.Model):
    """One line of history. `body` is the canonical JSON that is hashed byte for byte; the columns repeat parts of it
    for filters, and a check constraint refuses columns that say something else than the body. No foreign keys: history
    never holds live data."""

    id = models.UUIDField(primary_key=True, editable=False)  # uuid7: sorts by time
    at = models.DateTimeField(db_index=True)
    type = models.CharField(max_length=80)
    actor = models.CharField(max_length=80)  # "user:p-7f…", "system:engine", "command:demo"
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=400)
    result = models.CharField(max_length=20, default="done")  # done | denied | failed
    body = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["type", "-id"], name="event_type"),
            models.Index(fields=["actor", "-id"], name="event_actor"),
            models.Index(fields=["object_kind", "object_id", "-id"], name="event_object"),
            models.Index(fields=["-id"], name="event_denied", condition=~models.Q(result="done")),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(body__contains="\n"), name="event_is_one_line"),
            models.CheckConstraint(
                condition=RawSQL(_COLUMNS_ARE_THE_BODY, (), output_field=models.BooleanField()),  # noqa: S611
                name="event_columns_are_the_body",
            ),
        ]
        triggers = append_only()


class PrivateValue(models.Model):
    """A personal or free-text value of an event; the body holds only sha256(salt ‖ field ‖ 0 ‖ value) (audit.md 5).

    Never edited; erased by deleting the row, which leaves the proof whole.
    """

    event_id = models.UUIDField(db_index=True)
    field = models.CharField(max_length=60)
    salt = models.BinaryField()
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "field"], name="one_private_value")]
        triggers = [
            pgtrigger.Trigger(name="never_edited", when=pgtrigger.Before, operation=pgtrigger.Update, func=_REFUSE),
            no_truncate(),
        ]


class Pending(models.Model):
    """Events not yet in the tree. Written with the event, removed only when the event is a leaf: none is skipped."""

    event_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="leaves_as_a_leaf",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    "IF TG_OP = 'UPDATE' OR NOT EXISTS (SELECT 1 FROM tracker_leaf WHERE event_id = OLD.event_id) THEN"
                    " RAISE EXCEPTION 'event % is not in the tree yet', OLD.event_id USING ERRCODE = 'P0F06'; END IF;"
                    " RETURN OLD;"
                ),
            ),
            no_truncate(),
        ]


class Leaf(models.Model):
    """Place of an event in the Merkle tree of RFC 6962."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    hash = models.BinaryField()

    class Meta:
        triggers = append_only()


class Checkpoint(models.Model):
    """A statement about all events so far: C2SP signed note over (origin, size, root).

    The newest row may be unsigned and advances with the tree; a signed one never changes, and sizes only grow.
    """

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    frontier = models.JSONField()  # hex hashes of the right-most complete subtrees, largest first
    note = models.TextField(blank=True)  # empty until signed
    reason = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-size"], name="checkpoint_signed", condition=~models.Q(note=""))]
        triggers = [
            pgtrigger.Trigger(
                name="only_grows",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=pgtrigger.Func(
                    "IF TG_OP <> 'INSERT' AND OLD.note <> '' OR TG_OP = 'DELETE' THEN"
                    " RAISE EXCEPTION 'append-only: a checkpoint stays' USING ERRCODE = 'P0F06'; END IF;"
                    " IF EXISTS (SELECT 1 FROM tracker_checkpoint WHERE id <> NEW.id AND size >= NEW.size)"
                    " OR (TG_OP = 'UPDATE' AND NEW.size < OLD.size) THEN"
                    " RAISE EXCEPTION 'a checkpoint over % events is not the largest', NEW.size"
                    " USING ERRCODE = 'P0F06'; END IF; RETURN NEW;"
                ),
            ),
            no_truncate(),
        ]
