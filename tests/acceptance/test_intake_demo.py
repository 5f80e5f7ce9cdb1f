"""The demo workload: its fifteen agents arrive by a real exporter, and break and mend as its fault panel says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.demo import company, faults
from tests.support.house import ROOT
from tests.support.intake_house import IntakeHouse
from tests.support.waiting import until


@contextmanager
def demo_of(house: IntakeHouse, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Ended by a signal, as `up` does it."""
    environ = house.environ | {"POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{port}"}
    demo = subprocess.Popen([sys.executable, "manage.py", "demo"], cwd=ROOT, env=environ)
    try:
        yield demo
    finally:
        demo.terminate()
    assert demo.wait(20) == 0


def agents_of(demo: subprocess.Popen[bytes]) -> set[int]:
    """The processes that it forked and that live."""
    return {int(pid) for pid in Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()}


def test_the_demo_reaches_intake__and_breaks_and_mends(tmp_path: Path, redis_url: str) -> None:
    house, folder = IntakeHouse(tmp_path / "data", redis_url), tmp_path / "data" / "demo"
    with house.intake() as intake, demo_of(house, intake.port) as demo:
        until(lambda: len(house.stored()) > 50 and len(house.stored_logs()) > 20, "the demo's spans", 90)
        whole = agents_of(demo)
        assert len(whole) == len(company.AGENTS)
        faults.break_(folder, faults.KILL)
        until(lambda: len(agents_of(demo)) == len(whole) - 1, "an agent to be dead", 20)
        faults.mend(folder, faults.KILL)
        until(lambda: len(agents_of(demo)) == len(whole), "it to be started again", 20)
        before = agents_of(demo)
        faults.break_(folder, faults.RELEASE)
        until(lambda: len(before - agents_of(demo)) == 1, "the agent of the old release to end", 20)
        until(lambda: len(agents_of(demo)) == len(whole), "its new release to begin", 20)
    assert set(house.stored().values()) == {1}
    assert not (folder / faults.PANEL).exists()
