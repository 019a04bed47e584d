"""Which catalogue of rules is in force, which waits, and what switching it on would change."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0017_waves_kept_numbers"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnsweredAhead",
            fields=[
                (
                    "unit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="answered_ahead",
                        serialize=False,
                        to="tracker.unit",
                    ),
                ),
                ("version", models.CharField(max_length=64)),
                ("rows", models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name="CatalogueWork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("preview", "Preview"), ("assess", "Assess")], max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("done", "Done"), ("outdated", "Outdated")],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("asked_by", models.CharField(max_length=80)),
                ("asked_at", models.DateTimeField()),
                ("as_of", models.DateTimeField()),
                ("since", models.DateTimeField(null=True)),
                ("at_subscription", models.CharField(blank=True, max_length=36)),
                ("at_unit", models.BigIntegerField(default=0)),
                ("units", models.IntegerField(default=0)),
                ("total", models.IntegerField(default=0)),
                ("changed", models.IntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("holder", models.CharField(blank=True, max_length=32)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="CatalogueEffect",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verdict_before", models.CharField(max_length=20)),
                ("verdict_after", models.CharField(max_length=20)),
                ("score_before", models.IntegerField()),
                ("score_after", models.IntegerField()),
                ("came", models.JSONField(default=list)),
                ("went", models.JSONField(default=list)),
                ("digest", models.CharField(max_length=64)),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tracker.unit"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CatalogueVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=64)),
                ("manifest", models.JSONField()),
                ("known_since", models.DateTimeField()),
                ("switched_on_at", models.DateTimeField(null=True)),
                ("switched_on_by", models.CharField(blank=True, max_length=80)),
                ("reason", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("switched_on_at__isnull", False)),
                        fields=["-switched_on_at", "-id"],
                        name="catalogue_in_force",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("switched_on_at__isnull", True)),
                        fields=("version",),
                        name="one_waiting_catalogue",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("switched_on_at__isnull", True), ("switched_on_by", "")),
                            models.Q(
                                ("switched_on_at__isnull", False),
                                models.Q(("switched_on_by", ""), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="switching_on_is_whole",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="catalogueversion",
            trigger=pgtrigger.compiler.Trigger(
                name="switched_on_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF (OLD.version, OLD.manifest, OLD.known_since) IS DISTINCT FROM (NEW.version, NEW.manifest, NEW.known_since) OR OLD.switched_on_at IS NOT NULL THEN RAISE EXCEPTION 'which catalogue was in force stays' USING ERRCODE = 'P0F20'; END IF; RETURN NEW;",
                    hash="4d72385e0e8b0cb996b8e2127cb224695490eb97",
                    operation="UPDATE",
                    pgid="pgtrigger_switched_on_once_18cfa",
                    table="tracker_catalogueversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="catalogueversion",
            trigger=pgtrigger.compiler.Trigger(
                name="stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="1f9dd2939b31334ecd68816e5a091937dbb7509d",
                    operation="DELETE",
                    pgid="pgtrigger_stays_e6575",
                    table="tracker_catalogueversion",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="cataloguework",
            name="base",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tracker.catalogueversion"
            ),
        ),
        migrations.AddField(
            model_name="cataloguework",
            name="catalogue",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="works", to="tracker.catalogueversion"
            ),
        ),
        migrations.AddField(
            model_name="catalogueeffect",
            name="work",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="effects", to="tracker.cataloguework"
            ),
        ),
        migrations.AddIndex(
            model_name="cataloguework",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="catalogue_work_due"
            ),
        ),
        migrations.AddIndex(
            model_name="cataloguework",
            index=models.Index(fields=["kind", "-id"], name="catalogue_work_recent"),
        ),
        migrations.AddConstraint(
            model_name="cataloguework",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("kind",), name="one_catalogue_work_of_a_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="cataloguework",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("ended_at__isnull", True), ("state", "running")),
                    models.Q(
                        models.Q(("state", "running"), _negated=True),
                        ("due_at__isnull", True),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="catalogue_work_end_is_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="catalogueeffect",
            index=models.Index(
                fields=["work", "verdict_before", "verdict_after", "unit"], name="catalogue_effect_verdicts"
            ),
        ),
        migrations.AddConstraint(
            model_name="catalogueeffect",
            constraint=models.UniqueConstraint(fields=("work", "unit"), name="one_effect_per_unit"),
        ),
    ]
