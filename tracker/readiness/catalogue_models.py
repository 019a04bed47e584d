"""Which catalogue of rules is in force, which waits, and what switching it on would do."""

import pgtrigger
from django.db import models

from tracker.inventory.models import Unit


class CatalogueVersion(models.Model):
    """One catalogue this product came to know, each time it came. The one switched on last is in force; the code's own
    waits while it is another (decisions/catalogue-in-force.md). Rows stay; switching on is written once."""

    version = models.CharField(max_length=64)  # migrator.readiness.catalogue_version
    manifest = models.JSONField()  # migrator.readiness.manifest.Manifest
    known_since = models.DateTimeField()
    switched_on_at = models.DateTimeField(null=True)
    switched_on_by = models.CharField(max_length=80, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=models.Q(switched_on_at__isnull=True), name="one_waiting_catalogue"
            ),
            models.CheckConstraint(
                condition=models.Q(switched_on_at__isnull=True, switched_on_by="", reason="")
                | (models.Q(switched_on_at__isnull=False) & ~models.Q(switched_on_by="") & ~models.Q(reason="")),
                name="switching_on_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-switched_on_at", "-id"],
                name="catalogue_in_force",
                condition=models.Q(switched_on_at__isnull=False),
            )
        ]
        triggers = [
            pgtrigger.Trigger(
                name="switched_on_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (OLD.version, OLD.manifest, OLD.known_since) IS DISTINCT FROM"
                    " (NEW.version, NEW.manifest, NEW.known_since) OR OLD.switched_on_at IS NOT NULL"
                    " THEN RAISE EXCEPTION 'which catalogue was in force stays' USING ERRCODE = 'P0F20'; END IF;"
                    " RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]


class AnsweredAhead(models.Model):
    """Findings of a unit which the check of a waiting catalogue gave, because the one in force had no answer and its
    check is no longer in the code: `rows` is [[rule, resource key]]. They are in force once `version` is."""

    unit = models.OneToOneField(Unit, primary_key=True, on_delete=models.CASCADE, related_name="answered_ahead")
    version = models.CharField(max_length=64)
    rows = models.JSONField()


class CatalogueWork(models.Model):
    """A walk over all units: to see what a waiting catalogue would change, or to assess them after it was switched on.
    Made of short steps; each is stored with the place where the next one goes on."""

    class Kind(models.TextChoices):
        PREVIEW = "preview"
        ASSESS = "assess"

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        OUTDATED = "outdated"  # another catalogue came or was switched on meanwhile

    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    catalogue = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="works")
    base = models.ForeignKey(CatalogueVersion, on_delete=models.PROTECT, related_name="+")  # in force when it was asked
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    as_of = models.DateTimeField()  # of the inventory it speaks of
    since = models.DateTimeField(null=True)  # only units changed or assessed since are looked at; null: all
    at_subscription = models.CharField(max_length=36, blank=True)  # where it goes on: after this unit of it
    at_unit = models.BigIntegerField(default=0)
    units = models.IntegerField(default=0)  # looked at
    total = models.IntegerField(default=0)  # to look at
    changed = models.IntegerField(default=0)  # of an assessment: stored anew
    due_at = models.DateTimeField(null=True)  # when the ticker looks next; null: at its end
    lease_until = models.DateTimeField(null=True)
    holder = models.CharField(max_length=32, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(state="running"), name="one_catalogue_work_of_a_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(state="running", ended_at__isnull=True, due_at__isnull=False)
                | (~models.Q(state="running") & models.Q(ended_at__isnull=False, due_at__isnull=True)),
                name="catalogue_work_end_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="catalogue_work_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["kind", "-id"], name="catalogue_work_recent"),
        ]


class CatalogueEffect(models.Model):
    """What a waiting catalogue would change of one unit. Units of which nothing would change have no row."""

    work = models.ForeignKey(CatalogueWork, on_delete=models.CASCADE, related_name="effects")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    verdict_before = models.CharField(max_length=20)
    verdict_after = models.CharField(max_length=20)
    score_before = models.IntegerField()
    score_after = models.IntegerField()
    came = models.JSONField(default=list)  # [{"rule", "effect", "outcome"}] that ask something then and not now
    went = models.JSONField(default=list)  # the same, the other way round
    digest = models.CharField(max_length=64)  # over the findings, as an assessment would store it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work", "unit"], name="one_effect_per_unit")]
        indexes = [
            models.Index(fields=["work", "verdict_before", "verdict_after", "unit"], name="catalogue_effect_verdicts")
        ]
