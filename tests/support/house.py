"""A Postroom of a test's own: a data directory, a database, and commands that run in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support import template

ROOT = Path(__file__).resolve().parents[2]


class House:
    """Everything it starts shares its data directory and its database."""

    # How many seconds a command may take.
    patience = 120.0

    def __init__(self, data: Path, database_url: str = "", *, fresh: bool = True) -> None:
        """`fresh`: nothing is there yet."""
        self.data = data
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
        self.environ["POSTROOM_DATA_DIR"] = str(data)
        if database_url:
            self.environ["POSTROOM_DATABASE_URL"] = database_url
            template.migrate(self.environ)
        elif fresh:
            template.copy_to(data)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run to its end; the test fails when it does."""
        done = self.try_run(*command)
        assert done.returncode == 0, done.stderr
        return done

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.patience,
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def verify(self) -> dict[str, Any]:
        """What `audit verify` says."""
        found: dict[str, Any] = json.loads(self.try_run("manage.py", "audit", "verify", "--json").stdout)
        return found
