"""A fresh `migrate` makes every table, wherever the two databases are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.apps import apps

from core.data_dir import DataDir
from core.databases import DEFAULT, SCHEMAS, TELEMETRY, TELEMETRY_APPS
from tests.support.commands import environment, manage

OURS = "SELECT tablename FROM pg_tables WHERE schemaname = %s"


def expected(alias: str) -> set[str]:
    """The tables that the models of one database say there are."""
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    telemetry = alias == TELEMETRY
    tables = {m._meta.db_table for m in models if (m._meta.app_label in TELEMETRY_APPS) == telemetry}
    return tables | {"django_migrations"}


def in_file(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def in_schema(url: str, alias: str) -> set[str]:
    with psycopg.connect(url) as database:
        return {name for (name,) in database.execute(OURS, [SCHEMAS[alias]])}


def migrate(folder: Path, **settings: str) -> DataDir:
    environ = environment(POSTROOM_DATA_DIR=str(folder), **settings)
    answer = manage("migrate", "--verbosity", "0", environ=environ)
    assert answer.returncode == 0, answer.stderr
    again = manage("migrate", "--check", environ=environ)
    assert again.returncode == 0, "a second migrate would find something to do"
    return DataDir(folder)


def complete(alias: str, tables: set[str]) -> bool:
    """Every table of this database is there, and none of the other's."""
    other = expected(DEFAULT if alias == TELEMETRY else TELEMETRY) - {"django_migrations"}
    assert expected(alias) - tables == set(), f"missing in {alias}"
    assert tables & other == set(), f"strangers in {alias}"
    return True


def test_sqlite_for_both(tmp_path: Path) -> None:
    data = migrate(tmp_path)
    assert complete(DEFAULT, in_file(data.database))
    assert complete(TELEMETRY, in_file(data.telemetry_database))


def test_one_postgresql_database_for_both(tmp_path: Path, postgres_url: str) -> None:
    migrate(tmp_path, POSTROOM_DATABASE_URL=postgres_url)
    assert complete(DEFAULT, in_schema(postgres_url, DEFAULT))
    assert complete(TELEMETRY, in_schema(postgres_url, TELEMETRY))


def test_sqlite_for_what_is_precious_and_postgresql_for_telemetry(tmp_path: Path, postgres_url: str) -> None:
    data = migrate(tmp_path, POSTROOM_TELEMETRY_DATABASE_URL=postgres_url)
    assert complete(DEFAULT, in_file(data.database))
    assert complete(TELEMETRY, in_schema(postgres_url, TELEMETRY))
    assert in_schema(postgres_url, DEFAULT) == set()


def test_postgresql_for_what_is_precious_and_sqlite_for_telemetry(tmp_path: Path, postgres_url: str) -> None:
    file = tmp_path / "apart" / "telemetry.db"
    migrate(
        tmp_path / "data",
        POSTROOM_DATABASE_URL=postgres_url,
        POSTROOM_TELEMETRY_DATABASE_URL=f"sqlite:///{file}",
    )
    assert complete(DEFAULT, in_schema(postgres_url, DEFAULT))
    assert complete(TELEMETRY, in_file(file))
    assert in_schema(postgres_url, TELEMETRY) == set()


def test_one_alias_alone_when_it_is_named(tmp_path: Path) -> None:
    environ = environment(POSTROOM_DATA_DIR=str(tmp_path))
    assert manage("migrate", "--database", DEFAULT, "--verbosity", "0", environ=environ).returncode == 0
    data = DataDir(tmp_path)
    assert complete(DEFAULT, in_file(data.database))
    assert not data.telemetry_database.exists() or in_file(data.telemetry_database) == set()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/x", "mysql://h/x"])
def test_a_database_that_cannot_be__refused(tmp_path: Path, url: str) -> None:
    environ = environment(POSTROOM_DATA_DIR=str(tmp_path), POSTROOM_DATABASE_URL=url)
    answer = manage("migrate", environ=environ)
    assert answer.returncode != 0
