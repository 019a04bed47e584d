"""Fixes: a remedy as a request to Azure, agreed to by a second person and carried out once."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0013_inventory_grams"),
    ]

    operations = [
        migrations.CreateModel(
            name="Fix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.CharField(max_length=40)),
                ("resource_key", models.CharField(max_length=600)),
                ("resource_name", models.CharField(max_length=260)),
                ("title", models.CharField(max_length=300)),
                ("touched", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("plan", models.JSONField()),
                ("body", models.TextField()),
                ("seal", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("asked", "Asked"),
                            ("approved", "Approved"),
                            ("sent", "Sent"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("declined", "Declined"),
                            ("withdrawn", "Withdrawn"),
                            ("outdated", "Outdated"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True)),
                ("rehearsal_wanted_at", models.DateTimeField(null=True)),
                ("rehearsal", models.JSONField(default=dict)),
                ("step", models.IntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("accepted", models.BooleanField(default=False)),
                ("sends", models.IntegerField(default=0)),
                ("tries", models.IntegerField(default=0)),
                ("status_url", models.TextField(blank=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True)),
                ("probe_says", models.JSONField(default=list)),
                ("probed_at", models.DateTimeField(null=True)),
                ("kept", models.JSONField(default=list)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="fixes", to="tracker.unit"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "-asked_at", "id"], name="fix_state"),
                    models.Index(fields=["unit", "-asked_at"], name="fix_unit"),
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="fix_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["draft", "asked", "approved", "sent"])),
                        fields=("unit", "rule", "resource_key"),
                        name="one_live_fix",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True)),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="fix_decision_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "asked", "withdrawn", "outdated"]),
                            ("decided_by__isnull", False),
                            _connector="OR",
                        ),
                        name="fix_is_decided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["draft", "withdrawn", "outdated"]),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="fix_has_reason",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fix",
            trigger=pgtrigger.compiler.Trigger(
                name="legal_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{draft:asked,draft:withdrawn,draft:outdated,asked:approved,asked:declined,asked:withdrawn,asked:outdated,approved:sent,approved:failed,approved:withdrawn,approved:outdated,sent:done,sent:failed}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="a4912b101e69138fd3d1f6f557664d3938bf75bd",
                    operation="UPDATE",
                    pgid="pgtrigger_legal_moves_8487e",
                    table="tracker_fix",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fix",
            trigger=pgtrigger.compiler.Trigger(
                name="second_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF NEW.decided_by_id = NEW.asked_by_id THEN RAISE EXCEPTION 'self-approval refused' USING ERRCODE = 'P0F14'; END IF; IF TG_OP = 'UPDATE' AND OLD.state <> 'draft' AND (OLD.unit_id, OLD.rule, OLD.resource_key, OLD.touched, OLD.plan, OLD.body, OLD.seal, OLD.reason, OLD.asked_by_id, OLD.asked_at) IS DISTINCT FROM (NEW.unit_id, NEW.rule, NEW.resource_key, NEW.touched, NEW.plan, NEW.body, NEW.seal, NEW.reason, NEW.asked_by_id, NEW.asked_at) THEN RAISE EXCEPTION 'what was asked for never changes' USING ERRCODE = 'P0F15'; END IF; IF TG_OP = 'UPDATE' AND OLD.decided_by_id IS NOT NULL AND (OLD.decided_by_id, OLD.decided_at, OLD.decision_reason) IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_at, NEW.decision_reason) THEN RAISE EXCEPTION 'a decision never changes' USING ERRCODE = 'P0F16'; END IF; IF TG_OP = 'UPDATE' AND NEW.fence < OLD.fence THEN RAISE EXCEPTION 'the fence only rises' USING ERRCODE = 'P0F12'; END IF; RETURN NEW;",
                    hash="de1853b578588a1c68abb3a6f5f2a3f15daf73f4",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_second_person_0ab5a",
                    table="tracker_fix",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fix",
            trigger=pgtrigger.compiler.Trigger(
                name="stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="80e91c5ab95906e0bb4c6e3fd4421d8dddf29956",
                    operation="DELETE",
                    pgid="pgtrigger_stays_9ef07",
                    table="tracker_fix",
                    when="BEFORE",
                ),
            ),
        ),
    ]
