"""Whoever deletes what a letter carries deletes the words of it as well: the database sees to that."""

from __future__ import annotations

from django.db import migrations

CLEAR = (
    "UPDATE deadletters_lettertext SET carried = '' WHERE carried <> '' AND letter_id = "
    "(SELECT letter_id FROM deadletters_death WHERE id = OLD.death_id)"
)
TABLE = "deadletters_storedcontents"
SQLITE = (f"CREATE TRIGGER letterwords_erased AFTER DELETE ON {TABLE} BEGIN {CLEAR}; END",)
POSTGRESQL = (
    f"CREATE FUNCTION letterwords_erase() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {CLEAR}; RETURN NULL; END $$",
    f"CREATE TRIGGER letterwords_erased AFTER DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION letterwords_erase()",
)
BACK = {
    "sqlite": ("DROP TRIGGER letterwords_erased",),
    "postgresql": (f"DROP TRIGGER letterwords_erased ON {TABLE}", "DROP FUNCTION letterwords_erase()"),
}


def make(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def unmake(apps, schema_editor):
    for statement in BACK[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("deadletters", "0003_word_index")]

    operations = [migrations.RunPython(make, unmake)]
