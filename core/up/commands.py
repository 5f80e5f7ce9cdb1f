"""The processes of Postroom as commands: the one list that `up`, the containers and the docs agree on.

Each runs alone in a plain environment; what it needs it reads from the POSTROOM_ settings.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from core.processes import Kind

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"


@dataclass(frozen=True, slots=True)
class Program:
    """One process: `command` is what follows `python manage.py`."""

    kind: Kind
    command: tuple[str, ...]
    about: str
    # Those that take things in end first, those that work on them next, so that nothing arrives for nobody.
    ends_in_step: int

    @property
    def argv(self) -> tuple[str, ...]:
        return argv(self.command)


def argv(command: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, str(MANAGE), *command)


PROGRAMS: tuple[Program, ...] = (
    Program(Kind.WEB, ("web",), "Pages, API and websockets (Daphne).", 1),
    Program(Kind.INTAKE, ("intake",), "Spans, logs, heartbeats, events and letters (Granian).", 1),
    Program(Kind.WORKER, ("worker",), "Operations, probes, notifications, retention (Celery).", 2),
    Program(Kind.BEAT, ("beat",), "Starts what is due (Celery beat); one is enough.", 1),
    Program(Kind.WATCHER, ("watch",), "Follows the brokers; leader by lease, others stand by.", 2),
)

# Before the first start of any of them, and after each update: tables, first admin, ingest token.
PREPARE: tuple[str, ...] = ("prepare",)

# The demo workload, beside them when it is asked for.
DEMO: tuple[str, ...] = ("demo",)
