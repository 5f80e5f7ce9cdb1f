"""kill −9 of intake and of web in an `up` under load: what was acknowledged is there afterwards, and there once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from core.processes import Kind
from tests.support import up_run
from tests.support.intake_senders import Senders
from tests.support.up_run import MANAGE, ROOT, Up
from tests.support.waiting import until

SENDERS, SPANS = 2, 20
BACK_SECONDS = 60.0


@dataclass
class Figures:
    """What a round saw. `missing` were acknowledged and are not in the store; `twice` are in it more than once."""

    engine: str
    seed: int
    kills: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    missing: int = 0
    twice: int = 0
    slowest_back: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Nothing lost, nothing counted twice, and nobody told anything but yes or come again."""
        known = {"0", "200", "429", "503"}
        return self.acknowledged > 0 and not self.missing and not self.twice and set(self.statuses) <= known

    def dump(self) -> str:
        return json.dumps(asdict(self))


def run(data: Path, engine: str, url: str, seed: int, kills: int) -> Figures:
    """So many kills of each, in an order and at moments that the seed decides. `url`: its database, empty for
    SQLite."""
    chance, figures = random.Random(seed), Figures(engine, seed)
    env = up_run.apart(data, **({"POSTROOM_DATABASE_URL": url} if url else {}))
    victims = [Kind.INTAKE, Kind.WEB] * kills
    chance.shuffle(victims)
    with up_run.up(env) as running:
        running.until_ready()
        # Half of them straight to intake, half through web, which passes on what it gets.
        urls = [f"http://{env['POSTROOM_OTLP_HTTP_BIND']}", running.url] * SENDERS
        with Senders({"authorization": f"Bearer {_token(env)}"}, urls, SPANS) as senders:
            for victim in victims:
                enough = len(senders.acknowledged) + chance.randrange(SPANS, 30 * SPANS)
                until(lambda enough=enough: len(senders.acknowledged) >= enough, "load", BACK_SECONDS)  # type: ignore[misc]
                _kill(running, victim, figures)
    figures.acknowledged = len(senders.acknowledged)
    figures.statuses = {str(status): count for status, count in sorted(senders.statuses.items())}
    stored = _stored(env)
    figures.missing = len(senders.acknowledged - stored.keys())
    figures.twice = sum(count > 1 for count in stored.values())
    return figures


def _kill(running: Up, victim: Kind, figures: Figures) -> None:
    """All of it, those at work first; `up` brings it back."""
    pid, begun = running.child(victim), time.monotonic()
    for each in reversed([psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]):
        each.send_signal(signal.SIGKILL)
    figures.kills[victim] = figures.kills.get(victim, 0) + 1
    until(lambda: running.is_back(victim, pid), f"{victim} to be back", BACK_SECONDS)
    figures.slowest_back = max(figures.slowest_back, time.monotonic() - begun)


def _token(env: dict[str, str]) -> str:
    return _run(env, *MANAGE, "token", "create", "kills", "--role", "ingest").strip()


def _stored(env: dict[str, str]) -> Counter[str]:
    """How often each span is in the store, now that nothing runs."""
    command = [MANAGE[0], "-m", "tests.support.stored", "spans"]
    return Counter(_run(env | {"PYTHONPATH": str(ROOT)}, *command).split())


def _run(env: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def seed_of(environ: os._Environ[str] = os.environ) -> int:
    """A seed that was given, or any."""
    return int(environ.get("KILLS_SEED") or random.randrange(1 << 32))
