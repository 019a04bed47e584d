"""Units by what rules say of them."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0021_readiness_turns"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="unit",
            index=django.contrib.postgres.indexes.GinIndex(fields=["open_rules"], name="unit_rules"),
        ),
    ]
