"""The demo workload: its fifteen agents arrive by a real exporter, with links, tokens, errors' places and lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.house import ROOT
from tests.support.intake_house import IntakeHouse
from tests.support.waiting import until


def test_the_demo_reaches_intake(tmp_path: Path, redis_url: str) -> None:
    house = IntakeHouse(tmp_path / "data", redis_url)
    with house.intake() as intake:
        address = {"POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{intake.port}"}
        command = [sys.executable, "manage.py", "demo"]
        demo = subprocess.Popen(command, cwd=ROOT, env=house.environ | address)
        try:
            until(lambda: len(house.stored()) > 50 and len(house.stored_logs()) > 20, "the demo's spans", 90)
        finally:
            demo.terminate()
        assert demo.wait(20) == 0
    assert set(house.stored().values()) == {1}
