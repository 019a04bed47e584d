"""Waves: dated groups of units, who agreed to what, and when nothing may start."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from tracker.accounts.models import RoleGrant
from tracker.accounts.permissions import ROLE_PERMISSIONS, Permission
from tracker.audit.models import no_truncate
from tracker.inventory import tallies
from tracker.inventory.models import Unit

APPROVERS = sorted(role.value for role, may in ROLE_PERMISSIONS.items() if Permission.APPROVE in may)


class Wave(models.Model):
    """A dated group of units. Whether it is approved is derived from its approvals, never stored twice."""

    name = models.CharField(max_length=120, unique=True)
    purpose = models.TextField(blank=True)
    owner = models.CharField(max_length=120, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)  # stop the line: nothing new of this wave is armed
    stop_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Window(models.Model):
    """When Prepare and Commit of a wave may start."""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="windows")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    zone = models.CharField(max_length=64, default="UTC", db_default="UTC")  # in which a person said the times
    opens_said = models.CharField(max_length=32, blank=True, db_default="")  # 2026-12-05T22:00+01:00: local words
    closes_said = models.CharField(max_length=32, blank=True, db_default="")
    rule = models.CharField(max_length=160, blank=True, db_default="")  # the weekly rule it came from, in words
    note = models.CharField(max_length=160, blank=True, db_default="")  # what the clocks do to it

    class Meta:
        ordering = ["opens_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="window_ends_after_it_opens"
            )
        ]


class Placement(models.Model):
    """One unit in one wave. A unit is in at most one wave."""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="placements")
    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, related_name="placement")
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField()

    class Meta:
        triggers = tallies.of_placements()


class Freeze(models.Model):
    """A stop switch. Scopes: `all`, `subscription:<id>`, `region:<region>`, `wave:<id>`, `verb:<verb>`. The row `all`
    always exists: arming takes it FOR SHARE, freezing FOR UPDATE, so that after a freeze is acknowledged nothing is
    armed (engine.md, reliability-notes P08)."""

    scope = models.CharField(primary_key=True, max_length=80)
    frozen = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    changed_by = models.CharField(max_length=80, blank=True)
    changed_at = models.DateTimeField(null=True)
    lift_asked_by = models.CharField(max_length=80, blank=True)  # unfreezing needs two people
    kept = models.CharField(max_length=300, blank=True)  # why nobody can lift it yet; empty: people may

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="two_people_lift",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF OLD.frozen AND NOT NEW.frozen"
                    " AND (OLD.lift_asked_by = '' OR NEW.changed_by IN ('', OLD.lift_asked_by)) THEN"
                    " RAISE EXCEPTION 'two people lift a freeze' USING ERRCODE = 'P0F16'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class Approval(models.Model):
    """A question to other people, bound by its seal to everything they were shown. `body` is the canonical JSON they
    saw.
    """

    class Kind(models.TextChoices):
        WAVE = "wave"
        COMMIT = "commit"

    kind = models.CharField(max_length=10, choices=Kind)
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="approvals")
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="approvals")  # commit only
    run_id = models.UUIDField(null=True)  # commit only; `runs` lies above this slice, so no foreign key
    body = models.TextField()
    # of the body; kept, because lists of waves ask for it and a body may be megabytes
    catalogue = models.GeneratedField(
        expression=KeyTextTransform("catalogue", Cast("body", models.JSONField())),
        output_field=models.TextField(null=True),
        db_persist=True,
    )
    digest = models.CharField(max_length=64)  # the seal: sha256("approval/1\n" + body)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")  # last editor then
    needed = models.IntegerField()  # decisions of other people
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "-requested_at"], name="approval_recent")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="wave", unit__isnull=True, run_id__isnull=True)
                | models.Q(kind="commit", unit__isnull=False, run_id__isnull=False),
                name="approval_names_its_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(voided_at__isnull=True, void_reason="")
                | (models.Q(voided_at__isnull=False) & ~models.Q(void_reason="")),
                name="approval_void_has_reason",
            ),
            models.UniqueConstraint(
                fields=["wave"],
                condition=models.Q(kind="wave", voided_at__isnull=True),
                name="one_open_wave_approval",
            ),
            models.UniqueConstraint(
                fields=["run_id"],
                condition=models.Q(kind="commit", voided_at__isnull=True),
                name="one_open_commit_approval",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="content_is_fixed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (OLD.body, OLD.digest, OLD.kind, OLD.wave_id, OLD.unit_id, OLD.run_id, OLD.requester_id,"
                    " OLD.editor_id, OLD.needed) IS DISTINCT FROM (NEW.body, NEW.digest, NEW.kind,"
                    " NEW.wave_id, NEW.unit_id,"
                    " NEW.run_id,"
                    " NEW.requester_id, NEW.editor_id, NEW.needed) OR OLD.voided_at IS NOT NULL"
                    " OR NEW.expires_at > OLD.expires_at"
                    " THEN RAISE EXCEPTION 'an approval never changes' USING ERRCODE = 'P0F07'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class Decisions(models.Manager["Decision"]):
    """Each with `.entitled`: whether the person may still approve now. A leaver's agreement does not count."""

    def get_queryset(self) -> models.QuerySet["Decision"]:
        grants = RoleGrant.objects.filter(user=models.OuterRef("approver"), user__is_active=True, role__in=APPROVERS)
        return super().get_queryset().annotate(entitled=models.Exists(grants))


class Decision(models.Model):
    """One person's answer to one approval. The database refuses the requester, the last editor and a second answer."""

    objects = Decisions()

    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, related_name="decisions")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved = models.BooleanField()
    digest = models.CharField(max_length=64)  # of the page they decided on
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "approver"], name="one_decision_per_person"),
            models.CheckConstraint(
                condition=models.Q(approved=True) | ~models.Q(reason=""), name="rejection_has_reason"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="second_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("a", "tracker_approval")],
                func=pgtrigger.Func(
                    "SELECT * INTO STRICT a FROM tracker_approval WHERE id = NEW.approval_id FOR UPDATE;"
                    " IF NEW.approver_id IN (a.requester_id, a.editor_id) THEN"
                    " RAISE EXCEPTION 'self-approval refused' USING ERRCODE = 'P0F08'; END IF;"
                    " IF TG_OP = 'INSERT' AND (a.voided_at IS NOT NULL OR a.expires_at < clock_timestamp()"
                    " OR a.digest <> NEW.digest) THEN"
                    " RAISE EXCEPTION 'approval is not open' USING ERRCODE = 'P0F09'; END IF;"
                    " IF TG_OP = 'UPDATE' AND ((OLD.approval_id, OLD.approver_id, OLD.approved, OLD.digest, OLD.reason,"
                    " OLD.decided_at) IS DISTINCT FROM (NEW.approval_id, NEW.approver_id, NEW.approved, NEW.digest,"
                    " NEW.reason, NEW.decided_at) OR OLD.revoked_at IS NOT NULL) THEN"
                    " RAISE EXCEPTION 'a decision never changes' USING ERRCODE = 'P0F10'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]
