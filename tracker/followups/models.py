"""What the platform drops: captured before Prepare, owed after Commit, closed only when a probe sees it."""

from django.db import models

from tracker.audit.models import append_only
from tracker.inventory import tallies
from tracker.inventory.models import Unit


class CapturedSetting(models.Model):
    """A setting as read before Prepare. `document` in wire format, secrets removed."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="captured_settings")
    source_key = models.CharField(max_length=600)
    kind = models.CharField(max_length=140)  # migrator.resources.ResourceType
    name = models.CharField(max_length=260)
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    captured_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "source_key"], name="one_capture")]


class Capture(models.Model):
    """One complete or incomplete reading of everything that will be dropped. Prepare does not start while it is
    incomplete, unless a person accepts by name what is missing (`AcceptedGap`).
    """

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="captures")
    at = models.DateTimeField()
    complete = models.BooleanField()
    missing = models.JSONField(default=list)  # [{"resource", "action", "sentence"}]
    before = models.JSONField(default=list)  # the unit's classic documents as read at that moment
    digest = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["unit", "-at"], name="capture_recent")]


class AcceptedGap(models.Model):
    """A named person lets Prepare start although these parts could not be read before it. Holds for one run; what could
    not be read becomes work for people after Commit."""

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="accepted_gaps")
    run = models.UUIDField()  # tracker.runs.Run, which stands above this slice
    missing = models.JSONField()  # [{"resource", "action", "sentence"}] as told to the person
    by = models.CharField(max_length=80)
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(by="") & ~models.Q(reason="") & ~models.Q(missing=[]), name="gap_accepted_by_name"
            ),
        ]
        indexes = [models.Index(fields=["run", "-at"], name="accepted_gap_run")]
        triggers = append_only()


_CLOSED = ["seen", "attested", "wont-do"]


class FollowUp(models.Model):
    class State(models.TextChoices):
        QUESTION = "question"  # a person has to answer first
        TODO = "to-do"  # no request does it: a person does, and says so
        OPEN = "open"
        WANTED = "wanted"  # somebody asked to apply it
        APPLIED = "applied"  # sent; not yet seen
        CLOSED = "closed"  # seen by a probe, attested by a person, or an agreed "won't do"
        FAILED = "failed"  # refused by the platform; the words are in last_error

    class Closing(models.TextChoices):
        SEEN = "seen", "Seen by a probe"
        ATTESTED = "attested", "Attested by a person"
        WONT_DO = "wont-do", "Won't be done"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="follow_ups")
    captured = models.ForeignKey(CapturedSetting, null=True, on_delete=models.SET_NULL, related_name="follow_ups")
    identity = models.CharField(max_length=64)  # digest of RequiredFollowUp.key: opening twice changes nothing
    kind = models.CharField(max_length=40)  # migrator.followups.Kind
    title = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    rules = models.JSONField(default=list)
    sources = models.JSONField(default=list)
    was = models.JSONField(default=list)  # short facts about what stood there before, a line each
    notes = models.JSONField(default=list)
    new_target = models.CharField(max_length=600, blank=True)
    basis = models.JSONField(default=dict)  # with `answers` enough to build the requests: migrator.followups.rebuilt
    answers = models.JSONField(default=dict)
    stage = models.IntegerField(default=0)  # stages seen to be done
    sent = models.BooleanField(default=False)  # the current stage's request was accepted
    owner = models.CharField(max_length=120, blank=True)
    due_on = models.DateField(null=True)  # by when it should be done
    reminded = models.IntegerField(default=0)  # the last reminder told: days before the day, -1 once it passed; 0 none
    holds = models.BooleanField(default=True)  # its run is not closed before it is; not so the work of people
    # A person says it is done, where no read can tell.
    attested_by = models.CharField(max_length=80, blank=True)
    attested_at = models.DateTimeField(null=True)
    attestation = models.TextField(blank=True)
    # A person asks that it not be done; another agrees, and only then it is closed.
    wont_by = models.CharField(max_length=80, blank=True)
    wont_at = models.DateTimeField(null=True)
    wont_why = models.TextField(blank=True)
    agreed_by = models.CharField(max_length=80, blank=True)
    agreed_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    wanted_by = models.CharField(max_length=80, blank=True)
    wanted_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    probed_at = models.DateTimeField(null=True)
    probe_says = models.JSONField(default=list)  # what the last probe missed; empty: seen
    closed_at = models.DateTimeField(null=True)
    closed_how = models.CharField(max_length=20, choices=Closing, blank=True)
    last_error = models.TextField(blank=True)
    tries = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    checks = models.IntegerField(default=0)  # how often it was looked at again by itself, since it was closed
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "identity"], name="one_follow_up"),
            models.CheckConstraint(
                condition=models.Q(state="closed", closed_at__isnull=False, closed_how__in=_CLOSED)
                | (~models.Q(state="closed") & models.Q(closed_how="")),
                name="follow_up_says_how_it_closed",
            ),
            models.CheckConstraint(
                condition=~models.Q(closed_how="attested")
                | (~models.Q(attested_by="") & ~models.Q(attestation="") & models.Q(attested_at__isnull=False)),
                name="attested_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(closed_how="wont-do")
                | (~models.Q(wont_by="") & ~models.Q(agreed_by="") & ~models.Q(wont_by=models.F("agreed_by"))),
                name="wont_do_takes_two",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "kind", "id"], name="follow_up_state"),
            models.Index(fields=["due_at"], name="follow_up_due", condition=models.Q(due_at__isnull=False)),
            models.Index(
                fields=["due_on"],
                name="follow_up_day",
                condition=models.Q(due_on__isnull=False, closed_at__isnull=True),
            ),
            models.Index(
                fields=["wont_at"],
                name="follow_up_wont",
                condition=models.Q(wont_at__isnull=False, closed_at__isnull=True),
            ),
        ]
        triggers = tallies.of_follow_ups()
