"""How many lifecycle events a second the ledger folds, beside a floor that decodes and upserts them bare.

    python -m tests.bench.ledger_bench [--messages 25000] [--engines sqlite,postgres]

Four events a message, as the library tells them, in the order in which they happen and in batches as the watcher
reads them (--batch); then every event once more (all are repeats), and the same events shuffled. What must hold: at
least 0.4 of the floor and 10,000 events/s in order, and the same rows however they came.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from tests.support import servers
from tests.support.house import ROOT, House

SHARE, LEAST = 0.4, 10_000
KINDS = ("sent", "received", "running", "succeeded")
# So many messages are under way at a time: a message's events lie that far apart.
UNDER_WAY = 500


def bodies(messages: int) -> list[bytes]:
    """The events in the order of their moments."""
    moment = 1_795_000_000.0
    chance = random.Random(1)
    ids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(messages)]
    found: list[tuple[float, bytes]] = []
    for place, id in enumerate(ids):
        for step, kind in enumerate(KINDS):
            at = moment + place * 0.0001 + step * UNDER_WAY * 0.0001
            found.append((at, _body(id, kind, at)))
    return [body for _, body in sorted(found)]


def _body(id: str, kind: str, at: float) -> bytes:
    from datetime import UTC, datetime

    said: dict[str, Any] = {
        "id": f"{id[:-4]}{KINDS.index(kind):04d}", "kind": kind, "message_id": id, "environment": "production",
        "at": datetime.fromtimestamp(at, UTC).isoformat(), "broker": "main", "queue": "extract",
        "sender": "classify", "task": "postroom.handle", "workflow": "invoices", "trace_id": id.replace("-", ""),
        "agent": "extract", "source": "library", "attempt": 0 if kind == "sent" else 1,
    }  # fmt: skip
    if kind != "sent":
        said |= {"instance": "extract-0", "version": "1.8.2"}
    return json.dumps(said, separators=(",", ":")).encode()


def run_one(what: str, messages: int, batch: int, seed: int) -> None:
    """In a process of its own: prints events a second and what the rows come to."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    django.setup()
    from agents.ledger.services import arriving
    from tests.bench import ledger_floor

    found = bodies(messages)
    if what == "shuffled":
        random.Random(seed).shuffle(found)
    batches = [found[start : start + batch] for start in range(0, len(found), batch)]
    if what == "floor":
        seconds = ledger_floor.run(batches)
    else:
        began = time.perf_counter()
        for each in batches:
            arriving.take(each, "main")
        seconds = time.perf_counter() - began
    print(json.dumps({"rate": len(found) / seconds, "rows": _rows()}))


def _rows() -> list[Any]:
    from django.db.models import Count

    from agents.ledger.models import EventRow, MessageRow

    states = MessageRow.objects.values_list("state", "attempt", "agent", "queue").annotate(number=Count("pk"))
    return [sorted(map(list, states)), EventRow.objects.count()]


def measure(engine: str, messages: int, batch: int) -> bool:
    rates: dict[str, float] = {}
    came: dict[str, Any] = {}
    for what in ("floor", "in order", "again", "shuffled"):
        if what != "again":
            with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
                if engine == "sqlite":
                    _two(House(Path(folder) / "data"), what, messages, batch, rates, came)
                    continue
                with servers.postgres_database(servers.postgres_server()) as url:
                    _two(House(Path(folder) / "data", url), what, messages, batch, rates, came)
    share = rates["in order"] / rates["floor"]
    print(f"{engine}: floor {rates['floor']:,.0f} events/s (bare decode and upsert)")
    print(
        f"{engine}: in order {rates['in order']:,.0f} events/s, {share:.2f} of the floor (at least {SHARE})"
    )
    print(f"{engine}: repeated {rates['again']:,.0f} events/s, shuffled {rates['shuffled']:,.0f} events/s")
    same = came["in order"] == came["again"] == came["shuffled"]
    print(f"{engine}: the same rows however they came: {'yes' if same else 'NO'}")
    return same and share >= SHARE and rates["in order"] >= LEAST


def _two(
    house: House, what: str, messages: int, batch: int, rates: dict[str, float], came: dict[str, Any]
) -> None:
    """A run; and where it is the one in order, the same once more into the same tables."""
    for each in (what, "again") if what == "in order" else (what,):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.bench.ledger_bench", "--run", each),
                *("--messages", str(messages), "--batch", str(batch)),
            ],
            cwd=ROOT, env=house.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        rates[each], came[each] = said["rate"], said["rows"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=25_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--engines", default="sqlite,postgres")
    parser.add_argument("--run", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run_one(given.run, given.messages, given.batch, seed=7)
        return 0
    held = [measure(each, given.messages, given.batch) for each in given.engines.split(",")]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
