"""How many audit entries a second, beside a floor of bare inserts; and how fast the chain is verified.

    python -m tests.bench.audit_bench [--entries 4000] [--engines sqlite,postgres]

One writer, then eight at once. An entry waits for the one before it, so writers do not add up: what must hold is
that eight at once are no slower than half of one, and that the chain verifies afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import servers
from tests.support.house import House

WRITERS = 8
SHARE_OF_ONE = 0.5


@contextmanager
def house(engine: str) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as folder:
        if engine == "sqlite":
            yield House(Path(folder) / "data")
            return
        with servers.postgres_database(servers.postgres_server()) as url:
            yield House(Path(folder) / "data", url)


def rate(place: House, what: str, writers: int, entries: int) -> float:
    """Entries a second of all writers together, from the common start to the last one's end."""
    each = entries // writers
    started = [
        place.start("-m", "tests.bench.audit_writes", what, str(number + 1), str(each))
        for number in range(writers)
    ]
    for writer in started:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for writer in started:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in started:
        assert writer.wait() == 0
    return each * writers / (time.perf_counter() - began)


def measure(engine: str, entries: int) -> bool:
    found: dict[tuple[str, int], float] = {}
    for what in ("bare", "trail"):
        for writers in (1, WRITERS):
            with house(engine) as place:
                found[what, writers] = rate(place, what, writers, entries)
                report: dict[str, Any] = place.verify() if what == "trail" else {"holds": True}
            if not report["holds"]:
                print(f"{engine}: {report['finding']}")
                return False
    for writers in (1, WRITERS):
        ours, floor = found["trail", writers], found["bare", writers]
        share = f"{ours / floor:.2f} of the floor's {floor:,.0f}/s"
        print(f"{engine}: {writers} writer(s): {ours:,.0f} entries/s, {share}")
    print(f"{engine}: verified {report['entries']:,} entries at {verified_rate(report):,.0f}/s")
    return found["trail", WRITERS] >= SHARE_OF_ONE * found["trail", 1]


def verified_rate(report: dict[str, Any]) -> float:
    return float(report["entries"]) / max(report["took_ms"], 1) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=4000)
    parser.add_argument("--engines", default="sqlite,postgres")
    given = parser.parse_args()
    verdicts = {engine: measure(engine, given.entries) for engine in given.engines.split(",")}
    for engine, good in verdicts.items():
        print(f"{engine}: {'good' if good else f'bad: eight writers are below {SHARE_OF_ONE} of one'}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
