"""The audit history: append-only events, and the Merkle tree with signed checkpoints over them (audit.md)."""

import pgtrigger
from django.db import models

_REFUSE = "RAISE EXCEPTION 'append-only: % refuses %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'P0F06'; RETURN NULL;"


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
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=_REFUSE,
        ),
    ]


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
        ]
        triggers = append_only()


class PrivateValue(models.Model):
    """A personal or free-text value of an event; the body holds only sha256(salt ‖ field ‖ value) (audit.md 5)."""

    event_id = models.UUIDField(db_index=True)
    field = models.CharField(max_length=60)
    salt = models.BinaryField()
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "field"], name="one_private_value")]


class Pending(models.Model):
    """Events not yet in the tree. Written with the event, removed by the sequencer: no event can be skipped."""

    event_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()


class Leaf(models.Model):
    """Place of an event in the Merkle tree of RFC 6962."""

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    hash = models.BinaryField()

    class Meta:
        triggers = append_only()


class Checkpoint(models.Model):
    """A signed statement about all events so far: C2SP signed note over (origin, size, root)."""

    size = models.BigIntegerField()
    root = models.BinaryField()
    frontier = models.JSONField()  # hex hashes of the right-most complete subtrees, largest first
    note = models.TextField(blank=True)  # empty until signed
    reason = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-size"], name="checkpoint_size")]
