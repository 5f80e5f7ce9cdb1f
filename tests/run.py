"""`make test`: the suite on SQLite, and beside it what is marked both_databases on PostgreSQL; one sum at the end.

Much of the suite waits for processes to start and to end, so the second run fits into the pauses of the first.
With --leave-kills without the tests marked `kills`, for who runs `make kills` next: it begins with all of them.
With --minutes=13 what has not begun by then is left for another run and named (tests/support/in_time.py); a run that
leaves more than half of the tests is a failure. Without it, everything runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests.support import in_time
from tests.support.servers import MissingError, postgres_server

CORES = min(max(os.cpu_count() or 1, 2), 4)
# One more than there are cores: at any time some wait for a process to start or to end.
WORKERS = CORES + 1
NOTHING_COLLECTED = 5
LEAVE_KILLS, MINUTES = "--leave-kills", "--minutes="
# A run that leaves more than this share of the tests has not shown enough.
MOST_LEFT = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """One pytest over several workers."""

    process: subprocess.Popen[bytes]
    report: Path

    def counts(self) -> Counter[str]:
        """Waits for its end and counts what became of the tests. A run that breaks off counts as a failure."""
        status = self.process.wait()
        counts = _counts(self.report)
        if status not in {0, NOTHING_COLLECTED} and not counts["failed"]:
            counts["failed"] += 1
        return counts


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    leave_kills = LEAVE_KILLS in arguments
    minutes = next(
        (float(each.removeprefix(MINUTES)) for each in arguments if each.startswith(MINUTES)), None
    )
    if minutes is not None:
        os.environ |= in_time.given(minutes, _commit())
    arguments = [each for each in arguments if each != LEAVE_KILLS and not each.startswith(MINUTES)]
    with tempfile.TemporaryDirectory() as folder:
        first, again = _both(Path(folder), leave_kills, arguments)
    total = first + again
    parts = [f"{total[kind]} {kind}" for kind in ("failed", "passed", "skipped", "left") if total[kind]]
    print(
        f"{', '.join(parts) or 'no tests'} in {time.monotonic() - began:.0f} s "
        f"({first['passed']} passed on SQLite, {again['passed']} again on PostgreSQL)"
    )
    if total["left"]:
        print(
            f"{total['left']} were left for another run: the {minutes:g} minutes were over. They are named above."
        )
    return 0 if shown_enough(total) else 1


def shown_enough(total: Counter[str]) -> bool:
    return bool(total["passed"]) and not total["failed"] and total["left"] <= MOST_LEFT * total.total()


def _commit() -> str:
    """Another one for another state of the code."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _both(folder: Path, leave_kills: bool, arguments: list[str]) -> tuple[Counter[str], Counter[str]]:
    """The two runs at once. What the second one says comes after the first, whole."""
    environ = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
    unmarked = ["-m", "not kills"] if leave_kills else []
    marked = ["-m", "both_databases and not kills" if leave_kills else "both_databases"]
    said = folder / "postgresql.txt"
    with said.open("wb") as out:
        runs = [_begin(folder / "sqlite.xml", WORKERS, environ, [*unmarked, *arguments])]
        missing = ""
        try:
            url = {"POSTROOM_DATABASE_URL": postgres_server().format(name="postroom")}
            second = _begin(folder / "postgresql.xml", 1, environ | url, [*marked, *arguments], out)
            runs.append(second)
        except MissingError as problem:
            missing = f"SKIPPED: what is marked both_databases, on PostgreSQL: {problem}\n"
        with _ended_with_us(runs):
            counts = [run.counts() for run in runs]
    print(missing or said.read_text(errors="replace"), end="", flush=True)
    return counts[0], Counter(skipped=1) if missing else counts[1]


def _begin(
    report: Path, workers: int, environ: dict[str, str], arguments: list[str], out: IO[bytes] | None = None
) -> Run:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-n", str(workers), f"--junitxml={report}"]
    process = subprocess.Popen(
        [*command, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT if out else None,
    )
    return Run(process, report)


@contextmanager
def _ended_with_us(runs: list[Run]) -> Iterator[None]:
    """Whoever ends us gives pytest the time to drop its databases and end its servers; then we end as well."""
    told: list[int] = []

    def end(number: int, _: object) -> None:
        told.append(number)
        for run in runs:
            run.process.terminate()

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    if told:
        sys.exit(128 + told[0])


def _counts(report: Path) -> Counter[str]:
    if not report.exists():
        return Counter()
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        bad = number["failures"] + number["errors"]
        left = sum(in_time.LEFT in each.get("message", "") for each in suite.iter("skipped"))
        counts += Counter(
            failed=bad,
            left=left,
            skipped=number["skipped"] - left,
            passed=number["tests"] - bad - number["skipped"],
        )
    return counts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
