"""What agents are told to do wrong: a file for each agent, which it looks at with every message.

The drill writes it whole and takes it away again; an agent that does what it says stops doing it then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

HANG: Final = "hang"
SLOW: Final = "slow"
FAIL: Final = "fail"
ASK: Final = "ask"


def give(folder: Path, agent: str, do: str, **more: Any) -> None:
    """From now on; replaces what the agent was told before."""
    file = _file(folder, agent)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"do": do, **more}), encoding="utf-8")
    os.replace(fresh, file)


def take_back(folder: Path, agent: str) -> None:
    _file(folder, agent).unlink(missing_ok=True)


def current(folder: Path, agent: str) -> Mapping[str, Any]:
    """Empty: do as you should."""
    try:
        found: Mapping[str, Any] = json.loads(_file(folder, agent).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _file(folder: Path, agent: str) -> Path:
    return folder / f"orders-{agent}.json"
