"""Fixes: a remedy as a request to Azure, agreed to by a second person and carried out once."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from tracker.inventory.models import Unit


class Fix(models.Model):
    """One remedy of one finding. People write the first half, the engine the rest; what was agreed to never changes."""

    class State(models.TextChoices):
        DRAFT = "draft"  # rehearsed only; nobody was asked
        ASKED = "asked"  # waits for a second person
        APPROVED = "approved"  # is looked at once more, then sent
        SENT = "sent"  # something was sent; not all of it is seen yet
        DONE = "done"  # seen
        FAILED = "failed"  # refused, or sent and never seen; `last_error` says which
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        OUTDATED = "outdated"  # what it was made from is no longer so; nothing was sent

    LIVE = (State.DRAFT, State.ASKED, State.APPROVED, State.SENT)
    IN_HAND = (State.APPROVED, State.SENT)  # no run of the unit starts beside it

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="fixes")
    rule = models.CharField(max_length=40)
    resource_key = models.CharField(max_length=600)
    resource_name = models.CharField(max_length=260)
    title = models.CharField(max_length=300)
    touched = ArrayField(models.BigIntegerField())  # units whose resources the requests go to, this one among them
    plan = models.JSONField()  # migrator.fixes.Plan
    body = models.TextField()  # canonical JSON of everything a person agrees to
    seal = models.CharField(max_length=64)  # waves.seals.seal of the body
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    reason = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    # A rehearsal: asked for by a person, carried out by the worker, which alone may speak to Azure.
    rehearsal_wanted_at = models.DateTimeField(null=True)
    rehearsal = models.JSONField(default=dict)  # {"at", "steps": [{"title", "shown", "checks": [{"text", "problem"}]}]}
    # Where the engine stands.
    step = models.IntegerField(default=0)  # steps seen to be done
    sent_at = models.DateTimeField(null=True)  # the intent to send the current step; null: not sent
    accepted = models.BooleanField(default=False)  # Azure took it
    sends = models.IntegerField(default=0)  # of the current step
    tries = models.IntegerField(default=0)  # looks and sends of the current step that settled nothing
    status_url = models.TextField(blank=True)
    fence = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    probe_says = models.JSONField(default=list)  # what the last look missed
    probed_at = models.DateTimeField(null=True)
    kept = models.JSONField(default=list)  # documents of what was removed, secrets taken out
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-asked_at", "id"], name="fix_state"),
            models.Index(fields=["unit", "-asked_at"], name="fix_unit"),
            models.Index(fields=["due_at"], name="fix_due", condition=models.Q(due_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "rule", "resource_key"],
                condition=models.Q(state__in=["draft", "asked", "approved", "sent"]),
                name="one_live_fix",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True, decided_at__isnull=True)
                | models.Q(decided_by__isnull=False, decided_at__isnull=False),
                name="fix_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "asked", "withdrawn", "outdated"])
                | models.Q(decided_by__isnull=False),
                name="fix_is_decided",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "withdrawn", "outdated"]) | ~models.Q(reason=""),
                name="fix_has_reason",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    (start, end)
                    for start, ends in (
                        ("draft", ("asked", "withdrawn", "outdated")),
                        ("asked", ("approved", "declined", "withdrawn", "outdated")),
                        ("approved", ("sent", "failed", "withdrawn", "outdated")),
                        ("sent", ("done", "failed")),
                    )
                    for end in ends
                ],
            ),
            pgtrigger.Trigger(
                name="second_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF NEW.decided_by_id = NEW.asked_by_id THEN"
                    " RAISE EXCEPTION 'self-approval refused' USING ERRCODE = 'P0F14'; END IF;"
                    " IF TG_OP = 'UPDATE' AND OLD.state <> 'draft' AND (OLD.unit_id, OLD.rule, OLD.resource_key,"
                    " OLD.touched, OLD.plan, OLD.body, OLD.seal, OLD.reason, OLD.asked_by_id, OLD.asked_at)"
                    " IS DISTINCT FROM (NEW.unit_id, NEW.rule, NEW.resource_key,"
                    " NEW.touched, NEW.plan, NEW.body, NEW.seal, NEW.reason, NEW.asked_by_id, NEW.asked_at) THEN"
                    " RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'P0F15'; END IF;"
                    " IF TG_OP = 'UPDATE' AND OLD.decided_by_id IS NOT NULL AND (OLD.decided_by_id, OLD.decided_at,"
                    " OLD.decision_reason) IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_at, NEW.decision_reason)"
                    " THEN RAISE EXCEPTION 'a decision never changes' USING ERRCODE = 'P0F16'; END IF;"
                    " IF TG_OP = 'UPDATE' AND NEW.fence < OLD.fence THEN"
                    " RAISE EXCEPTION 'the fence only rises' USING ERRCODE = 'P0F12'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.title
