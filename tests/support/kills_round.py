"""One round of kills: an `up` under light load, killed at random moments, and what it acknowledged counted after."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from core.processes import Kind
from tests.support import up_run
from tests.support.up_run import MANAGE, ROOT, Up
from tests.support.waiting import BUSY, until

BACK_SECONDS, ORPHAN_SECONDS, SETTLE_SECONDS = 5.0 * BUSY, 5.0 * BUSY, 30.0
WRITERS = 2


@dataclass
class Figures:
    """What a round saw. `missing` are entries that were answered with 201 and are not in the trail."""

    seed: int
    kills: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    missing: int = 0
    orphans: int = 0
    zombies: int = 0
    slowest_back: float = 0.0
    slowest_clear: float = 0.0

    def dump(self) -> str:
        return json.dumps(asdict(self))


class Writers:
    """Clients that write audit entries one after the other, and remember those that were acknowledged."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: set[str] = set()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer: int) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {self._token}"}, timeout=10) as client:
            number = 0
            while not self._stopping.wait(0.02):
                number += 1
                self._one(client, f"{writer}-{number}")

    def _one(self, client: httpx.Client, id: str) -> None:
        entry = {"action": "kills.wrote", "on": {"kind": "order", "id": id}}
        try:
            answer = client.post(f"{self._url}/api/v1/audit", json=entry)
        except httpx.HTTPError:
            return
        if answer.status_code == httpx.codes.CREATED:
            with self._lock:
                self.acknowledged.add(id)


def run(data: Path, seed: int, kills: int) -> Figures:
    """Kill each child and `up` itself, in an order and at moments that the seed decides."""
    chance, figures = random.Random(seed), Figures(seed)
    env = up_run.apart(data)
    victims: list[Kind | None] = [*chance.choices([*Kind], k=kills), None]
    chance.shuffle(victims)
    house = _Houses(env)
    try:
        running = house.start()
        writers = Writers(running.url, token_for(env))
        writers.start()
        try:
            for victim in victims:
                time.sleep(chance.uniform(0.2, 1.5))
                running = _kill(victim, house, running, figures)
            count = len(writers.acknowledged)
            until(
                lambda: len(writers.acknowledged) > count + 3, "the last writes to go through", SETTLE_SECONDS
            )
        finally:
            writers.stop()
    finally:
        house.end()
    figures.acknowledged = len(writers.acknowledged)
    figures.missing = len(writers.acknowledged - written(env))
    figures.orphans += len(up_run.working_for(data))
    return figures


def _kill(victim: Kind | None, house: _Houses, running: Up, figures: Figures) -> Up:
    name = victim or "up"
    figures.kills[name] = figures.kills.get(name, 0) + 1
    if victim is None:
        return _kill_up(house, running, figures)
    pid, begun = running.child(victim), time.monotonic()
    os.kill(pid, signal.SIGKILL)
    until(lambda: running.is_back(victim, pid), f"{victim} to be back", SETTLE_SECONDS)
    figures.slowest_back = max(figures.slowest_back, time.monotonic() - begun)
    figures.zombies += len(up_run.zombies_of(running.process.pid))
    until(running.all_up, "every process to be up", SETTLE_SECONDS)
    return running


def _kill_up(house: _Houses, running: Up, figures: Figures) -> Up:
    begun = time.monotonic()
    running.send(signal.SIGKILL)
    while running.alive() and time.monotonic() - begun < ORPHAN_SECONDS:
        time.sleep(0.05)
    figures.orphans += len(running.alive())
    figures.slowest_clear = max(figures.slowest_clear, time.monotonic() - begun)
    return house.start()


class _Houses:
    """The `up` of this round and its successors on the same data and ports."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._open: list[Iterator[Up]] = []

    def start(self) -> Up:
        opened = _opened(self._env)
        self._open.append(opened)
        return next(opened).until_ready()

    def end(self) -> None:
        # The last first: those before it know their processes by the same data directory.
        for opened in reversed(self._open):
            next(opened, None)


def _opened(env: dict[str, str]) -> Iterator[Up]:
    with up_run.up(env) as running:
        yield running


def token_for(env: dict[str, str]) -> str:
    """A token that may write audit entries."""
    return _manage(env, "token", "create", "kills", "--role", "agent", "--scope", "environment=*").strip()


def written(env: dict[str, str]) -> set[str]:
    """The ids in the trail, after its chain was verified; from the files alone, nothing runs."""
    _manage(env, "audit", "verify")
    rows = map(json.loads, _manage(env, "audit", "export").splitlines())
    return {row["on"]["id"] for row in rows if row.get("on", {}).get("kind") == "order"}


def _manage(env: dict[str, str], *command: str) -> str:
    done = subprocess.run([*MANAGE, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
