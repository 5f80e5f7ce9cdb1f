"""The demo's fault panel: a file that says what is broken, which `postroom demo` writes and the demo's agents follow.

Each fault is one that Postroom shows and an operator repairs. Breaking and mending say what to look at.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "DEMO_FOLDER"
FILE: Final = "faults.json"
# What there is to break, for whoever shows it: there while the demo runs.
PANEL: Final = "panel.json"
POISON, WEDGE, KILL, RELEASE = "poison", "wedge", "kill", "release"
BROKEN: Final = "broken"
# What `mend release` brings: the bad release with its mistake put right.
FIXED: Final = "fixed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to break: at which agent, what is seen then, and what puts it right."""

    name: str
    agent: str
    about: str
    see: str
    after: str
    # How it is once it was put right: a bad release is not taken back, it is followed by a good one.
    mended: str = ""


FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault
    for fault in (
        Fault(
            POISON,
            "extract",
            "every third invoice is one that nobody can read",
            "Letters: a group of extract, each with one attempt; the others do not wait",
            "no more come; purge the letters, or keep them",
        ),
        Fault(
            WEDGE,
            "summarise",
            "summarise does not come back from its handler",
            "Stuck, and the topology: summarise, with its cause and what it holds up",
            "it goes on where it was",
        ),
        Fault(
            KILL,
            "search",
            "search is killed (-9) and nobody starts it again",
            "Agents: search is late, then down; its messages wait",
            "it is started again, and what waited is done",
        ),
        Fault(
            RELEASE,
            "validate",
            "validate 1.5.0 is released, and fails on every second document",
            "Letters: a new group of validate 1.5.0; Agents: the new version",
            "validate 1.5.1 is released: redrive the group, in steps, and watch it be processed",
            FIXED,
        ),
    )
}


def here() -> Path:
    """The folder of the demo that runs here: of DEMO_FOLDER, else in the data directory."""
    return Path(os.environ.get(FOLDER) or Path(os.environ.get("POSTROOM_DATA_DIR") or ".postroom") / "demo")


def read(folder: Path) -> dict[str, str]:
    """What is broken, and since when or how. Nothing when nobody wrote anything."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(state) for name, state in found.items()}


def write(folder: Path, broken: Mapping[str, str]) -> None:
    _write(folder, FILE, {name: state for name, state in broken.items() if state})


def _write(folder: Path, name: str, what: object) -> None:
    """All of it at once, so that nobody reads half."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(what, file)
    os.replace(aside, folder / name)


def break_(folder: Path, name: str) -> None:
    write(folder, read(folder) | {name: BROKEN})


def mend(folder: Path, name: str) -> None:
    write(folder, read(folder) | {name: FAULTS[name].mended})


def show_panel(folder: Path) -> None:
    """Postroom's own page shows what stands here, and writes the file of faults as `postroom demo` does."""
    panel = {"pid": os.getpid(), "faults": [asdict(fault) for fault in FAULTS.values()]}
    _write(folder, PANEL, panel)


def take_panel_away(folder: Path) -> None:
    (folder / PANEL).unlink(missing_ok=True)


class Watched:
    """What is broken now, without reading the file more often than it is worth."""

    EVERY = 0.2

    def __init__(self, folder: Path) -> None:
        self._folder, self._looked, self._broken = folder, 0.0, dict[str, str]()

    def state(self, name: str) -> str:
        """ "" when it is not broken."""
        now = time.monotonic()
        if now - self._looked > self.EVERY:
            self._looked, self._broken = now, read(self._folder)
        return self._broken.get(name, "")
