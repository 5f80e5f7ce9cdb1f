"""What a fault acts upon: fifteen agents at work, the wire to their broker, and who sends them documents."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from postroom.drills.children import Child
from postroom.drills.faults import company
from postroom.drills.faults.proxy import Wire
from postroom.drills.notes import Tail

if TYPE_CHECKING:
    from postroom import Agent

DOCUMENTS_PER_SECOND = 3.0
BATCH_PER_SECOND = 8.0


class Source:
    """Sends documents from outside, past the wire, at a pace that is as uneven as life; and batches when asked to."""

    def __init__(self, agent: Agent, chance: random.Random) -> None:
        self._agent, self._chance = agent, chance
        self._ending = threading.Event()
        self._batch_to = ""
        # Number of the document, whom it was sent to, and when.
        self.sent: list[tuple[int, str, float]] = []
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._documents, self._batches)
        ]
        for thread in self._threads:
            thread.start()

    def batch(self, recipient: str) -> None:
        """From now on, beside the documents; "" ends it."""
        self._batch_to = recipient

    def close(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _documents(self) -> None:
        while not self._ending.wait(self._chance.expovariate(DOCUMENTS_PER_SECOND)):
            self._send(company.FIRST[0], self._chance.choice([*company.KINDS]))

    def _batches(self) -> None:
        while not self._ending.wait(1 / BATCH_PER_SECOND):
            if recipient := self._batch_to:
                self._send(recipient, "batch")

    def _send(self, recipient: str, kind: str) -> None:
        with self._lock:
            number, at = len(self.sent), time.time()
            self.sent.append((number, recipient, at))
        self._agent.send_message(recipient, {"kind": kind, "number": number})


class Noted(NamedTuple):
    """One line of an agent's notes."""

    agent: str
    message_id: str
    at: float


class Stage:
    """All of it. What agents noted is read as it comes, and kept."""

    def __init__(self, folder: Path, agents: dict[str, Child], wire: Wire, source: Source) -> None:
        self.folder, self.agents, self.wire, self.source = folder, agents, wire, source
        self._tails = {name: Tail(folder, name) for name in ("held", "sent", "sending", "sending-done")}
        self._noted: dict[str, list[Noted]] = defaultdict(list)
        self._finished, self._done = Tail(folder, "finished"), set[int]()

    def noted(self, name: str, since: float) -> Iterator[Noted]:
        """`held`, `sent` (the recipient), `sending`, `sending-done`, from a moment on."""
        self._noted[name] += [
            Noted(agent, id, float(at)) for agent, id, at in (row[:3] for row in self._tails[name].new())
        ]
        return (noted for noted in self._noted[name] if noted.at >= since)

    def first_held(self, agent: str, since: float) -> float | None:
        return min((noted.at for noted in self.noted("held", since) if noted.agent == agent), default=None)

    def sent_to(self, agent: str, since: float) -> list[float]:
        """When messages for this agent were sent, by whomever."""
        inside = [noted.at for noted in self.noted("sent", since) if noted.agent == agent]
        outside = [at for _, recipient, at in self.source.sent if recipient == agent and at >= since]
        return sorted(inside + outside)

    def first_waiting_to_send(self, agent: str, since: float) -> float | None:
        """Since when this throttled agent waits for a place for what it sends."""
        done = {noted.message_id for noted in self.noted("sending-done", since)}
        waiting = (noted for noted in self.noted("sending", since) if noted.message_id not in done)
        return min((noted.at for noted in waiting if noted.agent == agent), default=None)

    def under_way(self) -> int:
        """Documents that were sent and did not arrive yet."""
        return len(self.source.sent) - len(self._arrived())

    def sent_so_far(self) -> int:
        """How many documents were sent; they are numbered in their order."""
        return len(self.source.sent)

    def all_arrived(self, first: int) -> bool:
        """Whether each of the first so many documents came to its end."""
        return self._arrived().issuperset(range(first))

    def _arrived(self) -> set[int]:
        self._done |= {int(number) for (number,) in self._finished.new()}
        return self._done
