"""Every service of docker-compose.yml as a plain process: prepared, healthy by its own check, ended in time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from core.up.commands import PROGRAMS
from tests.support.commands import ROOT, environment
from tests.support.compose import compose, environment_of, image_environment
from tests.support.servers import free_port
from tests.support.waiting import BUSY, until
from tests.unit.test_deploy_files import REQUIRED

SERVICES = compose()["services"]
GRACE_SECONDS = BUSY * float(SERVICES["web"]["stop_grace_period"].removesuffix("s"))
START_SECONDS = float(SERVICES["web"]["healthcheck"]["start_period"].removesuffix("s"))


@pytest.fixture
def here(tmp_path: Path, postgres_url: str, redis_url: str) -> dict[str, str]:
    """What differs between a container and this machine: addresses, and where data lies."""
    intake = free_port()
    return {
        "POSTROOM_DATA_DIR": str(tmp_path / "data"),
        "POSTROOM_DATABASE_URL": postgres_url,
        "POSTROOM_REDIS_URL": redis_url,
        "POSTROOM_BROKERS": f"main={redis_url}",
        "POSTROOM_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{intake}",
        "POSTROOM_OTLP_GRPC_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_INTAKE_URL": f"http://127.0.0.1:{intake}",
    }


def environ_of(name: str, here: dict[str, str]) -> dict[str, str]:
    image = {k: v for k, v in image_environment().items() if k.startswith("POSTROOM_")}
    return environment(**(image | environment_of(SERVICES[name], REQUIRED) | here))


@contextmanager
def running(name: str, here: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        command = [sys.executable, "manage.py", *SERVICES[name]["command"]]
        process = subprocess.Popen(
            command, env=environ_of(name, here), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def healthy(name: str, here: dict[str, str]) -> bool:
    """The service's own health check, run beside it."""
    _, _, *check = SERVICES[name]["healthcheck"]["test"]
    answer = subprocess.run(
        [sys.executable, *check], env=environ_of(name, here), cwd=ROOT, capture_output=True, check=False
    )
    return answer.returncode == 0


def ended_or_healthy(name: str, process: subprocess.Popen[bytes], here: dict[str, str]) -> bool:
    return process.poll() is not None or healthy(name, here)


def test_every_service_starts_is_healthy_and_ends_in_time(tmp_path: Path, here: dict[str, str]) -> None:
    prepare = SERVICES["prepare"]["command"]
    done = subprocess.run(
        [sys.executable, "manage.py", *prepare],
        env=environ_of("prepare", here), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    names = [str(program.kind) for program in PROGRAMS]
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(running(name, here, tmp_path / f"{name}.log")) for name in names
        }
        for name, process in processes.items():
            log = (tmp_path / f"{name}.log").read_text
            until(partial(ended_or_healthy, name, process, here), f"{name} to be healthy", START_SECONDS)
            assert process.poll() is None, f"{name} ended: {log()}"

        asked = time.monotonic()
        for process in processes.values():
            process.terminate()
        for name, process in processes.items():
            process.wait(timeout=GRACE_SECONDS)
            assert process.returncode == 0, f"{name}: {(tmp_path / f'{name}.log').read_text()}"
        assert time.monotonic() - asked < GRACE_SECONDS
    assert [name for name in names if healthy(name, here)] == [], "what has ended must not look healthy"
