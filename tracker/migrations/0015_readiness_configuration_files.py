"""Configuration files people give of a deployment, without secrets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracker", "0014_fixes_fix")]

    operations = [
        migrations.CreateModel(
            name="ConfigurationFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("resource_key", models.CharField(max_length=600)),
                ("kind", models.CharField(max_length=10)),
                ("file_name", models.CharField(max_length=120)),
                ("digest", models.CharField(max_length=64)),
                ("text", models.TextField()),
                ("seen", models.JSONField()),
                ("given_by", models.CharField(max_length=80)),
                ("given_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=80)),
                (
                    "end",
                    models.CharField(
                        blank=True, choices=[("replaced", "Replaced"), ("withdrawn", "Withdrawn")], max_length=10
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["resource_key", "-ended_at"], name="file_ended"),
                    models.Index(fields=["given_by", "-given_at"], name="file_given"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("resource_key", "kind"),
                        name="one_counting_file",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("ended_by", ""), ("end", "")),
                            models.Q(
                                ("ended_at__isnull", False),
                                models.Q(("ended_by", ""), _negated=True),
                                models.Q(("end", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="file_end_is_whole",
                    ),
                ],
            },
        ),
    ]
