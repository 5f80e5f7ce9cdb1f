"""Two databases as Django connections: which engine, which file or schema, for each way of setting them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import databases, env
from core.data_dir import DataDir
from core.databases import DEFAULT, TELEMETRY

POSTGRES = env.database_url(
    "postgresql://u:p@h:5433/one?sslmode=require&options=-c%20statement_timeout%3D5000"
)
OTHER = env.database_url("postgresql:///two")
SQLITE = "sqlite3"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def engines(made: dict[str, dict[str, object]]) -> tuple[str, str]:
    first, second = (str(made[alias]["ENGINE"]).rpartition(".")[2] for alias in (DEFAULT, TELEMETRY))
    return first, second


def test_without_settings_both_are_files_of_their_own(data: DataDir) -> None:
    made = databases.connections(data, None, None)
    assert engines(made) == (SQLITE, SQLITE)
    assert made[DEFAULT]["NAME"] == str(data.database)
    assert made[TELEMETRY]["NAME"] == str(data.telemetry_database)
    assert data.telemetry.is_dir()


def test_telemetry_follows_postgresql_into_a_schema_of_its_own(data: DataDir) -> None:
    made = databases.connections(data, POSTGRES, None)
    assert engines(made) == ("postgresql", "postgresql")
    assert made[DEFAULT]["NAME"] == made[TELEMETRY]["NAME"] == "one"
    assert made[DEFAULT]["OPTIONS"]["options"].endswith("-c search_path=postroom")
    assert made[TELEMETRY]["OPTIONS"]["options"].endswith("-c search_path=postroom_telemetry")


def test_options_of_the_url_are_kept_beside_the_schema(data: DataDir) -> None:
    options = databases.connections(data, POSTGRES, None)[DEFAULT]["OPTIONS"]
    assert options["sslmode"] == "require"
    assert options["options"] == "-c statement_timeout=5000 -c search_path=postroom"


def test_telemetry_on_postgresql_alone(data: DataDir) -> None:
    made = databases.connections(data, None, OTHER)
    assert engines(made) == (SQLITE, "postgresql")
    assert made[TELEMETRY]["NAME"] == "two"


def test_telemetry_in_a_file_beside_postgresql(data: DataDir, tmp_path: Path) -> None:
    made = databases.connections(data, POSTGRES, env.database_url(f"sqlite:///{tmp_path}/t.db"))
    assert engines(made) == ("postgresql", SQLITE)
    assert made[TELEMETRY]["NAME"] == f"{tmp_path}/t.db"


def test_a_relative_file_is_the_same_one_for_a_process_that_stands_elsewhere(data: DataDir) -> None:
    made = databases.connections(data, env.database_url("sqlite:///.build/x.db"), None)
    assert made[DEFAULT]["NAME"] == str(Path.cwd() / ".build" / "x.db")


def test_writers_of_sqlite_wait_their_turn_and_the_precious_file_is_synced_in_full(data: DataDir) -> None:
    made = databases.connections(data, None, None)
    for alias in (DEFAULT, TELEMETRY):
        assert made[alias]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in made[DEFAULT]["OPTIONS"]["init_command"]


@pytest.mark.both_databases
@pytest.mark.django_db(databases=[DEFAULT, TELEMETRY])
def test_each_connection_sees_only_its_own_schema_or_file() -> None:
    from django.db import connections

    seen = {}
    for alias in (DEFAULT, TELEMETRY):
        with connections[alias].cursor() as cursor:
            seen[alias] = set(connections[alias].introspection.table_names(cursor))
    assert "access_user" in seen[DEFAULT]
    assert "access_user" not in seen[TELEMETRY]
