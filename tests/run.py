"""`make test`: the suite on SQLite, then what is marked both_databases on PostgreSQL; one sum as the last line.

With --leave-kills without the tests marked `kills`, for who runs `make kills` next: it begins with all of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tests.support.servers import MissingError, postgres_server

WORKERS = str(min(max(os.cpu_count() or 1, 2), 4))
NOTHING_COLLECTED = 5
LEAVE_KILLS = "--leave-kills"


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    leave_kills = LEAVE_KILLS in arguments
    arguments = [each for each in arguments if each != LEAVE_KILLS]
    environ = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
    first = _pytest(environ, [*(["-m", "not kills"] if leave_kills else []), *arguments])
    marked = "both_databases and not kills" if leave_kills else "both_databases"
    again = _on_postgresql(environ, ["-m", marked, *arguments])
    total = first + again
    parts = [f"{total[kind]} {kind}" for kind in ("failed", "passed", "skipped") if total[kind]]
    print(
        f"{', '.join(parts) or 'no tests'} in {time.monotonic() - began:.0f} s "
        f"({first['passed']} passed on SQLite, {again['passed']} again on PostgreSQL)"
    )
    return 1 if total["failed"] or not total["passed"] else 0


def _on_postgresql(environ: dict[str, str], arguments: list[str]) -> Counter[str]:
    try:
        server = postgres_server()
    except MissingError as problem:
        print(f"SKIPPED: what is marked both_databases, on PostgreSQL: {problem}")
        return Counter(skipped=1)
    url = server.format(name="postroom")
    return _pytest(environ | {"POSTROOM_DATABASE_URL": url}, arguments)


def _pytest(environ: dict[str, str], arguments: list[str]) -> Counter[str]:
    """Run pytest over all cores and count what became of the tests. A run that breaks off counts as a failure."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            "-n",
            WORKERS,
            f"--junitxml={report}",
            *arguments,
        ]
        status = _run(command, environ)
        counts = _counts(report)
    if status not in {0, NOTHING_COLLECTED} and not counts["failed"]:
        counts["failed"] += 1
    return counts


def _run(command: list[str], environ: dict[str, str]) -> int:
    """Whoever ends us gives pytest the time to drop its databases and end its servers; then we end as well."""
    told: list[int] = []
    with subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL) as pytest:

        def end(number: int, _: object) -> None:
            told.append(number)
            pytest.terminate()

        before = signal.signal(signal.SIGTERM, end)
        status = pytest.wait()
        signal.signal(signal.SIGTERM, before)
    if told:
        sys.exit(128 + told[0])
    return status


def _counts(report: Path) -> Counter[str]:
    if not report.exists():
        return Counter()
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        bad = number["failures"] + number["errors"]
        counts += Counter(
            failed=bad, skipped=number["skipped"], passed=number["tests"] - bad - number["skipped"]
        )
    return counts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
