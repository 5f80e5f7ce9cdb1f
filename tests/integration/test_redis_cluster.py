"""A Redis cluster is refused with a sentence, before anything is built on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import live_redis, readiness
from tests.support import servers
from tests.support.house import ROOT

HIGHEST_PORT = 65_535 - 10_000


@pytest.fixture
def cluster(redis_server: str) -> Iterator[str]:
    """A node of a cluster; a cluster needs a port of its own, which a node that nobody joins never uses. The one for
    its neighbours is 10,000 above, where there must be one."""
    del redis_server  # skipped by name where there is no Redis at all
    port = servers.free_port()
    while port > HIGHEST_PORT:
        port = servers.free_port()
    with servers.redis_server("--cluster-enabled", "yes", "--port", str(port), "--bind", "127.0.0.1") as url:
        yield url


def prepare(url: str, data: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    environ |= {"POSTROOM_REDIS_URL": url, "POSTROOM_DATA_DIR": str(data)}
    command = [sys.executable, "manage.py", "prepare"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_a_cluster__refused(cluster: str, tmp_path: Path) -> None:
    ended = prepare(cluster, tmp_path)
    assert ended.returncode == 1
    assert readiness.CLUSTER in ended.stderr
    assert "Password" not in ended.stdout


def test_a_single_server__accepted(redis_url: str) -> None:
    assert not live_redis.is_cluster(live_redis.at(redis_url))
