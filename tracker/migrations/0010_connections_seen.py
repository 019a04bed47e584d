"""What the worker saw of Azure's doors: checks, and the versions in use."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracker", "0009_inventory_steps")]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                (
                    "door",
                    models.CharField(
                        choices=[
                            ("resource-manager", "Resource Manager"),
                            ("service-management", "Service Management"),
                            ("credential", "Credential"),
                        ],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("good", models.BooleanField()),
                ("sentence", models.CharField(max_length=600)),
                ("checked_at", models.DateTimeField()),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ApiVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=160)),
                ("version", models.CharField(max_length=40)),
                ("source", models.CharField(max_length=20)),
                ("listed", models.JSONField(default=list)),
                ("doubt", models.CharField(blank=True, max_length=300)),
                ("metadata_read_at", models.DateTimeField(null=True)),
                ("stored_at", models.DateTimeField()),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_versions",
                        to="tracker.subscription",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("subscription", "kind"), name="one_api_version")],
            },
        ),
    ]
