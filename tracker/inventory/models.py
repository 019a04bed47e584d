"""What Azure has: resources as read, immutable snapshots, and the units the platform moves."""

import uuid
from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, Func, IntegerField, Value, When

from migrator.lifecycle import Health, State
from migrator.readiness import Verdict
from tracker.audit.models import append_only
from tracker.inventory import tallies

VERDICTS = (Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.READY_WITH_CHANGE, Verdict.READY)  # what asks most first


def _rank(column: str, order: Iterable[str]) -> models.GeneratedField:
    """The place of a word in its own order, not the alphabet's; other words last. Kept, so that an index holds it."""
    words = [str(word) for word in order]
    whens = [When(**{column: word}, then=Value(place)) for place, word in enumerate(words)]
    ranked = Case(*whens, default=Value(len(words)), output_field=IntegerField())
    return models.GeneratedField(expression=ranked, output_field=models.SmallIntegerField(), db_persist=True)


class Grams(Func):
    """The pieces of three letters of texts, as an array: with an index over it, a part of a name is found without
    reading every name."""

    function = "tracker_grams"
    output_field = ArrayField(models.TextField())


def _segment(place: int) -> Func:
    """A segment of an ARM id: 5 is the resource group, 9 the name of the resource."""
    return Func(F("key"), Value("/"), Value(place), function="split_part", output_field=models.TextField())


class Subscription(models.Model):
    """One Azure subscription. `registrations`: {"Microsoft.X" or "Microsoft.X/Feature": state or null when unknown}."""

    id = models.CharField(primary_key=True, max_length=36)  # Azure's id, lower case
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=40, blank=True)
    tenant = models.CharField(max_length=36, blank=True)
    registrations = models.JSONField(default=dict)
    registrations_read_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)  # end of the last complete sync
    sync_wanted_at = models.DateTimeField(null=True)  # somebody pressed "Sync now"
    sync_wanted_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Sync(models.Model):
    """One reading of one subscription. Lives while `ended_at` is empty and the lease holds; two at once are refused."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        COMPLETE = "complete"
        PARTIAL = "partial"  # some parts could not be read; their facts are unknown
        FAILED = "failed"

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="syncs")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.RUNNING)
    added = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    gone = models.IntegerField(default=0)
    unchanged = models.IntegerField(default=0)
    unreadable = models.JSONField(default=list)  # [{"resource", "action", "sentence"}]
    error = models.TextField(blank=True)  # one sentence for a person; while it runs: what it waits for
    started_by = models.CharField(max_length=80)
    # Where it stands: a reading is made of short steps, each stored with the place where the next one goes on.
    holder = models.CharField(max_length=32, blank=True)  # who reads at this moment; empty: nobody, the next one may
    cursor = models.TextField(blank=True)  # of the gateway (`Reached`); empty: from the beginning
    parts = models.IntegerField(default=0)  # stored so far
    listed = models.IntegerField(default=0)  # documents read so far
    attempts = models.IntegerField(default=0)  # failed in a row since the last part that was stored
    resume_at = models.DateTimeField(null=True)  # nothing is asked before: Azure's Retry-After, or a pause of ours
    registrations = models.JSONField(null=True)  # as read at the beginning; null: not readable
    followed_at = models.DateTimeField(null=True)  # usages read and units assessed

    class Meta:
        indexes = [models.Index(fields=["subscription", "-started_at"], name="sync_recent")]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"], condition=models.Q(ended_at__isnull=True), name="one_sync_per_subscription"
            )
        ]


class SyncPart(models.Model):
    """What one step of a running sync saw and did not have to write. Deleted with the end of the sync."""

    sync = models.ForeignKey(Sync, on_delete=models.CASCADE, related_name="stored_parts")
    number = models.IntegerField()
    seen = ArrayField(models.BigIntegerField())  # ids of stored resources which were listed unchanged
    unreadable = models.JSONField(default=list)  # [{"resource", "action", "sentence"}], not shortened

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "number"], name="one_sync_part_per_number")]


class StagedResource(models.Model):
    """A new or changed document of a running sync, as `documents.Row`. Deleted with the end of the sync."""

    sync = models.ForeignKey(Sync, on_delete=models.CASCADE, related_name="staged")
    key = models.CharField(max_length=600)
    azure_id = models.CharField(max_length=600)
    type = models.CharField(max_length=120)
    name = models.CharField(max_length=260)
    region = models.CharField(max_length=40, blank=True)
    document = models.JSONField()
    digest = models.CharField(max_length=64)
    sources = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "key"], name="one_staged_row_per_key")]


class RegistrationRequest(models.Model):
    """Somebody's wish that Azure registers a provider or a feature; sent and watched by the worker (azure.md 7)."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="registration_requests")
    name = models.CharField(max_length=120)  # "Microsoft.Compute" or "Microsoft.Compute/CloudServices"
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    sent_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=60, blank=True)  # Azure's word, verbatim
    read_at = models.DateTimeField(null=True)  # when that was its word
    due_at = models.DateTimeField(null=True)  # when to look again; null: never
    lease_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=1000, blank=True)  # one sentence

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="registration_due", condition=models.Q(ended_at__isnull=True))]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "name"],
                condition=models.Q(ended_at__isnull=True),
                name="one_registration_at_once",
            )
        ]


class Discovery(models.Model):
    """Somebody's wish that the worker looks which subscriptions the credential can see."""

    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    ended_at = models.DateTimeField(null=True)
    found = models.IntegerField(default=0)
    error = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-asked_at"]


class Unit(models.Model):
    """What the platform moves as one. Verdict, score and counts are kept on the row for the list and written by the
    action that changes them.
    """

    key = models.CharField(max_length=400, unique=True)  # lower-case ARM id the verb goes to
    azure_id = models.CharField(max_length=400)  # the same id as the platform wrote it
    kind = models.CharField(max_length=30)  # migrator.units.UnitKind
    name = models.CharField(max_length=120)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="units")
    region = models.CharField(max_length=40, blank=True)
    owner = models.CharField(max_length=120, blank=True)
    progress = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State], default=State.DISCOVERED)
    health = models.CharField(max_length=10, choices=[(h.value, h.value) for h in Health], default=Health.ON_TRACK)
    health_reason = models.CharField(max_length=300, blank=True)
    locked_since = models.DateTimeField(null=True)  # management plane locked (Prepare … Commit or Abort)
    verdict = models.CharField(max_length=20, default="unknown")  # ready | ready-with-change | blocked | unknown
    score = models.IntegerField(default=0)  # 0–100
    blockers = models.IntegerField(default=0)  # findings by effect, outcome yes
    changes = models.IntegerField(default=0)
    unknowns = models.IntegerField(default=0)
    open_rules = ArrayField(models.TextField(), default=list)  # "yes RULE", "unknown RULE", "blocks RULE", "only RULE"
    verdict_rank = _rank("verdict", VERDICTS)
    progress_rank = _rank("progress", State)
    member_count = models.IntegerField(default=0)
    assessed_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()  # a member was added, changed or removed
    gone_at = models.DateTimeField(null=True)  # no longer listed on the classic side (after Commit: expected)

    class Meta:
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["verdict", "name", "id"], name="unit_verdict"),
            models.Index(fields=["progress", "name", "id"], name="unit_progress"),
            models.Index(fields=["subscription", "region", "name", "id"], name="unit_place"),
            models.Index(fields=["name", "id"], name="unit_name"),
            # the other orders of the list, and what few units have of what it is filtered by
            models.Index(fields=["score", "name", "id"], name="unit_score"),
            models.Index(fields=["verdict_rank", "score", "name", "id"], name="unit_verdict_rank"),
            models.Index(fields=["progress_rank", "name", "id"], name="unit_progress_rank"),
            models.Index(fields=["region", "name", "id"], name="unit_region"),
            models.Index(fields=["kind", "name", "id"], name="unit_kind"),
            models.Index(fields=["health", "name", "id"], name="unit_health"),
            models.Index(fields=["owner", "name", "id"], name="unit_owner"),
            models.Index(fields=["changed_at", "id"], name="unit_changed"),
            models.Index(fields=["id"], name="unit_locked", condition=models.Q(locked_since__isnull=False)),
            GinIndex(Grams(F("name"), _segment(5), _segment(9)), name="unit_grams"),
            GinIndex(fields=["open_rules"], name="unit_rules"),
        ]
        triggers = tallies.of_units()

    def __str__(self) -> str:
        return self.name


class Resource(models.Model):
    """One classic thing as Azure lists it, with the newest reading in `document` (wire format, secrets removed)."""

    key = models.CharField(max_length=600, unique=True)  # lower-case ARM id
    azure_id = models.CharField(max_length=600)
    type = models.CharField(max_length=120, db_index=True)  # migrator.resources.ResourceType
    name = models.CharField(max_length=260)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="resources")
    region = models.CharField(max_length=40, blank=True)
    unit = models.ForeignKey(Unit, null=True, on_delete=models.SET_NULL, related_name="members")
    membership = models.CharField(max_length=300, blank=True)  # why it belongs to the unit
    document = models.JSONField()
    digest = models.CharField(max_length=64)  # sha256 of the canonical document
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seen_at = (
        models.DateTimeField()
    )  # of the sync that last changed or first saw it; age of an unchanged one is the sync's
    gone_at = models.DateTimeField(null=True)
    sources = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # ↑ path → who said it (`migrator.gateway.protocol`); "" is the whole
    unseen_since = models.DateTimeField(null=True)  # newest reading of it, when later ones could not list it

    class Meta:
        ordering = ["key"]
        indexes = [
            models.Index(fields=["unit", "key"], name="resource_unit"),
            models.Index(
                fields=["subscription", "key"], name="resource_live", condition=models.Q(gone_at__isnull=True)
            ),
            GinIndex(Grams(F("name")), name="resource_grams", condition=models.Q(unit__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class Snapshot(models.Model):
    """Immutable, content-addressed copy of a resource as it was read."""

    resource_key = models.CharField(max_length=600)
    digest = models.CharField(max_length=64)
    document = models.JSONField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource_key", "digest"], name="one_snapshot_per_content")]
        indexes = [models.Index(fields=["resource_key", "-taken_at"], name="snapshot_recent")]
        triggers = append_only()


class Import(models.Model):
    """One uploaded estate file: previewed row by row, then applied as previewed, or not at all."""

    class State(models.TextChoices):
        PREVIEWED = "previewed"
        APPLIED = "applied"
        DISCARDED = "discarded"
        REFUSED = "refused"  # the file cannot be used; `refusal` says why

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State)
    file_name = models.CharField(max_length=120)
    file_digest = models.CharField(max_length=64)  # sha256 of the bytes
    size = models.BigIntegerField()  # bytes
    kind = models.CharField(max_length=4, blank=True)  # migrator.captures.values.Kind
    as_of = models.DateTimeField(null=True)  # when what the file says was so
    subscriptions = models.JSONField(default=list)  # [{"id", "name", "state", "tenant", "whole": bool, "new": bool}]
    registrations = models.JSONField(default=dict)  # {subscription: {name: state}}
    usages = models.JSONField(default=list)  # [[subscription, location, provider, name, current, limit]]
    unreadable = models.JSONField(default=list)  # [{"resource", "action", "sentence"}]
    notes = models.JSONField(default=list)  # sentences about the file
    counts = models.JSONField(default=dict)  # {status of ImportRow: number}
    seal = models.CharField(max_length=64, blank=True)  # sha256 over everything that applying would write
    refusal = models.TextField(blank=True)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=80)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=80, blank=True)
    followed_at = models.DateTimeField(null=True)  # applied: quota kept and units assessed
    lease_until = models.DateTimeField(null=True)  # somebody is at that

    class Meta:
        ordering = ["-uploaded_at"]
        indexes = [models.Index(fields=["uploaded_by", "-uploaded_at"], name="import_recent")]

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """What importing one row of the file does. `text`: the document to be stored, as canonical JSON; empty when none
    is, and after the import was closed."""

    class Status(models.TextChoices):
        ADDED = "added"
        CHANGED = "changed"
        UNCHANGED = "unchanged"
        KEPT = "kept"  # a younger reading stands
        GONE = "gone"  # the file lists its whole subscription, and not this
        LEFT_OUT = "left out"  # nothing the inventory keeps
        REFUSED = "refused"

    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    number = models.IntegerField()
    place = models.CharField(max_length=200)  # in the file: "line 12", "resources[3]"
    status = models.CharField(max_length=10, choices=Status)
    reason = models.TextField(blank=True)
    subscription_id = models.CharField(max_length=36, blank=True)
    key = models.CharField(max_length=600, blank=True)
    azure_id = models.CharField(max_length=600, blank=True)
    type = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=260, blank=True)
    region = models.CharField(max_length=40, blank=True)
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    before = models.CharField(
        max_length=64, blank=True
    )  # digest of what is stored; empty when nothing is, or it is gone

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["imported", "number"], name="one_import_row_per_number")]
        indexes = [
            models.Index(fields=["imported", "status", "number"], name="import_row_status"),
            # which file told a resource
            models.Index(fields=["key"], name="import_row_key", condition=models.Q(status__in=["added", "changed"])),
        ]

    def __str__(self) -> str:
        return self.place


class Tally(models.Model):
    """A part of a number of units; see tallies.py. Written by triggers only, folded by `actions.fold_tallies`."""

    name = models.CharField(max_length=10)
    key = ArrayField(models.TextField())
    units = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["name", "key"], include=["units"], name="tally_key"),
            # the cells of a few waves; `key__7` is the eighth of tallies.CELL
            models.Index(F("key__7"), name="tally_wave", include=["key", "units"], condition=models.Q(name="cell")),
        ]
