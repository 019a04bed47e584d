"""Freezes that are planned ahead: dated times in which no Prepare and no Commit may start."""

import pgtrigger
from django.db import models

from tracker.audit.models import no_truncate


class PlannedFreeze(models.Model):
    """From `begins_at` to `ends_at` no Prepare and no Commit of its scope is armed. Validate and Abort stay possible:
    one changes nothing, the other is the way back. Scopes as of `Freeze`: `all`, `subscription:<id>`,
    `region:<region>`, `wave:<id>`, `verb:prepare`, `verb:commit`.

    It is never edited or deleted; it is withdrawn, and once it has begun that takes two people, as lifting a freeze.
    """

    scope = models.CharField(max_length=80)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    zone = models.CharField(max_length=64)  # in which the times were said
    begins_said = models.CharField(max_length=32)  # local words with offset: 2026-12-24T00:00+01:00
    ends_said = models.CharField(max_length=32)
    reason = models.CharField(max_length=300)
    planned_by = models.CharField(max_length=80)  # Actor.key
    planned_at = models.DateTimeField()
    withdrawal_asked_by = models.CharField(max_length=80, blank=True)
    withdrawn_by = models.CharField(max_length=80, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawal_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["begins_at", "id"]
        indexes = [
            models.Index(fields=["ends_at"], name="planned_freeze", condition=models.Q(withdrawn_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("begins_at")), name="planned_freeze_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="planned_freeze_has_reason"),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True, withdrawn_by="")
                | (models.Q(withdrawn_at__isnull=False) & ~models.Q(withdrawn_by="")),
                name="planned_freeze_withdrawn_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="only_withdrawn",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (OLD.scope, OLD.begins_at, OLD.ends_at, OLD.zone, OLD.begins_said, OLD.ends_said, OLD.reason,"
                    " OLD.planned_by, OLD.planned_at) IS DISTINCT FROM (NEW.scope, NEW.begins_at, NEW.ends_at,"
                    " NEW.zone, NEW.begins_said, NEW.ends_said, NEW.reason, NEW.planned_by, NEW.planned_at)"
                    " OR OLD.withdrawn_at IS NOT NULL THEN"
                    " RAISE EXCEPTION 'a planned freeze never changes' USING ERRCODE = 'P0F23'; END IF;"
                    " IF NEW.withdrawn_at IS NOT NULL AND OLD.begins_at <= clock_timestamp()"
                    " AND (OLD.withdrawal_asked_by = '' OR NEW.withdrawn_by IN ('', OLD.withdrawal_asked_by)) THEN"
                    " RAISE EXCEPTION 'two people end a freeze' USING ERRCODE = 'P0F16'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]
