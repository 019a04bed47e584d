"""What the catalogue says of a unit, and what the platform itself answered."""

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
