"""What follows an import is done behind the page; which file told a resource is found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracker", "0011_tallies")]

    operations = [
        migrations.AddField("import", "followed_at", models.DateTimeField(null=True)),
        migrations.AddField("import", "lease_until", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "importrow",
            models.Index(
                condition=models.Q(("status__in", ["added", "changed"])), fields=["key"], name="import_row_key"
            ),
        ),
    ]
