"""Drill `orders`: thousands of orders while workers are killed and the broker is cut off. Nothing lost, nothing twice.

Some cards are refused: those orders must end in the dead letters, once each. Every other order must be booked exactly
once. Kills are half at random and half in the windows where a crash hurts most.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from postroom.drills import crashes
from postroom.drills.children import Child
from postroom.drills.figures import Verdict, at_least, exactly, told
from postroom.drills.letters import Letters
from postroom.drills.progress import Progress
from postroom.drills.scene import Drill, Scene, Size
from postroom.drills.waiting import NeverCameError, until

if TYPE_CHECKING:
    from postroom import Agent

# Hands an order to the broker under this message id; raises when the broker did not confirm it.
Send = Callable[[dict[str, str], str], object]
WORKERS = 3
REFUSED_EVERY = 50
AHEAD = 400
OUTAGE_SECONDS = (0.5, 2.5)
SETTLE_SECONDS = 300.0
WINDOW_SECONDS = 60.0
AGENT_NAME = "orders"
AGENT = "postroom.drills.orders_agent:agent"


class Books:
    """Where orders are booked: outside of the broker, without a rule that would hide a second booking."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "books.sqlite"
        with self._open() as books:
            books.execute("PRAGMA journal_mode=WAL")
            books.execute("CREATE TABLE booked (order_id TEXT NOT NULL)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30)

    def count(self) -> int:
        with self._open() as books:
            return int(books.execute("SELECT count(DISTINCT order_id) FROM booked").fetchone()[0])

    def times(self) -> Counter[str]:
        with self._open() as books:
            return Counter(dict(books.execute("SELECT order_id, count(*) FROM booked GROUP BY 1")))


class Shop:
    """Sends orders, never many more than are dealt with, and sends again what the broker did not confirm."""

    def __init__(self, send: Send, count: int, dealt_with: Callable[[], int]) -> None:
        self.count, self.sent = count, 0
        self._hand_over = send
        self._dealt_with = dealt_with
        self._may = 0
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self.again = 0

    def start(self) -> None:
        self._thread.start()

    def allow(self, count: int) -> None:
        """So many may be sent by now: the rest waits until more has been broken."""
        self._may = max(self._may, count)

    def _send_all(self) -> None:
        for number in range(self.count):
            while self.sent >= self._may or self.sent - self._dealt_with() > AHEAD:
                time.sleep(0.02)
            self._send(number)
            self.sent += 1

    def _send(self, number: int) -> None:
        """The same message id however often: what the broker did take, it takes no second time."""
        order = {"order": order_id(number), "card": "refused" if is_refused(number) else "good"}
        for attempt in itertools.count():
            try:
                self._hand_over(order, message_id(number))
            except Exception:
                self.again += 1
                time.sleep(min(0.1 * 2**attempt, 1.0))
            else:
                return


def order_id(number: int) -> str:
    return f"order-{number}"


def message_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


def is_refused(number: int) -> bool:
    return number % REFUSED_EVERY == REFUSED_EVERY - 1


class Trouble:
    """Kills workers and cuts the broker off, evenly over the whole run."""

    def __init__(
        self,
        scene: Scene,
        workers: list[Child],
        chance: random.Random,
        windows: Sequence[str] = crashes.WINDOWS,
    ) -> None:
        self._scene, self._workers, self._chance = scene, workers, chance
        self._windows = windows
        self.done: Counter[str] = Counter()

    def steps(self) -> list[Callable[[], None]]:
        kills, outages = self._scene.size["kills"], self._scene.size["outages"]
        windows = itertools.cycle(self._windows)
        steps = [self._kill_one for _ in range(kills - kills // 2)]
        steps += [self._in_window(next(windows)) for _ in range(kills // 2)]
        steps += [self._outage for _ in range(outages)]
        self._chance.shuffle(steps)
        return steps

    def _kill_one(self) -> None:
        worker = self._chance.choice(self._workers)
        worker.start_again()
        self.done["killed at random"] += 1

    def _in_window(self, window: str) -> Callable[[], None]:
        def step() -> None:
            file = crashes.ask(self._scene.folder, window)
            try:
                until(lambda: not file.exists(), f"a worker in the window {window}", WINDOW_SECONDS)
            except NeverCameError:
                file.unlink(missing_ok=True)
                self._kill_one()
            else:
                self.done[f"killed in the window {window}"] += 1
            self.revive()

        return step

    def _outage(self) -> None:
        self._scene.broker.kill()
        time.sleep(self._chance.uniform(*OUTAGE_SECONDS))
        self._scene.broker.start()
        self.done["broker outages"] += 1

    @property
    def kills(self) -> int:
        return self.done.total() - self.done["broker outages"]

    def revive(self) -> None:
        """A dead worker is started again, as its supervisor would."""
        for worker in self._workers:
            if not worker.alive:
                worker.start_again()


def play(scene: Scene, verdict: Verdict) -> None:
    books, letters, count = Books(scene.folder), Letters(scene.postroom, "orders"), scene.size.count
    workers = [scene.agent(f"orders-{number}", AGENT, "--concurrency", "2") for number in range(WORKERS)]
    refused = sum(map(is_refused, range(count)))
    shop = Shop(_through(scene.sender("shop")), count, books.count)
    shop.start()
    progress, trouble = scene.progress("orders", count), Trouble(scene, workers, random.Random(4711))  # noqa: S311
    began = time.monotonic()
    break_things(trouble, shop, books, progress)
    _settle(trouble, books, letters, count - refused, refused, progress)
    progress.close()
    _judge(verdict, scene, books, letters)
    verdict.add(
        at_least("workers killed", trouble.kills, scene.size["kills"]),
        *(told(name, times) for name, times in sorted(trouble.done.items())),
        told("sent again by the shop", shop.again),
        told("seconds", round(time.monotonic() - began, 1)),
    )


def _through(sender: Agent) -> Send:
    return lambda order, id: sender.send_message(AGENT_NAME, order, message_id=id)


def break_things(trouble: Trouble, shop: Shop, books: Books, progress: Progress) -> None:
    """Each step waits until its share of the orders is on its way, so that something is always in flight."""
    steps = trouble.steps()
    for number, step in enumerate(steps, start=1):
        share = shop.count * number // (len(steps) + 1)
        shop.allow(share)
        until(lambda share=share: shop.sent >= share - AHEAD, "the shop to send", SETTLE_SECONDS)  # type: ignore[misc]
        trouble.revive()
        step()
        progress.at(books.count(), ", ".join(f"{name} {times}" for name, times in trouble.done.items()))
    shop.allow(shop.count)


def _settle(
    trouble: Trouble, books: Books, letters: Letters, good: int, refused: int, progress: Progress
) -> None:
    """Until every order is accounted for; judged then, whatever came of it."""

    def accounted() -> bool:
        trouble.revive()
        booked = books.count()
        progress.at(booked, "the rest comes in")
        return booked >= good and len(letters.message_ids()) >= refused

    try:
        until(accounted, "every order to be booked or in the dead letters", SETTLE_SECONDS, every=0.5)
    except NeverCameError:
        progress.at(books.count(), "not all came in")


def _judge(verdict: Verdict, scene: Scene, books: Books, letters: Letters) -> None:
    times, dead = books.times(), letters.message_ids()
    wanted = range(scene.size.count)
    booked = {number for number in wanted if order_id(number) in times}
    buried = {number for number in wanted if message_id(number) in dead}
    verdict.add(
        told("orders", scene.size.count),
        told("booked", len(booked)),
        told("in the dead letters", len(buried)),
        exactly("lost", scene.size.count - len(booked | buried), 0),
        exactly("booked twice", sum(count > 1 for count in times.values()), 0),
        exactly("booked and dead at once", len(booked & buried), 0),
        exactly("refused cards booked", sum(map(is_refused, booked)), 0),
        exactly("good cards in the dead letters", sum(not is_refused(number) for number in buried), 0),
        exactly("letters that are there twice", sum(count > 1 for count in dead.values()), 0),
    )


DRILL = Drill(
    "orders",
    "workers killed and the broker cut off: every order once, or in the dead letters",
    play,
    small=Size("small", 1_000, {"kills": 8, "outages": 1}),
    full=Size("full", 10_000, {"kills": 50, "outages": 5}),
    brokers=("redis", "rabbitmq"),
)
