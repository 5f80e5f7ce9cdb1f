"""Each source of evidence is taken away from a whole Postroom whose agent hangs: the verdict turns to `unknown` and
says what is missing, and is back when the source is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from postroom.drills import scene
from postroom.drills.figures import Verdict
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import until
from tests.support.house import ROOT

PATIENCE_S = 60.0


def causes(place: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.postroom.get("/api/v1/stuck")["results"]
    return found


def said(place: Scene, verdict: str, missing: str = "") -> bool:
    """That one verdict and no other, with that among what is missing."""
    found = causes(place)
    verdicts = {each["verdict"] for each in found}
    return verdicts == {verdict} and (not missing or any(missing in text for text in found[0]["missing"]))


@contextmanager
def held_still(*words: str) -> Iterator[None]:
    """Our own processes whose command has all these words, and what they started."""
    named = [each for each in psutil.Process().children(recursive=True) if _has(each, words)]
    assert named, words
    mine = [*named, *(child for each in named for child in each.children(recursive=True))]
    for each in mine:
        each.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for each in mine:
            each.send_signal(signal.SIGCONT)


def _has(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return all(word in command for word in words)


def play(place: Scene, verdict: Verdict) -> None:
    path = {"PYTHONPATH": f"{ROOT}:{scene.SDK}"}
    place.agent(
        "extract", "tests.support.stuck_agents:agent", "--concurrency", "1", "--pool", "threads", **path
    )
    sender = place.sender("source")
    for _ in range(25):
        sender.send_message("extract", {"hangs": False})
    sender.send_message("extract", {"hangs": True})
    until(lambda: said(place, "running_long"), "the verdict", PATIENCE_S)
    taken = (
        (("manage.py", "watch"), "the watcher has not looked since"),
        (("manage.py", "intake"), "one of the two does not get through"),
        (("redis-server", f":{urlsplit(place.broker.plain).port}"), scene.BROKER),
    )
    for words, missing in taken:
        with held_still(*words):
            until(partial(said, place, "unknown", missing), f"unknown without {words}", PATIENCE_S)
        until(lambda: said(place, "running_long"), f"the verdict again after {words}", PATIENCE_S)


@pytest.mark.timeout(600)
def test_a_source_is_taken_away__unknown_until_it_is_back() -> None:
    size = Size("small", 1)
    outcome = scene.run(Drill("sources", "evidence taken away", play, size, size), "redis", size)
    assert not outcome.trouble, outcome.trouble
