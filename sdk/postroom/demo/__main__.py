"""`python -m postroom.demo`: fifteen real agents of this library at work, until it is ended.

Where to, it reads as every agent does: POSTROOM_BROKER_URL, POSTROOM_URL, POSTROOM_TOKEN, OTEL_EXPORTER_OTLP_…. What is
broken, it reads from the fault panel (`postroom demo`). Needs the extra `otlp`.
"""

from __future__ import annotations

import signal
import threading

from postroom.demo import agent, company, faults, office
from postroom.demo.office import Office

LOOKS_EVERY = 0.5


def main() -> None:
    ending = threading.Event()
    for number in office.ENDINGS:
        signal.signal(number, lambda *_: ending.set())
    office.load()
    # What was broken at the last end is broken still.
    folder, running = faults.here(), Office()
    faults.write(folder, faults.read(folder))
    faults.show_panel(folder)
    while not ending.is_set():
        follow(running, faults.read(folder))
        ending.wait(LOOKS_EVERY)
    faults.take_panel_away(folder)
    running.close()


def follow(running: Office, broken: dict[str, str]) -> None:
    """One look: who died is started again, unless somebody must stay dead; and who has another release is replaced."""
    running.bury()
    for name in company.AGENTS:
        if faults.KILL in broken and name == faults.FAULTS[faults.KILL].agent:
            running.kill(name)
            continue
        wanted = wanted_version(name, broken)
        if running.runs(name) and running.version(name) != wanted:
            running.end(name)
        if not running.runs(name):
            running.start(name, wanted)


def wanted_version(name: str, broken: dict[str, str]) -> str:
    if name != faults.FAULTS[faults.RELEASE].agent:
        return agent.VERSION
    state = broken.get(faults.RELEASE)
    return {None: agent.VERSION, faults.FIXED: agent.FIXED}.get(state, agent.BAD)


if __name__ == "__main__":
    main()
