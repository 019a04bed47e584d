from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracker", "0006_open_findings"),
    ]

    operations = [
        migrations.AddField(
            model_name="assessment",
            name="movable",
            field=models.BooleanField(null=True),
        ),
    ]
