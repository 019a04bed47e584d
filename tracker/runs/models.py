"""Runs: what the engine does, durably. People write `Ask`; the engine writes everything else (engine.md, Tables)."""

import pgtrigger
from django.db import models

from migrator.lifecycle import ALLOWED, LIVE_OPERATION, OPERATION_ALLOWED, OperationState, State
from migrator.resources import Verb
from tracker.audit.models import append_only, no_truncate
from tracker.inventory.models import Unit
from tracker.waves.models import Approval, Wave


class AskVerb(models.TextChoices):
    VALIDATE = "validate"
    PREPARE = "prepare"
    COMMIT = "commit"
    ABORT = "abort"
    RETRY = "retry"
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"


class Purpose(models.TextChoices):
    """What a person asked a run for. A rehearsal is prepared, compared and aborted; it is never committed."""

    MIGRATION = "migration"
    REHEARSAL = "rehearsal"


class Run(models.Model):
    """One attempt to migrate one unit. Alive while `ended_at` is empty."""

    id = models.UUIDField(primary_key=True, editable=False)  # uuid7
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="runs")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in State], default=State.PLANNED)
    purpose = models.CharField(
        max_length=10, choices=Purpose, default=Purpose.MIGRATION, db_default=Purpose.MIGRATION.value
    )
    started_by = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)  # closed | aborted | rehearsed | cancelled
    members = models.JSONField(default=list)  # Azure ids of what moves with the unit, as drawn when the run started
    due_at = models.DateTimeField(null=True)  # next step; empty: waits for a person
    enqueued_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    commit_armed_at = models.DateTimeField(null=True)  # the point of no return; set once, for ever
    held_at = models.DateTimeField(null=True)
    attention = models.CharField(max_length=400, blank=True)  # why a person should look; empty: nothing
    attention_since = models.DateTimeField(null=True)
    waiting_code = models.CharField(max_length=40, blank=True)  # machine-readable reason of waiting
    waiting_for = models.CharField(max_length=400, blank=True)  # the same as a sentence
    waiting_since = models.DateTimeField(null=True)  # since when for this; when it is looked at again is `due_at`
    unknown_since = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # last re-reading of an end state
    checks = models.IntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="run_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["-started_at"], name="run_recent"),
            models.Index(fields=["wave", "state"], name="run_wave"),
            # of the many runs of a wave the few that its gates count one by one (wave_facts.py)
            models.Index(
                fields=["wave", "state"],
                name="run_in_flight",
                condition=models.Q(ended_at__isnull=True, state__in=["planned", "prepared"]),
            ),
            models.Index(
                fields=["wave", "state"],
                name="run_troubled",
                include=["unit"],
                condition=models.Q(ended_at__isnull=True) & ~models.Q(attention=""),
            ),
            # what waits for nothing but its follow-ups: the ticker asks each second whether one has none left
            models.Index(
                fields=["unit"],
                name="run_owing",
                condition=models.Q(ended_at__isnull=True, due_at__isnull=True, state="verified"),
            ),
            models.Index(
                fields=["wave"],
                name="run_held",
                condition=models.Q(ended_at__isnull=True, held_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=models.Q(ended_at__isnull=True), name="one_live_run"),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, outcome="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(outcome="")),
                name="ended_run_has_outcome",
            ),
            models.CheckConstraint(condition=models.Q(purpose__in=Purpose.values), name="run_has_purpose"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[(start.value, end.value) for start, ends in ALLOWED.items() for end in sorted(ends)],
            ),
            pgtrigger.Trigger(
                name="no_return",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF NEW.commit_armed_at IS DISTINCT FROM OLD.commit_armed_at"
                    # set by the guard of an attempt alone (a trigger inside a trigger), and once
                    " AND (OLD.commit_armed_at IS NOT NULL OR pg_trigger_depth() < 2) THEN"
                    " RAISE EXCEPTION 'commit_armed_at is set by the arming, for ever' USING ERRCODE = 'P0F11'; END IF;"
                    " IF NEW.fence < OLD.fence THEN"
                    " RAISE EXCEPTION 'the fence only rises' USING ERRCODE = 'P0F12'; END IF;"
                    " IF OLD.ended_at IS NOT NULL AND (NEW.state, NEW.ended_at, NEW.outcome)"
                    " IS DISTINCT FROM (OLD.state, OLD.ended_at, OLD.outcome) THEN"
                    " RAISE EXCEPTION 'an ended run stays where it ended' USING ERRCODE = 'P0F13'; END IF;"
                    " IF (NEW.unit_id, NEW.wave_id, NEW.purpose, NEW.started_by, NEW.started_at) IS DISTINCT FROM"
                    " (OLD.unit_id, OLD.wave_id, OLD.purpose, OLD.started_by, OLD.started_at) THEN"
                    " RAISE EXCEPTION 'what a run is of never changes' USING ERRCODE = 'P0F15'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class Ask(models.Model):
    """What a person wants of a run. Appended only; which operation answered it stands with the operation."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="asks")
    verb = models.CharField(max_length=10, choices=AskVerb)
    by = models.CharField(max_length=80)  # Actor.ref
    by_id = models.BigIntegerField(null=True)  # accounts.User; empty for system and commands
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    seal = models.CharField(max_length=64, blank=True)  # digest the person saw (commit)

    class Meta:
        indexes = [models.Index(fields=["run", "-at"], name="ask_recent")]
        triggers = append_only()


_GUARD = """
    PERFORM 1 FROM tracker_freeze WHERE scope = 'all' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no stop switch' USING ERRCODE = 'P0F01';
    END IF;
    SELECT * INTO STRICT o FROM tracker_operation WHERE id = NEW.operation_id FOR UPDATE;
    SELECT * INTO STRICT r FROM tracker_run WHERE id = o.run_id FOR UPDATE;
    SELECT * INTO STRICT u FROM tracker_unit WHERE id = r.unit_id;
    scopes := ARRAY['all', 'subscription:' || u.subscription_id, 'verb:' || o.verb, 'wave:' || r.wave_id,
                    'region:' || lower(replace(u.region, ' ', ''))];
    IF EXISTS (SELECT 1 FROM tracker_freeze WHERE frozen AND scope = ANY(scopes)) THEN
        RAISE EXCEPTION 'frozen' USING ERRCODE = 'P0F01';
    END IF;
    -- whoever stops the line or edits the wave waits for this arming, or this arming for them
    PERFORM 1 FROM tracker_wave WHERE id = r.wave_id FOR SHARE;
    IF EXISTS (SELECT 1 FROM tracker_wave WHERE id = r.wave_id AND stopped_at IS NOT NULL) OR r.held_at IS NOT NULL THEN
        RAISE EXCEPTION 'held' USING ERRCODE = 'P0F01';
    END IF;
    IF o.verb IN ('prepare', 'commit') THEN
        IF NOT EXISTS (SELECT 1 FROM tracker_window WHERE wave_id = r.wave_id
                       AND opens_at <= clock_timestamp() AND closes_at > clock_timestamp()) THEN
            RAISE EXCEPTION 'outside every window' USING ERRCODE = 'P0F21';
        END IF;
        IF EXISTS (SELECT 1 FROM tracker_plannedfreeze WHERE withdrawn_at IS NULL AND scope = ANY(scopes)
                   AND begins_at <= clock_timestamp() AND ends_at > clock_timestamp()) THEN
            RAISE EXCEPTION 'inside a planned freeze' USING ERRCODE = 'P0F22';
        END IF;
    END IF;
    IF o.state <> 'ready' OR r.ended_at IS NOT NULL OR r.fence <> NEW.fence OR r.lease_until IS NULL
       OR r.lease_until < clock_timestamp() THEN
        RAISE EXCEPTION 'not the owner of this step' USING ERRCODE = 'P0F02';
    END IF;
    IF o.recovered THEN
        RAISE EXCEPTION 'what somebody else sent is only read' USING ERRCODE = 'P0F24';
    END IF;
    IF o.verb = 'abort' AND r.commit_armed_at IS NOT NULL THEN
        RAISE EXCEPTION 'abort after commit' USING ERRCODE = 'P0F03';
    END IF;
    IF o.verb = 'commit' THEN
        IF r.purpose <> 'migration' THEN
            RAISE EXCEPTION 'a rehearsal is never committed' USING ERRCODE = 'P0F25';
        END IF;
        IF r.state NOT IN ('prepared', 'committing') THEN
            RAISE EXCEPTION 'not prepared' USING ERRCODE = 'P0F04';
        END IF;
        IF r.commit_armed_at IS NULL THEN
            SELECT * INTO a FROM tracker_approval WHERE id = o.approval_id FOR SHARE;
            -- nobody leaves or loses a role between the count and the arming
            PERFORM 1 FROM tracker_user WHERE id IN
                (SELECT approver_id FROM tracker_decision WHERE approval_id = a.id) ORDER BY id FOR SHARE;
            PERFORM 1 FROM tracker_rolegrant WHERE user_id IN
                (SELECT approver_id FROM tracker_decision WHERE approval_id = a.id) ORDER BY id FOR SHARE;
            SELECT count(DISTINCT d.approver_id) INTO n FROM tracker_decision d
              JOIN tracker_user p ON p.id = d.approver_id AND p.is_active
             WHERE d.approval_id = a.id AND d.approved AND d.revoked_at IS NULL AND d.digest = a.digest
               AND d.approver_id NOT IN (a.requester_id, a.editor_id)
               AND EXISTS (SELECT 1 FROM tracker_rolegrant g WHERE g.user_id = p.id AND g.role IN ('engineer'));
            IF a.id IS NULL OR a.kind <> 'commit' OR a.run_id IS DISTINCT FROM r.id OR a.voided_at IS NOT NULL
               OR a.expires_at < clock_timestamp() OR a.digest <> o.approval_digest
               OR a.digest <> NEW.approval_digest OR n < a.needed OR n < 1
               OR EXISTS (SELECT 1 FROM tracker_decision d WHERE d.approval_id = a.id AND NOT d.approved) THEN
                RAISE EXCEPTION 'commit without valid approval' USING ERRCODE = 'P0F05';
            END IF;
            UPDATE tracker_run SET commit_armed_at = clock_timestamp() WHERE id = r.id;
        END IF;
    END IF;
    NEW.armed_at := clock_timestamp();  -- after every lock is held (reliability-notes 4.5)
    UPDATE tracker_operation SET state = 'sending', armed_at = NEW.armed_at, sends = sends + 1, fence = NEW.fence
     WHERE id = o.id;
    RETURN NEW;
"""


class Operation(models.Model):
    """One verb sent to the platform for one run."""

    id = models.UUIDField(primary_key=True, editable=False)  # uuid7
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="operations")
    ask = models.ForeignKey(Ask, on_delete=models.PROTECT, related_name="operations")
    verb = models.CharField(max_length=10, choices=[(v.value, v.value) for v in Verb])
    recovered = models.BooleanField(default=False, db_default=False)  # sent by somebody else: only read here
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in OperationState], default=OperationState.READY
    )
    approval = models.ForeignKey(Approval, null=True, on_delete=models.PROTECT, related_name="+")
    approval_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)  # of the last arming
    armed_at = models.DateTimeField(null=True)
    instances = models.IntegerField(null=True)  # role instances and machines of the unit then; empty: not known
    sends = models.IntegerField(default=0)
    tries = models.IntegerField(default=0)  # looks and sends that settled nothing
    status_url = models.TextField(blank=True)
    candidate = models.CharField(max_length=20, blank=True)
    candidate_at = models.DateTimeField(null=True)
    seen = models.JSONField(default=dict)  # the last look, as evidence
    why = models.TextField(blank=True)  # the last decision as a sentence
    error = models.JSONField(default=dict)  # {"code","message","class","catalogue"} of the last failure
    messages = models.JSONField(default=list)  # platform messages (Validate, Prepare)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["run", "created_at"], name="operation_run"),
            # what the measured durations rest on (fitting.py)
            models.Index(
                fields=["verb", "-ended_at"], name="operation_measured", condition=models.Q(state="succeeded", sends=1)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["run"],
                condition=models.Q(state__in=sorted(LIVE_OPERATION)),
                name="one_live_operation",
            ),
        ]
        triggers = [
            pgtrigger.FSM(
                name="legal_moves",
                field="state",
                transitions=[
                    (start.value, end.value) for start, ends in OPERATION_ALLOWED.items() for end in sorted(ends)
                ],
            ),
            pgtrigger.Trigger(
                name="what_it_is",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF (NEW.run_id, NEW.ask_id, NEW.verb, NEW.recovered, NEW.approval_id, NEW.approval_digest,"
                    " NEW.created_at) IS DISTINCT FROM (OLD.run_id, OLD.ask_id, OLD.verb, OLD.recovered,"
                    " OLD.approval_id, OLD.approval_digest, OLD.created_at)"
                    " OR NEW.sends < OLD.sends THEN"
                    " RAISE EXCEPTION 'what an operation is never changes' USING ERRCODE = 'P0F15'; END IF;"
                    # the guard of an attempt moves it there, and nothing else: no sending without an attempt
                    " IF NEW.state = 'sending' AND OLD.state <> 'sending' AND pg_trigger_depth() < 2 THEN"
                    " RAISE EXCEPTION 'only an attempt sends' USING ERRCODE = 'P0F14'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class Overrun(models.Model):
    """A person let a verb of a run start though it may end after its window. Appended only."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="overruns")
    verb = models.CharField(max_length=10, choices=[(v.value, v.value) for v in (Verb.PREPARE, Verb.COMMIT)])
    by = models.CharField(max_length=80)  # Actor.key
    at = models.DateTimeField()
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "verb"], name="one_overrun"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="overrun_has_reason"),
        ]
        triggers = append_only()


class Attempt(models.Model):
    """One HTTP send. Its insert is the arming: the trigger repeats every check, sets `armed_at` and moves the operation
    to SENDING.
    """

    id = models.UUIDField(primary_key=True, editable=False)  # travels as client request id
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="attempts")
    number = models.IntegerField()
    fence = models.BigIntegerField()
    approval_digest = models.CharField(max_length=64, blank=True)
    event_id = models.UUIDField()  # the audit event of the arming, same transaction
    armed_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True)  # accepted | refused | throttled | unknown | not-sent
    http_status = models.IntegerField(null=True)
    request_id = models.CharField(max_length=80, blank=True)
    correlation_id = models.CharField(max_length=80, blank=True)
    excerpt = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "number"], name="attempt_number"),
            models.UniqueConstraint(
                fields=["operation"], condition=models.Q(resolved_at__isnull=True), name="one_open_attempt"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="guard",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[
                    ("o", "tracker_operation"),
                    ("r", "tracker_run"),
                    ("u", "tracker_unit"),
                    ("a", "tracker_approval"),
                    ("n", "integer"),
                    ("scopes", "text[]"),
                ],
                func=_GUARD,
            ),
            pgtrigger.Trigger(
                name="what_it_was",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=pgtrigger.Func(
                    "IF OLD.resolved_at IS NOT NULL"
                    " OR (NEW.operation_id, NEW.number, NEW.fence, NEW.approval_digest, NEW.event_id, NEW.armed_at)"
                    " IS DISTINCT FROM"
                    " (OLD.operation_id, OLD.number, OLD.fence, OLD.approval_digest, OLD.event_id, OLD.armed_at) THEN"
                    " RAISE EXCEPTION 'an attempt is answered once' USING ERRCODE = 'P0F15'; END IF; RETURN NEW;"
                ),
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
            no_truncate(),
        ]


class Transition(models.Model):
    """One move of a run, with what it was concluded from."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="transitions")
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    at = models.DateTimeField()
    because = models.TextField()
    operation = models.ForeignKey(Operation, null=True, on_delete=models.PROTECT, related_name="+")
    event_id = models.UUIDField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["after", "at"], name="transition_after")]  # commits by day, what moved lately
        triggers = append_only()


class Difference(models.Model):
    """One row of the comparison classic ↔ Resource Manager after Prepare."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="differences")
    classic_key = models.CharField(max_length=600, blank=True)
    arm_key = models.CharField(max_length=600, blank=True)
    field = models.CharField(max_length=120)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    kind = models.CharField(max_length=12)  # same | renamed | dropped | unexpected | unread
    why = models.TextField(blank=True)
    disposed_by = models.CharField(max_length=80, blank=True)
    disposed_at = models.DateTimeField(null=True)
    disposition = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run", "kind"], name="difference_kind"),
            models.Index(
                fields=["run"],
                name="difference_open",
                condition=models.Q(disposed_at__isnull=True, kind__in=["unexpected", "unread"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(disposed_at__isnull=True, disposed_by="", disposition="")
                | (models.Q(disposed_at__isnull=False) & ~models.Q(disposed_by="") & ~models.Q(disposition="")),
                name="disposition_is_whole",
            )
        ]


class Comparison(models.Model):
    """The result of one comparison: what was held against what, and its digest (part of the commit seal)."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="comparison")
    at = models.DateTimeField()
    same = models.IntegerField(default=0)
    renamed = models.IntegerField(default=0)
    dropped = models.IntegerField(default=0)
    unexpected = models.IntegerField(default=0)
    arm_documents = models.JSONField(default=list)
    digest = models.CharField(max_length=64)


class Budget(models.Model):
    """Token bucket of one subscription and kind of call, shared by all workers (azure.md 8.1)."""

    subscription_id = models.CharField(max_length=36)
    kind = models.CharField(max_length=10)  # read | write
    tokens = models.FloatField()
    updated_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscription_id", "kind"], name="one_budget")]


class Heartbeat(models.Model):
    """A process that said it is alive: worker, beat. A silent one shows on the pages."""

    name = models.CharField(primary_key=True, max_length=80)
    at = models.DateTimeField()
