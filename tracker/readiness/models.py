"""What the catalogue says of a unit, and what the platform itself answered."""

import pgtrigger
from django.conf import settings
from django.db import models

from tracker.audit.models import append_only
from tracker.inventory.models import Unit


class Assessment(models.Model):
    """One evaluation of a unit that changed something: verdict, score with its parts, digest over all findings."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="assessments")
    at = models.DateTimeField()
    catalogue_version = models.CharField(max_length=64)
    verdict = models.CharField(max_length=20)
    score = models.IntegerField()
    deductions = models.JSONField()  # [{"points", "rule", "resource", "reason"}]
    digest = models.CharField(max_length=64)  # over the findings, canonical JSON
    errors = models.JSONField(default=list)  # [{"rule", "error"}]: rules of ours that failed; their finding is unknown
    # The quota sums it was made with, as told by the slice of quota: [{"provider", "family", "need", "available"}], or
    # null when nobody had counted. The next evaluation uses them when its caller brings none.
    shortfalls = models.JSONField(null=True)
    # Whether the gateway had verbs for a unit of this kind, as it said itself, or null when nobody said. Kept likewise.
    movable = models.BooleanField(null=True)
    # Which findings it opened and closed, beside the one before (`actions.storing.turned`); null for the first of a
    # unit and for those made before this was recorded.
    turned = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["unit", "-at"], name="assessment_recent")]


class Finding(models.Model):
    """The current outcome of one rule for one resource of a unit."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=40)
    effect = models.CharField(max_length=10)
    outcome = models.CharField(max_length=10)
    source = models.CharField(max_length=10, default="catalogue")  # catalogue | platform
    resource_key = models.CharField(max_length=600)
    resource_name = models.CharField(max_length=260)
    sentence = models.TextField()
    evidence = models.JSONField(default=list)  # [{"field", "value"}]
    settles = models.TextField(blank=True)  # what would settle an unknown
    waived = models.BooleanField(default=False, db_default=False)  # set aside: counts in no verdict and no score
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "rule", "resource_key"], name="one_finding")]
        indexes = [
            models.Index(fields=["unit", "effect", "outcome"], name="finding_unit"),
            models.Index(fields=["rule", "outcome"], name="finding_rule"),
            # what the overview and the Rules page count: one finding in ten asks something of somebody
            models.Index(
                fields=["outcome", "effect", "rule", "unit"],
                name="finding_open",
                condition=models.Q(outcome__in=["yes", "unknown"]),
            ),
            # what became true since an approval was asked for
            models.Index(
                fields=["since", "unit"],
                name="finding_new",
                condition=models.Q(outcome="yes", effect__in=["blocks", "downtime", "dropped"], waived=False),
            ),
        ]


class PlatformAnswer(models.Model):
    """What Validate or Prepare answered for a unit. The newest Validate speaks for seven days (rules.md 6)."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="platform_answers")
    verb = models.CharField(max_length=10)
    at = models.DateTimeField()
    passed = models.BooleanField()
    messages = models.JSONField(default=list)  # PlatformMessage as dicts

    class Meta:
        indexes = [models.Index(fields=["unit", "-at"], name="answer_recent")]
        triggers = append_only()


class SettledAnswer(models.Model):
    """What an answer named is so no longer, as a later reading shows: it counts no more. The answer itself stays."""

    answer = models.OneToOneField(PlatformAnswer, on_delete=models.CASCADE, related_name="settled")
    at = models.DateTimeField()
    why = models.CharField(max_length=400)

    class Meta:
        triggers = append_only()


class ConfigurationFile(models.Model):
    """A .cscfg or .csdef somebody gave of a deployment: its text without secrets, and what Azure showed then. One of
    each kind counts for a deployment, until it is replaced or withdrawn."""

    class End(models.TextChoices):
        REPLACED = "replaced"
        WITHDRAWN = "withdrawn"

    resource_key = models.CharField(max_length=600)  # of the deployment
    kind = models.CharField(max_length=10)  # cscfg | csdef
    file_name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64)  # sha256 of the text below
    text = models.TextField()
    seen = models.JSONField()  # migrator.readiness.files.showing
    given_by = models.CharField(max_length=80)
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end = models.CharField(max_length=10, choices=End, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resource_key", "kind"],
                name="one_counting_file",
                condition=models.Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by="", end="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(ended_by="") & ~models.Q(end="")),
                name="file_end_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["resource_key", "-ended_at"], name="file_ended"),
            models.Index(fields=["given_by", "-given_at"], name="file_given"),
        ]


class Attestation(models.Model):
    """A person's dated answer where no API can tell. One counts for a rule and a subject, until it is replaced or
    withdrawn; whether it has run out is a question of the clock (`until`), closed in the books by beat."""

    class Reach(models.TextChoices):
        RESOURCE = "resource"
        UNIT = "unit"
        SUBSCRIPTION = "subscription"

    class End(models.TextChoices):
        REPLACED = "replaced"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    rule = models.CharField(max_length=40)
    reach = models.CharField(max_length=12, choices=Reach)
    subject = models.CharField(max_length=600)  # key of the resource or the unit, or the subscription's id
    subject_name = models.CharField(max_length=260)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="attestations")  # where it was given
    applies = models.BooleanField()  # the rule applies (True) or does not (False)
    why = models.TextField()
    until = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end = models.CharField(max_length=10, choices=End, blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"], name="one_attestation", condition=models.Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("at")),
                name="attestation_has_time",
            ),
            models.CheckConstraint(condition=~models.Q(why=""), name="attestation_says_why"),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by="", end="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(ended_by="") & ~models.Q(end="")),
                name="attestation_end_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "rule"], name="attestation_subject"),
            models.Index(fields=["-at", "-id"], name="attestation_recent"),
            models.Index(fields=["until"], name="attestation_due", condition=models.Q(ended_at__isnull=True)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="said_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (to_jsonb(OLD) - ARRAY['ended_at', 'ended_by', 'end', 'end_reason']) IS DISTINCT FROM"
                    " (to_jsonb(NEW) - ARRAY['ended_at', 'ended_by', 'end', 'end_reason']) OR OLD.ended_at IS NOT NULL"
                    " THEN RAISE EXCEPTION 'what a person attested never changes' USING ERRCODE = 'P0F17'; END IF;"
                    " RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]


class Waiver(models.Model):
    """A finding set aside: one person asks with a reason and an end, another agrees. It ends by itself at its end, or
    when the finding rests on something else than what was agreed to (`shown`)."""

    class State(models.TextChoices):
        ASKED = "asked"
        APPROVED = "approved"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        ENDED = "ended"

    class End(models.TextChoices):
        EXPIRED = "expired"
        REVOKED = "revoked"
        CHANGED = "changed"  # the finding rests on something else now
        SETTLED = "settled"  # the rule no longer applies

    LIVE = (State.ASKED, State.APPROVED)

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="waivers")
    rule = models.CharField(max_length=40)
    effect = models.CharField(max_length=10)
    resource_key = models.CharField(max_length=600)
    resource_name = models.CharField(max_length=260)
    sentence = models.TextField()  # of the finding, as both people saw it
    evidence = models.JSONField(default=list)
    shown = models.CharField(max_length=64)  # migrator.readiness.waiving.shown
    reason = models.TextField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end = models.CharField(max_length=10, choices=End, blank=True)
    end_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "rule", "resource_key"],
                condition=models.Q(state__in=["asked", "approved"]),
                name="one_live_waiver",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True, decided_at__isnull=True)
                | models.Q(decided_by__isnull=False, decided_at__isnull=False),
                name="waiver_decision_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["asked", "withdrawn"]) | models.Q(decided_by__isnull=False),
                name="waiver_is_decided",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="waiver_has_reason"),
            models.CheckConstraint(condition=models.Q(until__gt=models.F("asked_at")), name="waiver_has_time"),
            models.CheckConstraint(
                condition=(models.Q(state="ended") & ~models.Q(end="")) | (~models.Q(state="ended") & models.Q(end="")),
                name="waiver_end_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-asked_at", "id"], name="waiver_state"),
            models.Index(fields=["unit", "-asked_at"], name="waiver_unit"),
            models.Index(fields=["until"], name="waiver_due", condition=models.Q(state__in=["asked", "approved"])),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    ("asked", "approved"),
                    ("asked", "declined"),
                    ("asked", "withdrawn"),
                    ("approved", "ended"),
                ],
            ),
            pgtrigger.Trigger(
                name="second_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("later", "text[] := ARRAY['state', 'ended_at', 'ended_by', 'end', 'end_reason']")],
                func=pgtrigger.Func(
                    "IF NEW.decided_by_id = NEW.asked_by_id THEN"
                    " RAISE EXCEPTION 'self-approval refused' USING ERRCODE = 'P0F18'; END IF;"
                    " IF TG_OP = 'INSERT' AND NEW.state <> 'asked' THEN"
                    " RAISE EXCEPTION 'a waiver begins by being asked for' USING ERRCODE = 'P0F19'; END IF;"
                    " IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - later) IS DISTINCT FROM (to_jsonb(NEW) - later)"
                    " AND (OLD.decided_by_id IS NOT NULL OR (to_jsonb(OLD) - later - 'decided_by_id' - 'decided_at'"
                    " - 'decision_reason') IS DISTINCT FROM (to_jsonb(NEW) - later - 'decided_by_id' - 'decided_at'"
                    " - 'decision_reason')) THEN"
                    " RAISE EXCEPTION 'what was agreed to never changes' USING ERRCODE = 'P0F19'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]


class Recheck(models.Model):
    """Somebody wants a unit, or every unit a rule touches, looked at again now. `unit` is None for a rule, `rule` is
    empty for a unit. Of a unit the subscription is read first; of a rule, what is known is asked again."""

    class State(models.TextChoices):
        WANTED = "wanted"
        DONE = "done"
        FAILED = "failed"

    unit = models.ForeignKey(Unit, null=True, on_delete=models.CASCADE, related_name="rechecks")
    rule = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WANTED)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # when the ticker looks next; null: at its end
    seen = models.BigIntegerField(default=0)  # of a rule: units up to this number are assessed
    units = models.IntegerField(default=0)  # assessed
    changed = models.IntegerField(default=0)
    before = models.CharField(max_length=20, blank=True)  # verdict of the unit when asked
    after = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(unit__isnull=False, rule="") | (models.Q(unit__isnull=True) & ~models.Q(rule="")),
                name="recheck_of_one_thing",
            ),
            models.UniqueConstraint(
                fields=["unit"], condition=models.Q(state="wanted", unit__isnull=False), name="one_recheck_of_unit"
            ),
            models.UniqueConstraint(
                fields=["rule"], condition=models.Q(state="wanted", unit__isnull=True), name="one_recheck_of_rule"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="recheck_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["unit", "-asked_at"], name="recheck_unit"),
            models.Index(fields=["rule", "-asked_at"], name="recheck_rule"),
        ]
