"""The settings as a user meets them: a refused start says one sentence, and production settings have no flaw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import environment, manage

PRODUCTION = {
    "POSTROOM_HTTPS": "on",
    "POSTROOM_SECRET_KEY": "k" * 16 + "production-has-a-key-of-its-own-that-is-long-and-random-0123456789",
    "POSTROOM_AUDIT_KEY": "another-one",
    "POSTROOM_ALLOWED_HOSTS": "postroom.example",
    "POSTROOM_TRUSTED_PROXIES": "10.0.0.0/8",
}


def test_production_settings_pass_djangos_own_examination(tmp_path: Path) -> None:
    environ = environment(POSTROOM_DATA_DIR=str(tmp_path), **PRODUCTION)
    answer = manage("check", "--deploy", "--fail-level", "WARNING", environ=environ)
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


def test_settings_that_are_not_for_production_are_found_by_it(tmp_path: Path) -> None:
    environ = environment(POSTROOM_DATA_DIR=str(tmp_path), POSTROOM_DEBUG="on")
    answer = manage("check", "--deploy", "--fail-level", "WARNING", environ=environ)
    assert answer.returncode == 1
    assert "security.W018" in answer.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"POSTROOM_BIND": "8000"}, "POSTROOM_BIND='8000' is refused: it must be HOST:PORT"),
        ({"POSTROOM_BLIND": "x"}, "POSTROOM_BLIND is not a setting of Postroom. Did you mean POSTROOM_BIND?"),
        ({"POSTROOM_DATABASE_URL": "mysql://u:sesame@h/d"}, "POSTROOM_DATABASE_URL=(hidden) is refused"),
        ({"POSTROOM_SECRET_KEY_FILE": "/nowhere/key"}, "cannot be read: no such file"),
        ({"POSTROOM_DATA_DIR": "/dev/null/data"}, "The data directory /dev/null/data cannot be made"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_start_that_cannot_be__refused_with_one_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    answer = manage("check", environ=environment(**({"POSTROOM_DATA_DIR": str(tmp_path)} | settings)))
    assert answer.returncode == 1
    assert answer.stderr.startswith("postroom: ")
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1, "one sentence, and no traceback"
    assert "sesame" not in answer.stderr
