"""Which findings an assessment opened and closed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0020_quota_usage_named"),
    ]

    operations = [
        migrations.AddField(
            model_name="assessment",
            name="turned",
            field=models.JSONField(null=True),
        ),
    ]
