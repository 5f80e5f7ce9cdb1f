"""Leases and the watcher on a real Redis: one leads, a crash disturbs nobody, a lost lease ends a turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from core import leases, live_redis, watch
from core.brokers.api import BrokerError
from core.watch import Loop, Turn, Watcher
from tests.support.waiting import until

LIFE = timedelta(seconds=5)
OFTEN = timedelta(milliseconds=20)


@pytest.fixture(autouse=True)
def _on_this_redis(settings: Settings, redis_url: str) -> None:
    settings.REDIS_URL = redis_url


def test_lease__free__taken_with_a_token_that_grows() -> None:
    first = leases.take("one", LIFE)
    assert first
    assert first.held
    leases.release(first)
    second = leases.take("one", LIFE)
    assert second
    assert second.token > first.token


def test_lease__held__refused_to_others() -> None:
    assert leases.take("one", LIFE)
    assert leases.take("one", LIFE) is None
    assert leases.take("another", LIFE)


def test_lease__run_out__lost_to_its_holder() -> None:
    old = leases.take("one", timedelta(milliseconds=30))
    assert old
    new = until(lambda: leases.take("one", LIFE), "the lease to run out")
    assert new
    assert not leases.renew(old)
    assert not old.held
    leases.release(old)
    assert leases.renew(new)


def test_lease__renewed__lives_on() -> None:
    lease = leases.take("one", timedelta(milliseconds=400))
    assert lease
    before = lease.until
    assert leases.renew(lease)
    assert lease.until > before


@contextmanager
def running(*loops: Loop) -> Iterator[Watcher]:
    watcher = Watcher(list(loops), lease="test")
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        yield watcher
    finally:
        watcher.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()


class Counting:
    """A loop's work that counts its calls and who they were for."""

    def __init__(self, fails: bool = False) -> None:
        self.calls, self.tokens, self._fails = 0, set[int](), fails

    def __call__(self, turn: Turn) -> None:
        self.calls += 1
        self.tokens.add(turn.token)
        if self._fails:
            raise RuntimeError("this loop is broken")


def test_watcher__a_loop_that_crashes__is_tried_again_and_disturbs_nobody() -> None:
    good, bad = Counting(), Counting(fails=True)
    with running(Loop("good", OFTEN, good), Loop("bad", OFTEN, bad)):
        until(lambda: bad.calls >= 2, "the broken loop to be tried again")
        seen = good.calls
        until(lambda: good.calls > seen + 3, "the other loop to go on")


def test_watcher__two__one_leads_and_the_other_takes_over_at_once() -> None:
    first, second = Counting(), Counting()
    with running(Loop("one", OFTEN, first)) as leader:
        until(lambda: first.calls, "the first to lead")
        with running(Loop("one", OFTEN, second)):
            until(lambda: first.calls > 5, "the first to go on")
            assert second.calls == 0
            leader.stop()
            until(lambda: second.calls, "the second to lead")
            assert min(second.tokens) > max(first.tokens)


def test_watcher__lease_taken_away__ends_the_turn() -> None:
    counting = Counting()
    with running(Loop("one", OFTEN, counting)):
        until(lambda: counting.calls, "the watcher to lead")
        live_redis.client().delete(leases.KEY.format("test"))
        until(lambda: len(counting.tokens) == 2, "a new turn with a new token", 15)


BROKEN, AWAY = RuntimeError("a fault of ours"), OperationalError("the connection is lost")


@pytest.mark.parametrize(
    ("every", "crashes", "problem", "seconds"),
    [
        (1, 0, None, 1),
        (1, 1, BROKEN, 2),
        (1, 4, BROKEN, 16),
        (1, 9, BROKEN, 30),
        (60, 3, BROKEN, 60),
        (0.02, 1, BROKEN, 1),
        (1, 1, AWAY, 2),
        (1, 4, AWAY, 5),
        (0.2, 9, BrokerError("cannot reach main"), 5),
        (0.2, 9, live_redis.Unreachable("nobody listens"), 5),
        (15, 9, AWAY, 15),
        # An outage of a weekend: no number is too large.
        (1, 50_000, AWAY, 5),
        (1, 10_000, BROKEN, 30),
    ],
)
def test_pause__grows_with_each_crash_and_never_long_for_what_stands_beside_us(
    every: float, crashes: int, problem: Exception | None, seconds: float
) -> None:
    loop = Loop("x", timedelta(seconds=every), lambda turn: None)
    least = seconds if problem is None else 0.75 * seconds
    assert all(least <= watch.pause(loop, crashes, problem) <= seconds for _ in range(20))


def test_pauses__loops_that_failed_together_do_not_come_back_together() -> None:
    loop = Loop("x", OFTEN, lambda turn: None)
    assert len({watch.pause(loop, 9, AWAY) for _ in range(20)}) > 1
