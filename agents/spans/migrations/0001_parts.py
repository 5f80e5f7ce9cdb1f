"""On PostgreSQL: the tables that are partitioned by part, and the list of parts. On SQLite a part is a file."""

from django.db import migrations

PARTITIONED = {
    "spans_block": (
        "id integer NOT NULL, part integer NOT NULL, first bigint NOT NULL, last bigint NOT NULL,"
        " received bigint NOT NULL, rows integer NOT NULL, stream smallint NOT NULL,"
        " filter bytea NOT NULL, core bytea NOT NULL, details bytea NOT NULL"
    ),
    "spans_handle": "part integer NOT NULL, block integer NOT NULL, key bytea NOT NULL, ids bytea NOT NULL",
    "spans_series": "part integer NOT NULL, id integer NOT NULL, stream smallint NOT NULL, key bytea NOT NULL",
    "spans_share": (
        "part integer NOT NULL, grouped integer NOT NULL, item integer NOT NULL, block integer NOT NULL,"
        " rows integer NOT NULL"
    ),
    "spans_digest": "part integer NOT NULL, block integer NOT NULL, digest bytea NOT NULL",
}
INDEXES = (
    "CREATE INDEX spans_block_id ON spans_block (id)",
    "CREATE INDEX spans_block_time ON spans_block (stream, last, id, first)",
    "CREATE INDEX spans_handle_key ON spans_handle (key)",
    "CREATE INDEX spans_series_id ON spans_series (id)",
    "CREATE INDEX spans_share_item ON spans_share (grouped, item, block)",
    "CREATE INDEX spans_digest_digest ON spans_digest (digest)",
)


def make(apps, editor):
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(
        "CREATE TABLE spans_part (number integer PRIMARY KEY, made integer NOT NULL, newest integer NOT NULL,"
        " spans bigint NOT NULL, logs bigint NOT NULL) WITH (fillfactor = 50)"
    )
    for table, columns in PARTITIONED.items():
        editor.execute(f"CREATE TABLE {table} ({columns}) PARTITION BY LIST (part)")
    for column in ("filter", "core", "details"):
        # Compressed already: PostgreSQL need not try again.
        editor.execute(f"ALTER TABLE spans_block ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for index in INDEXES:
        editor.execute(index)


def remove(apps, editor):
    if editor.connection.vendor == "postgresql":
        for table in (*PARTITIONED, "spans_part"):
            editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(make, remove)]
