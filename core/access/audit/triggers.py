"""The database itself refuses to change the trail.

One way is left open, for retention: the entries of a month may be deleted once a Drop of its seal is there. A Drop
cannot be taken back, carries a keyed hash, and is announced by an entry: who makes one without the key is found.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

# Table → what is refused. Deleting an entry is refused unless its month has a Drop.
GUARDED = {
    "audit_entry": ("UPDATE", "DELETE"),
    "audit_seal": ("UPDATE", "DELETE"),
    "audit_drop": ("UPDATE", "DELETE"),
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Make every trigger, also where an older one stands."""
    remove(connection)
    _run(connection, _sqlite() if connection.vendor == "sqlite" else _postgresql())


def remove(connection: BaseDatabaseWrapper) -> None:
    on_table = connection.vendor == "postgresql"
    _run(
        connection,
        [
            f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if on_table else "")
            for name, table in _names(connection)
        ],
    )


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that should be there and are not, or are switched off."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        " AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor.fetchall()}
    return [name for name, _ in _names(connection) if name not in there]


def _names(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    extra = ("TRUNCATE",) if connection.vendor == "postgresql" else ()
    return [(_name(table, event), table) for table, events in GUARDED.items() for event in events + extra]


def _name(table: str, event: str) -> str:
    return f"{table}_no_{event.lower()}"


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {_name(table, event)} BEFORE {event} ON {table} {_sqlite_when(table, event)} "
        f"BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only: {table} takes no {event}.'); END"
        for table, events in GUARDED.items()
        for event in events
    ]


def _sqlite_when(table: str, event: str) -> str:
    if (table, event) != ("audit_entry", "DELETE"):
        return ""
    return "WHEN NOT EXISTS (SELECT 1 FROM audit_drop WHERE seal_id = OLD.segment)"


# The search path is fixed when the function is made, so that nobody can put another audit_drop before ours.
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_entry' THEN
    IF EXISTS (SELECT 1 FROM audit_drop WHERE seal_id = OLD.segment) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'The audit trail is append-only: % takes no %.', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$
"""


def _postgresql() -> list[str]:
    rows = [
        f"CREATE TRIGGER {_name(table, event)} BEFORE {event} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        for table, events in GUARDED.items()
        for event in events
    ]
    whole = [
        f"CREATE TRIGGER {_name(table, 'TRUNCATE')} BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        for table in GUARDED
    ]
    return [POSTGRESQL_FUNCTION, *rows, *whole]
