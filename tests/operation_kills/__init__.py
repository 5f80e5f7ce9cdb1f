"""The kill matrix of operations: whatever is killed at whatever step, no letter is lost and none is sent twice."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Agents have the library installed; here it lies beside.
if str(ROOT / "sdk") not in sys.path:
    sys.path.append(str(ROOT / "sdk"))
