"""Running the project's own commands as a user would: a new process, a bare environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


def environment(**settings: str) -> dict[str, str]:
    """What a process needs of this machine, and the given settings: nothing of the test run's own."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | settings


def manage(
    *arguments: str, environ: dict[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """`manage.py …` in a process of its own; the caller judges the exit status."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip
