"""What was acknowledged is there after kill −9, and there once; what nobody acknowledged is there whole or not."""

from __future__ import annotations

import random
import signal
import subprocess
from collections import Counter

import pytest

from agents.spans.api import Batch, SpanStore
from agents.spans.values import Span
from core import clock
from tests.support.span_stores import Home
from tests.support.span_writer import batches, now

SIZE, BATCHES, ROUNDS = 64, 400, 4


def everything(store: SpanStore) -> list[Span]:
    rows: list[Span] = []
    cursor = ""
    while True:
        read = store.read_since(cursor)
        rows, cursor = [*rows, *read.rows], read.cursor
        if not read.more:
            return rows


def acknowledged_until_killed(process: subprocess.Popen[str], after: int) -> list[int]:
    """Kill the process once it has acknowledged so many batches; what it still said before it died counts too."""
    assert process.stdout
    heard = []
    for line in process.stdout:
        heard.append(int(line))
        if len(heard) == after:
            process.send_signal(signal.SIGKILL)
    assert process.wait() in (-signal.SIGKILL, 0)
    return heard


@pytest.mark.kills
def test_kill_9_of_a_writer_loses_nothing_that_was_acknowledged(home: Home) -> None:
    chance, moment = random.Random(clock.unix()), now()
    for round_ in range(ROUNDS):
        sent = list(batches(round_, BATCHES, SIZE, moment))
        process = home.start(str(round_), str(BATCHES), str(SIZE), str(moment))
        heard = acknowledged_until_killed(process, chance.randint(1, BATCHES // 2))
        store = home.store()
        times = Counter(everything(store))
        promised = [span for number in heard for span in sent[number]]
        assert [span for span in promised if times[span] == 0] == [], "acknowledged and missing"
        assert [span for span, found in times.items() if found > 1] == [], "counted twice"
        # The next process sends all of it again, as a client's retry would.
        for batch in sent:
            store.write(Batch(batch))
        again = Counter(everything(store))
        assert set(again.values()) == {1}
        assert again.keys() >= {span for batch in sent for span in batch}
        store.close()


def test_processes_that_send_the_same_spans_at_once_keep_each_once(home: Home) -> None:
    moment = now()
    processes = [home.start("7", "60", "64", str(moment)) for _ in range(3)]
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0, 0]
    times = Counter(everything(home.store()))
    assert times == Counter(span for batch in batches(7, 60, 64, moment) for span in batch)


def test_following_the_commits_skips_none_while_processes_write(home: Home) -> None:
    moment, cursor = now(), ""
    followed: list[Span] = []
    store = home.store()
    processes = [home.start(str(seed), "80", "40", str(moment)) for seed in (1, 2, 3)]
    while any(process.poll() is None for process in processes):
        read = store.read_since(cursor, limit=100)
        followed, cursor = [*followed, *read.rows], read.cursor
    assert [process.wait() for process in processes] == [0, 0, 0]
    while (read := store.read_since(cursor)).rows:
        followed, cursor = [*followed, *read.rows], read.cursor
    sent = (span for seed in (1, 2, 3) for batch in batches(seed, 80, 40, moment) for span in batch)
    assert Counter(followed) == Counter(sent)
