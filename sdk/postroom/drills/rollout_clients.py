"""The clients of the drill `rollout`: they know what they want done, and nobody's address.

python -m postroom.drills.rollout_clients AGENTS
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time

import httpx

from postroom.drills.notes import note
from postroom.drills.rollout_hall import agent_id
from postroom.registry.client import AgentRegistry
from postroom.registry.values import Offer

CLIENTS = 4
PAUSE_SECONDS = 0.02
FRESH_SECONDS = 1.0


def main(agents: int) -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    registry = AgentRegistry(fresh=FRESH_SECONDS)
    threads = [threading.Thread(target=_work, args=(registry, agents, over)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(registry: AgentRegistry, agents: int, over: threading.Event) -> None:
    chance = random.Random()  # noqa: S311
    with httpx.Client(timeout=5) as http:
        while not over.wait(PAUSE_SECONDS):
            _call(registry, http, agent_id(chance.randrange(agents)))


def _call(registry: AgentRegistry, http: httpx.Client, name: str) -> None:
    tried: list[str] = []

    def ask(offer: Offer) -> str:
        tried.append(offer.version)
        return http.get(offer.endpoint).raise_for_status().text

    began = time.monotonic()
    try:
        said = registry.call(registry.find_agents(f"do-{name}"), ask, errors=(httpx.HTTPError,))
    except Exception as problem:
        note("called", name, "failed", f"{type(problem).__name__}: {problem}", len(tried))
    else:
        good = said.startswith(f"{name} ")
        note(
            "called", name, "good" if good else "failed", said, len(tried), f"{time.monotonic() - began:.4f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
