from __future__ import annotations

from typing import Any

from django.db import migrations

EDGES, WORKFLOWS = 1, 2


def go_on_at_the_same_place(apps: Any, editor: Any) -> None:
    """Workflows were counted up to where edges were: they go on from there by themselves."""
    readings = apps.get_model("topology", "Reading").objects.using(editor.connection.alias)
    row = readings.filter(pk=EDGES).first()
    if row and not readings.filter(pk=WORKFLOWS).exists():
        readings.create(pk=WORKFLOWS, cursor=row.cursor, revision=row.revision, token=row.token)


class Migration(migrations.Migration):
    dependencies = [("topology", "0002_workflows")]

    operations = [migrations.RunPython(go_on_at_the_same_place, migrations.RunPython.noop, elidable=True)]
