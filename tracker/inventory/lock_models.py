"""The ledger of locks: when a unit's management plane was locked, for whom, and how it ended."""

import pgtrigger
from django.db import models

from tracker.inventory.models import Unit


class Lock(models.Model):
    """One time a unit spent locked (Prepare … Abort or Commit). Opened and closed in the very transactions that say so
    of the unit; what it was opened with never changes, a closed one not at all."""

    class End(models.TextChoices):
        ABORT = "abort", "aborted"
        COMMIT = "commit", "committed"
        SEEN = "seen", "seen unlocked"

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="locks")
    run_id = models.UUIDField(null=True)  # `runs` and `waves` lie above this slice, so no foreign keys
    wave_id = models.BigIntegerField(null=True, db_index=True)
    wave = models.CharField(max_length=120, blank=True)  # its name then
    opened_by = models.CharField(max_length=80, blank=True)  # who asked for the Prepare; empty: nobody here did
    opened_at = models.DateTimeField()
    limit_hours = models.IntegerField()  # in force when it was opened
    told = models.IntegerField(default=0)  # the last of 50, 80, 100 per cent that people were told of
    closed_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=10, choices=End, blank=True)

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [models.Index(fields=["-opened_at", "-id"], name="lock_recent")]
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=models.Q(closed_at__isnull=True), name="one_open_lock"),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True, end="")
                | (models.Q(closed_at__gte=models.F("opened_at")) & ~models.Q(end="")),
                name="lock_end_is_whole",
            ),
            models.CheckConstraint(condition=models.Q(limit_hours__gt=0), name="lock_has_a_limit"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF OLD.closed_at IS NOT NULL OR NEW.told < OLD.told"
                    " OR (OLD.unit_id, OLD.run_id, OLD.wave_id, OLD.wave, OLD.opened_by, OLD.opened_at,"
                    " OLD.limit_hours) IS DISTINCT FROM"
                    " (NEW.unit_id, NEW.run_id, NEW.wave_id, NEW.wave, NEW.opened_by, NEW.opened_at, NEW.limit_hours)"
                    " THEN RAISE EXCEPTION 'a lock is kept as it was' USING ERRCODE = 'P0F27'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]
