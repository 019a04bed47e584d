"""What people say of findings: attestations, waivers, and wishes to look again."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0015_readiness_configuration_files"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attestation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                (
                    "reach",
                    models.CharField(
                        choices=[("resource", "Resource"), ("unit", "Unit"), ("subscription", "Subscription")],
                        max_length=12,
                    ),
                ),
                ("subject", models.CharField(max_length=600)),
                ("subject_name", models.CharField(max_length=260)),
                ("applies", models.BooleanField()),
                ("why", models.TextField()),
                ("until", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=80)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[("replaced", "Replaced"), ("withdrawn", "Withdrawn"), ("expired", "Expired")],
                        max_length=10,
                    ),
                ),
                ("end_reason", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Recheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(blank=True, max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[("wanted", "Wanted"), ("done", "Done"), ("failed", "Failed")],
                        default="wanted",
                        max_length=10,
                    ),
                ),
                ("asked_by", models.CharField(max_length=80)),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(null=True)),
                ("seen", models.BigIntegerField(default=0)),
                ("units", models.IntegerField(default=0)),
                ("changed", models.IntegerField(default=0)),
                ("before", models.CharField(blank=True, max_length=20)),
                ("after", models.CharField(blank=True, max_length=20)),
                ("error", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                ("effect", models.CharField(max_length=10)),
                ("resource_key", models.CharField(max_length=600)),
                ("resource_name", models.CharField(max_length=260)),
                ("sentence", models.TextField()),
                ("evidence", models.JSONField(default=list)),
                ("shown", models.CharField(max_length=64)),
                ("reason", models.TextField()),
                ("until", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Asked"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("ended", "Ended"),
                        ],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=80)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("expired", "Expired"),
                            ("revoked", "Revoked"),
                            ("changed", "Changed"),
                            ("settled", "Settled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("end_reason", models.TextField(blank=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="configurationfile",
            name="file_end_is_whole",
        ),
        migrations.AddField(
            model_name="finding",
            name="waived",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddConstraint(
            model_name="configurationfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at__isnull", True), ("ended_by", "")),
                    models.Q(
                        ("ended_at__isnull", False),
                        models.Q(("ended_by", ""), _negated=True),
                        models.Q(("end", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="file_end_is_whole",
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="attestation",
            name="unit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attestations", to="tracker.unit"
            ),
        ),
        migrations.AddField(
            model_name="recheck",
            name="unit",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="rechecks", to="tracker.unit"
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="waiver",
            name="unit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="tracker.unit"
            ),
        ),
        migrations.AddIndex(
            model_name="attestation",
            index=models.Index(fields=["subject", "rule"], name="attestation_subject"),
        ),
        migrations.AddIndex(
            model_name="attestation",
            index=models.Index(fields=["-at", "-id"], name="attestation_recent"),
        ),
        migrations.AddIndex(
            model_name="attestation",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)), fields=["until"], name="attestation_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("rule", "subject"), name="one_attestation"
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__isnull", True), ("until__gt", models.F("at")), _connector="OR"),
                name="attestation_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.CheckConstraint(
                condition=models.Q(("why", ""), _negated=True), name="attestation_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="attestation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end", ""), ("ended_at__isnull", True), ("ended_by", "")),
                    models.Q(
                        ("ended_at__isnull", False),
                        models.Q(("ended_by", ""), _negated=True),
                        models.Q(("end", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="attestation_end_is_whole",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attestation",
            trigger=pgtrigger.compiler.Trigger(
                name="said_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (to_jsonb(OLD) - ARRAY['ended_at', 'ended_by', 'end', 'end_reason']) IS DISTINCT FROM (to_jsonb(NEW) - ARRAY['ended_at', 'ended_by', 'end', 'end_reason']) OR OLD.ended_at IS NOT NULL THEN RAISE EXCEPTION 'what a person attested never changes' USING ERRCODE = 'P0F17'; END IF; RETURN NEW;",
                    hash="f4a210cfb188071508d12714cb5029385c544b00",
                    operation="UPDATE",
                    pgid="pgtrigger_said_once_296d2",
                    table="tracker_attestation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attestation",
            trigger=pgtrigger.compiler.Trigger(
                name="stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="63ad352048b9b5d9aade7bee2a9d48ad7882b2f8",
                    operation="DELETE",
                    pgid="pgtrigger_stays_a76d8",
                    table="tracker_attestation",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="recheck",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="recheck_due"),
        ),
        migrations.AddIndex(
            model_name="recheck",
            index=models.Index(fields=["unit", "-asked_at"], name="recheck_unit"),
        ),
        migrations.AddIndex(
            model_name="recheck",
            index=models.Index(fields=["rule", "-asked_at"], name="recheck_rule"),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rule", ""), ("unit__isnull", False)),
                    models.Q(("unit__isnull", True), models.Q(("rule", ""), _negated=True)),
                    _connector="OR",
                ),
                name="recheck_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "wanted"), ("unit__isnull", False)),
                fields=("unit",),
                name="one_recheck_of_unit",
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "wanted"), ("unit__isnull", True)),
                fields=("rule",),
                name="one_recheck_of_rule",
            ),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(fields=["state", "-asked_at", "id"], name="waiver_state"),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(fields=["unit", "-asked_at"], name="waiver_unit"),
        ),
        migrations.AddIndex(
            model_name="waiver",
            index=models.Index(
                condition=models.Q(("state__in", ["asked", "approved"])), fields=["until"], name="waiver_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["asked", "approved"])),
                fields=("unit", "rule", "resource_key"),
                name="one_live_waiver",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", True), ("decided_by__isnull", True)),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                    _connector="OR",
                ),
                name="waiver_decision_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["asked", "withdrawn"]), ("decided_by__isnull", False), _connector="OR"
                ),
                name="waiver_is_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="waiver_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("asked_at"))), name="waiver_has_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="waiver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ended"), models.Q(("end", ""), _negated=True)),
                    models.Q(models.Q(("state", "ended"), _negated=True), ("end", "")),
                    _connector="OR",
                ),
                name="waiver_end_is_whole",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{asked:approved,asked:declined,asked:withdrawn,approved:ended}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="36ef116ec75dea2f7702841ff5d467f50390e8b3",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_moves_cda4a",
                    table="tracker_waiver",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="second_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE later text[] := ARRAY['state', 'ended_at', 'ended_by', 'end', 'end_reason'];",
                    func="IF NEW.decided_by_id = NEW.asked_by_id THEN RAISE EXCEPTION 'self-approval refused' USING ERRCODE = 'P0F18'; END IF; IF TG_OP = 'INSERT' AND NEW.state <> 'asked' THEN RAISE EXCEPTION 'a waiver begins by being asked for' USING ERRCODE = 'P0F19'; END IF; IF TG_OP = 'UPDATE' AND (to_jsonb(OLD) - later) IS DISTINCT FROM (to_jsonb(NEW) - later) AND (OLD.decided_by_id IS NOT NULL OR (to_jsonb(OLD) - later - 'decided_by_id' - 'decided_at' - 'decision_reason') IS DISTINCT FROM (to_jsonb(NEW) - later - 'decided_by_id' - 'decided_at' - 'decision_reason')) THEN RAISE EXCEPTION 'what was agreed to never changes' USING ERRCODE = 'P0F19'; END IF; RETURN NEW;",
                    hash="e6631e8d57aabfbecb864c16a5da848543aaf5bf",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_second_person_e1487",
                    table="tracker_waiver",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="waiver",
            trigger=pgtrigger.compiler.Trigger(
                name="stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="309be0530f0bdf506e7bb89809537f97c00768b8",
                    operation="DELETE",
                    pgid="pgtrigger_stays_1b99c",
                    table="tracker_waiver",
                    when="BEFORE",
                ),
            ),
        ),
    ]
