"""Keeps a test run apart from this machine's Postroom and from every other run. Imported before Django's settings."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit

DATABASES = ("POSTROOM_DATABASE_URL", "POSTROOM_TELEMETRY_DATABASE_URL")
KEPT = frozenset({"POSTROOM_TEST_REQUIRE", *DATABASES})

# xdist names each run and each of its workers; without it there is one worker, and we name the run.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:8]


def begin() -> Path:
    """Give this process a data directory and database names of its own; returns the folder to remove at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"postroom-{WORKER}-"))
    # For a run that breaks off before pytest could tell us that it ends.
    atexit.register(end, folder)
    for name in [name for name in os.environ if name.startswith("POSTROOM_") and name not in KEPT]:
        del os.environ[name]
    os.environ["POSTROOM_DATA_DIR"] = str(folder / "data")
    for name in DATABASES:
        if url := os.environ.get(name):
            os.environ[name] = own_database(url)
    return folder


def own_database(url: str) -> str:
    """The same server under a database name that no other run and no other worker has."""
    parts = urlsplit(url)
    if not re.match(r"postgres(ql)?$", parts.scheme):
        return url
    return parts._replace(path=f"/postroom_{RUN}").geturl()


def end(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
