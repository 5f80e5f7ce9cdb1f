"""The demo's fault panel, while a demo runs on this machine: what there is to break, and what is broken.

The demo says itself what there is (`panel.json` in its folder), and follows what is written beside it (`faults.json`):
docs/guides/demo.md. Nothing of it exists where no demo runs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core.access.api import Permission, Place, require
from core.access.audit.api import Action, Target
from core.access.services import Actor

PANEL: Final = "panel.json"
FAULTS: Final = "faults.json"
BROKEN: Final = "broken"


class NoSuchFaultError(Exception):
    """The demo has no such thing to break, or has ended. Load its page again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to break, in the demo's own words, and how it is now."""

    name: str
    agent: str
    about: str
    see: str
    after: str
    mended: str
    state: str

    @property
    def is_broken(self) -> bool:
        return self.state == BROKEN


def panel() -> list[Fault]:
    """Empty when no demo runs."""
    said = _read(PANEL)
    if not _lives(said.get("pid")):
        return []
    states = _read(FAULTS)
    return [Fault(**fault, state=str(states.get(fault["name"], ""))) for fault in said["faults"]]


def change(name: str, *, broken: bool, actor: Actor) -> Fault:
    """Break or mend it; twice is once. Raises NoSuchFaultError, and PermissionRefusedError without the right."""
    fault = next((fault for fault in panel() if fault.name == name), None)
    if fault is None:
        raise NoSuchFaultError(NoSuchFaultError.__doc__)
    place = Place(settings.POSTROOM.environment, agent=fault.agent)
    require(actor.subject, Permission.CONTROL_AGENTS, place)
    action = Action.DEMO_BROKEN if broken else Action.DEMO_MENDED
    actor.record(action, Target("demo", name, fault.about, place))
    _write(_read(FAULTS) | {name: BROKEN if broken else fault.mended})
    return fault


def _lives(pid: object) -> bool:
    """A demo that was killed leaves its panel behind."""
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_folder().joinpath(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _write(states: Mapping[str, str]) -> None:
    """All of it at once: fifteen agents read it."""
    handle, aside = tempfile.mkstemp(dir=_folder(), prefix=f".{FAULTS}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({name: state for name, state in states.items() if state}, file)
    os.replace(aside, _folder() / FAULTS)


def _folder() -> Path:
    folder: Path = settings.DATA.demo
    return folder
