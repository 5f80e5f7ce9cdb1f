"""The two databases as Django connections: `default` for what is precious, `telemetry` for what is large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data_dir import DataDir
from core.env import DatabaseUrl

DEFAULT, TELEMETRY = "default", "telemetry"

# On one PostgreSQL server each alias has a schema of its own: in a shared one, Django finds the other alias's
# migrations recorded as applied and never makes the tables.
SCHEMAS = {DEFAULT: "postroom", TELEMETRY: "postroom_telemetry"}

# Each app that owns tables of telemetry; everything else lives in `default`.
TELEMETRY_APPS = frozenset({"spans", "ledger", "topology", "queues"})

WAL_LIMIT = 64 * 1024 * 1024
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous={synchronous};"
    f"PRAGMA journal_size_limit={WAL_LIMIT};"
    "PRAGMA wal_autocheckpoint=1000;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA secure_delete={overwrite};"
    "PRAGMA cache_size=-16000;"
)


def connections(
    data: DataDir, precious: DatabaseUrl | None, telemetry: DatabaseUrl | None
) -> dict[str, dict[str, Any]]:
    """Both connections; telemetry follows the first when only the first is given."""
    if precious and not telemetry and precious.engine == "postgresql":
        telemetry = precious
    return {
        DEFAULT: _connection(DEFAULT, precious, data.database, "FULL"),
        TELEMETRY: _connection(TELEMETRY, telemetry, data.telemetry_database, "NORMAL"),
    }


def _connection(alias: str, url: DatabaseUrl | None, file: Path, synchronous: str) -> dict[str, Any]:
    if url and url.engine == "postgresql":
        return _postgresql(alias, url)
    name = Path(url.name).absolute() if url else file
    name.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _sqlite(name, synchronous)


def _sqlite(name: Path, synchronous: str) -> dict[str, Any]:
    # Letters lie where a commit is on the disk for sure: there, what is deleted is overwritten, so that a body that was
    # erased is not found in the file.
    overwrite = "ON" if synchronous == "FULL" else "OFF"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(name),
        "OPTIONS": {
            # Deferred transactions from several writers fail with "locked"; immediate ones wait their turn.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": SQLITE_PRAGMAS.format(synchronous=synchronous, overwrite=overwrite),
        },
        # A database in memory is not shared between the threads and processes that tests start.
        "TEST": {"NAME": f"{name}.test"},
    }


def _postgresql(alias: str, url: DatabaseUrl) -> dict[str, Any]:
    options = dict(url.options)
    given, schema = options.get("options", ""), f"-c search_path={SCHEMAS[alias]}"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.name,
        "HOST": url.host,
        "PORT": url.port or "",
        "USER": url.user,
        "PASSWORD": url.password,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "postroom"} | options | {"options": f"{given} {schema}".strip()},
        # Two aliases with one test database would be taken for mirrors, and the second never migrated.
        "TEST": {"NAME": f"test_{url.name}" + ("" if alias == DEFAULT else f"_{alias}")},
    }


class Router:
    """Sends each app's tables to its database; no relation crosses."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return TELEMETRY if model._meta.app_label in TELEMETRY_APPS else DEFAULT

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return self.db_for_read(one) == self.db_for_read(other)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label in TELEMETRY_APPS) == (db == TELEMETRY)
