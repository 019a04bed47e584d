"""Validate of many units, asked for at once: what was asked, and how far each unit came. It needs no run, no window and
no approval: Validate changes nothing and locks nothing (azure.md 2.1).
"""

import pgtrigger
from django.db import models

from tracker.audit.models import no_truncate
from tracker.inventory.models import Subscription, Unit
from tracker.runs.models import Run
from tracker.waves.models import Wave


class Validation(models.Model):
    """One wish of one person to have many units validated. Under way while `ended_at` is empty."""

    class Scope(models.TextChoices):
        ESTATE = "estate", "Whole estate"
        SUBSCRIPTION = "subscription", "Subscription"
        WAVE = "wave", "Wave"

    scope = models.CharField(max_length=12, choices=Scope)
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.PROTECT, related_name="validations")
    wave = models.ForeignKey(Wave, null=True, on_delete=models.PROTECT, related_name="validations")
    name = models.CharField(max_length=200)  # of the wave or subscription then
    old_only = models.BooleanField()  # units with an answer of the last seven days were left alone
    units = models.IntegerField()  # how many are asked for
    fresh = models.IntegerField(default=0)  # how many were left alone for that
    asked_by = models.CharField(max_length=80)  # Actor.key
    by_id = models.BigIntegerField()  # accounts.User
    asked_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)  # somebody wants nothing more sent
    stopped_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-asked_at"], name="validation_recent"),
            models.Index(fields=["id"], name="validation_live", condition=models.Q(ended_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope="estate", subscription=None, wave=None)
                | models.Q(scope="subscription", subscription__isnull=False, wave=None)
                | models.Q(scope="wave", subscription=None, wave__isnull=False),
                name="validation_has_one_scope",
            ),
            models.CheckConstraint(
                condition=models.Q(stopped_at__isnull=True, stopped_by="")
                | (models.Q(stopped_at__isnull=False) & ~models.Q(stopped_by="")),
                name="validation_stop_is_whole",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="what_it_is",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (NEW.scope, NEW.subscription_id, NEW.wave_id, NEW.old_only, NEW.asked_by, NEW.by_id,"
                    " NEW.asked_at) IS DISTINCT FROM (OLD.scope, OLD.subscription_id, OLD.wave_id, OLD.old_only,"
                    " OLD.asked_by, OLD.by_id, OLD.asked_at)"
                    " OR (OLD.stopped_at IS NOT NULL AND NEW.stopped_at IS DISTINCT FROM OLD.stopped_at)"
                    " OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at) THEN"
                    " RAISE EXCEPTION 'what a person asked for never changes' USING ERRCODE = 'P0F15'; END IF;"
                    " RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class ValidatedUnit(models.Model):
    """One unit of a Validation."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "At work"  # Azure took it and answers later
        PASSED = "passed", "Passed"
        FOUND = "found", "Something blocks"
        REFUSED = "refused", "Refused"  # Azure did not validate it; the sentence says why
        UNANSWERED = "unanswered", "No answer"
        HANDED = "handed", "Asked of its run"
        LEFT_OUT = "left-out", "Left out"
        STOPPED = "stopped", "Stopped before it was sent"

    LIVE = (State.WAITING, State.SENT)
    ENDS = (State.PASSED, State.FOUND, State.REFUSED, State.UNANSWERED, State.HANDED, State.LEFT_OUT, State.STOPPED)

    validation = models.ForeignKey(Validation, on_delete=models.PROTECT, related_name="items")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="validations")
    subscription_id = models.CharField(max_length=36)  # of the unit: whose turn it is is asked by subscription
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    why = models.CharField(max_length=400, blank=True)  # what it waits for, or how it ended, as a sentence
    due_at = models.DateTimeField(null=True)  # next step; empty: ended
    enqueued_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    tries = models.IntegerField(default=0)  # sends and looks that settled nothing
    sends = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    status_url = models.TextField(blank=True)
    request_id = models.CharField(max_length=80, blank=True)  # x-ms-request-id of the last answer
    correlation_id = models.CharField(max_length=80, blank=True)
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")  # that was asked instead
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["validation", "state", "id"], name="validated_state"),
            models.Index(fields=["due_at"], name="validated_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["subscription_id", "due_at"],
                name="validated_turn",
                condition=models.Q(due_at__isnull=False, state="waiting"),
            ),
            models.Index(fields=["unit", "-id"], name="validated_unit"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit"], condition=models.Q(state__in=["waiting", "sent"]), name="one_live_validation"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "sent"], ended_at__isnull=True, due_at__isnull=False)
                | (~models.Q(state__in=["waiting", "sent"]) & models.Q(ended_at__isnull=False, due_at__isnull=True)),
                name="validated_end_is_whole",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    ("waiting", "sent"),
                    ("sent", "waiting"),  # nothing is left at the status address: asked again
                    *(
                        ("waiting", end)
                        for end in ("passed", "found", "refused", "unanswered", "handed", "left-out", "stopped")
                    ),
                    *(("sent", end) for end in ("passed", "found", "unanswered")),
                ],
            ),
            pgtrigger.Trigger(
                name="what_it_is",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (NEW.validation_id, NEW.unit_id, NEW.subscription_id) IS DISTINCT FROM"
                    " (OLD.validation_id, OLD.unit_id, OLD.subscription_id)"
                    " OR NEW.fence < OLD.fence OR NEW.sends < OLD.sends"
                    " OR (OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD) THEN"
                    " RAISE EXCEPTION 'what a unit was validated for never changes' USING ERRCODE = 'P0F15'; END IF;"
                    " RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]
