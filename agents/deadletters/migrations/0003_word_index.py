"""The full-text index over letters' words: FTS5 on SQLite, kept by triggers; GIN on PostgreSQL, kept by itself.

Words are cut by Postroom (words.py) and not by either database, so that both find the same.
"""

from __future__ import annotations

from django.db import migrations

TABLE, INDEX = "deadletters_lettertext", "deadletters_letterwords"
ROW = "(rowid, said, carried) VALUES (new.id, new.said, new.carried)"
OLD = f"({INDEX}, rowid, said, carried) VALUES ('delete', old.id, old.said, old.carried)"
SQLITE = (
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5(said, carried, content='{TABLE}', content_rowid='id', "
    "detail=column, tokenize='unicode61 remove_diacritics 0')",
    f"CREATE TRIGGER letterwords_in AFTER INSERT ON {TABLE} BEGIN INSERT INTO {INDEX} {ROW}; END",
    f"CREATE TRIGGER letterwords_out AFTER DELETE ON {TABLE} BEGIN INSERT INTO {INDEX} {OLD}; END",
    f"CREATE TRIGGER letterwords_anew AFTER UPDATE ON {TABLE} BEGIN INSERT INTO {INDEX} {OLD}; "
    f"INSERT INTO {INDEX} {ROW}; END",
)
SAID = "array_to_tsvector(string_to_array(said, ' '))"
WHOLE = "array_to_tsvector(string_to_array(said, ' ') || string_to_array(carried, ' '))"
POSTGRESQL = (
    f"CREATE INDEX letterwords_said ON {TABLE} USING gin (({SAID}))",
    f"CREATE INDEX letterwords_whole ON {TABLE} USING gin (({WHOLE}))",
)
BACK = {
    "sqlite": (
        f"DROP TABLE {INDEX}",
        *(f"DROP TRIGGER letterwords_{name}" for name in ("in", "out", "anew")),
    ),
    "postgresql": ("DROP INDEX letterwords_said", "DROP INDEX letterwords_whole"),
}


def make(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def unmake(apps, schema_editor):
    for statement in BACK[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("deadletters", "0002_groups_sources_words")]

    operations = [migrations.RunPython(make, unmake)]
