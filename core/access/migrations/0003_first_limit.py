"""A large purge needs a second person from the first day; whoever manages access can change or drop the limit."""

from django.db import migrations

LARGE = 1000


def set_limit(apps, schema_editor):
    limits = apps.get_model("access", "ApprovalLimit").objects.using(schema_editor.connection.alias)
    limits.create(action="purge", above=LARGE)


class Migration(migrations.Migration):
    dependencies = [("access", "0002_access")]
    operations = [migrations.RunPython(set_limit, migrations.RunPython.noop)]
