"""A migrated data directory, made once by a process and copied for each house: migrating costs seconds."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copy_to(data: Path) -> None:
    """A fresh data directory with its keys and its two SQLite databases, as `migrate` leaves it."""
    shutil.copytree(_made(), data, dirs_exist_ok=True)


def copy_with_token_to(data: Path) -> str:
    """The same with a token that may write; returns the token."""
    folder, token = _made_with_token()
    shutil.copytree(folder, data, dirs_exist_ok=True)
    return token


def migrate(environ: Mapping[str, str]) -> None:
    _manage(environ, "migrate", "-v0")


@cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="postroom-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate(_environ(folder / "plain"))
    return folder / "plain"


@cache
def _made_with_token() -> tuple[Path, str]:
    folder = _made().with_name("with-token")
    copy_to(folder)
    return folder, _manage(_environ(folder), "token", "create", "tests", "--role", "ingest").strip()


def _environ(data: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    return plain | {"POSTROOM_DATA_DIR": str(data)}


def _manage(environ: Mapping[str, str], *command: str) -> str:
    command = (sys.executable, "manage.py", *command)
    done = subprocess.run(command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
