"""Rows that must exist before the first page: the stop switch that arming locks."""

from django.db import migrations


def first_rows(apps, schema_editor) -> None:
    apps.get_model("tracker", "Freeze").objects.get_or_create(scope="all")


class Migration(migrations.Migration):
    dependencies = [("tracker", "0001_the_house")]
    operations = [migrations.RunPython(first_rows, migrations.RunPython.noop)]
