"""What every test stands on: its own data directory, its own databases, its own Redis."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before Django reads its settings: nothing of this machine's own configuration, nothing of another run's.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_run = tempfile.mkdtemp(prefix=f"postroom-{_worker}-")
for name in [name for name in os.environ if name.startswith("POSTROOM_")]:
    if name not in {"POSTROOM_TEST_REQUIRE", "POSTROOM_DATABASE_URL", "POSTROOM_TELEMETRY_DATABASE_URL"}:
        del os.environ[name]
os.environ["POSTROOM_DATA_DIR"] = str(Path(_run) / "data")
