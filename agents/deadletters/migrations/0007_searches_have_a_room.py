"""Saved searches are of more than letters: their table goes to the room `searches`, with every row."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("deadletters", "0006_places_of_failures")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("savedsearch", "searches_savedsearch")],
            state_operations=[migrations.DeleteModel("SavedSearch")],
        )
    ]
