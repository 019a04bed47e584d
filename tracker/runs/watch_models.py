"""What is watched beside the runs: where Azure differs from what we hold, the later checks of end states, and which
database this is."""

import pgtrigger
from django.db import models

from migrator.lifecycle.outside import Drift as Kind
from tracker.audit.models import no_truncate
from tracker.inventory.models import Unit
from tracker.runs.models import Run


class Drift(models.Model):
    """Azure shows something else than we hold of a unit. Open while `ended_at` is empty; one of a kind per unit."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="drifts")
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="drifts")
    kind = models.CharField(max_length=24, choices=[(k.value, k.value) for k in Kind])
    world = models.CharField(max_length=20, blank=True)  # migrator.lifecycle.World, as seen
    side = models.CharField(max_length=12, blank=True)  # of classic, as seen
    said = models.CharField(max_length=500)
    advice = models.CharField(max_length=500)  # what a person does next
    source = models.CharField(max_length=10)  # sync | check | database
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # the newest reading that shows it
    noted_by = models.CharField(max_length=80, blank=True)  # Actor.key of who knows of it
    noted_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    ended_how = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "kind"], condition=models.Q(ended_at__isnull=True), name="one_open_drift"
            ),
        ]
        triggers = [pgtrigger.Protect(name="stays", operation=pgtrigger.Delete), no_truncate()]


class EndCheck(models.Model):
    """One later reading of an end state: +5 min, +1 h, +24 h after a Commit, an Abort or a failed Prepare."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="end_checks")
    ended = models.CharField(max_length=16)  # committed | aborted | failed prepare
    number = models.IntegerField()  # 1, 2, 3
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    at = models.DateTimeField(null=True)  # when it was read; empty: not yet
    world = models.CharField(max_length=20, blank=True)
    said = models.CharField(max_length=300, blank=True)  # empty: as it should be
    skipped = models.BooleanField(default=False)  # the run went on before it was due: nothing to check any more

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["due_at"], name="end_check_due", condition=models.Q(at__isnull=True))]


class ClusterEpoch(models.Model):
    """Which database this is, as far as anybody outside it can tell. The newest row counts; a new one is begun when
    the database is another one, or an older state of itself, than was known outside (decisions/epoch.md)."""

    class State(models.TextChoices):
        OPEN = "open"
        QUARANTINE = "quarantine"  # what was sent may still arrive
        READING = "reading"  # every unit with a live or recent run is read twice
        WAITING = "waiting"  # two people release it by lifting the freeze

    system = models.CharField(max_length=24)  # pg_control_system().system_identifier
    timeline = models.BigIntegerField()  # pg_control_checkpoint().timeline_id
    database = models.BigIntegerField()  # pg_database.oid
    nonce = models.CharField(max_length=32)  # the same is kept outside
    mark = models.BigIntegerField(default=1)  # rises every 30 s; outside the highest is kept
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    started_at = models.DateTimeField()
    cause = models.CharField(max_length=300, blank=True)  # how it was noticed; empty: the first start
    quiet_until = models.DateTimeField(null=True)
    lost = models.BigIntegerField(default=0)  # events known outside which this database does not have
    opened_at = models.DateTimeField(null=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="stays", operation=pgtrigger.Delete), no_truncate()]


class ReadBack(models.Model):
    """One unit read twice after the database changed."""

    epoch = models.ForeignKey(ClusterEpoch, on_delete=models.PROTECT, related_name="read_back")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    first_world = models.CharField(max_length=20, blank=True)
    first_at = models.DateTimeField(null=True)
    world = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(null=True)  # of the second, equal reading; empty: not yet
    said = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["epoch", "unit"], name="one_read_back")]


class Violation(models.Model):
    """Something that can never be so, and is (runs/assertions.py). Open while `ended_at` is empty."""

    name = models.CharField(max_length=40)  # of the assertion
    subject = models.CharField(max_length=60)  # id of the row it is about; "database" for the whole
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="violations")
    said = models.CharField(max_length=300)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "subject"], condition=models.Q(ended_at__isnull=True), name="one_open_violation"
            ),
        ]
        triggers = [pgtrigger.Protect(name="stays", operation=pgtrigger.Delete), no_truncate()]
