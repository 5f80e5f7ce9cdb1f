"""The parts that every drill is made of: figures, the bar, processes, a broker of its own."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from postroom.drills import table
from postroom.drills.brokers import PrivateRedis
from postroom.drills.children import Children
from postroom.drills.figures import Verdict, as_json, as_text, at_least, at_most, exactly, told
from postroom.drills.progress import Progress, bar
from postroom.drills.waiting import NeverCameError, until


def verdict(*figures: object) -> Verdict:
    return Verdict("orders", "small", list(figures))  # type: ignore[arg-type]


def test_a_verdict_is_good_when_every_limit_held() -> None:
    good = verdict(exactly("lost", 0, 0), at_most("p99", 1.4, 1.5), at_least("rate", 9, 5), told("kills", 50))
    assert good.good
    assert as_text(good).endswith("verdict: held")


@pytest.mark.parametrize("figure", [exactly("lost", 1, 0), at_most("p99", 1.6, 1.5), at_least("rate", 4, 5)])
def test_a_verdict_is_bad_when_one_limit_did_not_hold(figure: object) -> None:
    bad = verdict(exactly("double", 0, 0), figure)
    assert not bad.good
    assert json.loads(as_json([bad]))[0]["verdict"] == "BAD"


def test_a_verdict_that_measured_nothing_is_bad() -> None:
    assert not verdict().good
    assert not verdict(told("kills", 50)).good


def test_trouble_makes_a_verdict_bad() -> None:
    troubled = verdict(exactly("lost", 0, 0))
    troubled.trouble = "a worker did not start"
    assert not troubled.good
    assert "a worker did not start" in as_text(troubled)


def test_a_bar_is_full_at_the_end_and_never_overflows() -> None:
    assert bar(0, 10, 10) == "░" * 10
    assert bar(5, 10, 10) == "▓" * 5 + "░" * 5
    assert bar(12, 10, 10) == "▓" * 10


def test_progress_that_is_no_terminal_is_written_in_lines() -> None:
    out = io.StringIO()
    progress = Progress("orders", 10, out)
    progress.at(1, "sending")
    progress.at(2)
    progress.close("done")
    assert out.getvalue().count("\n") == 2
    assert "10/10 done" in out.getvalue()


def test_a_child_and_its_children_are_gone_when_the_drill_ends(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)\n"
    )
    with Children(tmp_path, os.environ) as children:
        parent = children.python("parent", "-c", script)
        until(lambda: parent.log.read_text().strip().isdigit(), "the child's id")
        grandchild = int(parent.log.read_text())
        parent.start_again()
        assert parent.alive
    until(lambda: not Path(f"/proc/{grandchild}").exists() or _zombie(grandchild), "the grandchild to end")
    assert not parent.alive


def _zombie(pid: int) -> bool:
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_what_never_comes_is_named() -> None:
    with pytest.raises(NeverCameError, match="the moon"):
        until(lambda: False, "the moon", seconds=0.05, every=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="the private Redis is looked for on Linux")
def test_a_redis_of_the_drills_own_keeps_what_it_confirmed(tmp_path: Path) -> None:
    import redis

    broker = PrivateRedis(tmp_path)
    try:
        with redis.Redis.from_url(broker.plain) as client:
            client.lpush("orders", "one")
        broker.kill()
        broker.start()
        with redis.Redis.from_url(broker.plain) as client:
            assert client.lrange("orders", 0, -1) == [b"one"]
    finally:
        broker.close()


@pytest.mark.parametrize("name", [*table.NAMES, *table.BESIDE])
def test_every_drill_that_the_command_names_is_there_in_both_sizes(name: str) -> None:
    drill = table.find(name)
    assert drill.name == name
    assert drill.small.count < drill.full.count
    assert drill.small.numbers.keys() == drill.full.numbers.keys()
