"""One of the fifteen agents of the drill `stuck`: DRILL_AGENT says which. Does its work unless told otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from postroom import Agent, Backoff, Message, TransientError
from postroom.backpressure.agent import ThrottledAgent
from postroom.drills.crashes import FOLDER
from postroom.drills.faults import company, orders
from postroom.drills.notes import note

WORK_SECONDS = 0.02
LOOKS_EVERY = 0.05
NAME = os.environ["DRILL_AGENT"]
Orders = Mapping[str, Any]


def folder() -> Path:
    return Path(os.environ[FOLDER])


def told(do: str) -> bool:
    """Whether this is still what we are told to do."""
    return orders.current(folder(), NAME).get("do") == do


class Step(ThrottledAgent):
    """Passes a document on to whoever comes next on its way. Tried for as long as it takes."""

    version = "1.0.0"
    backoff = Backoff(attempts=1_000)

    def handle_message(self, message: Message) -> None:
        said = orders.current(folder(), self.agent_id)
        if said:
            DOING[said["do"]](self, message, said)
        time.sleep(WORK_SECONDS)
        if "answer" in message.payload:
            answer_file(message.payload["answer"]).touch()
        elif recipient := company.after(self.agent_id, message.payload["kind"]):
            pass_on(self, recipient, message)
        else:
            note("finished", message.payload["number"])
        note("handled", self.agent_id, message.id)


def pass_on(agent: Agent, recipient: str, message: Message) -> None:
    """Noted before and after: in between, a throttled agent may have to wait."""
    if recipient in company.BEHIND:
        note("sending", agent.agent_id, message.id, time.time())
    sent_at = time.time()
    agent.send_message(recipient, message.payload)
    note("sent", recipient, message.id, sent_at)
    if recipient in company.BEHIND:
        note("sending-done", agent.agent_id, message.id, time.time())


def held(message: Message) -> None:
    """The moment from which this message does not move."""
    note("held", NAME, message.id, time.time())


# ---- What an agent may be told to do wrong -----------------------------------------------------------------------
def hang(agent: Agent, message: Message, said: Orders) -> None:
    held(message)
    while told(orders.HANG):
        time.sleep(LOOKS_EVERY)


def be_slow(agent: Agent, message: Message, said: Orders) -> None:
    time.sleep(said["seconds"])


def fail(agent: Agent, message: Message, said: Orders) -> None:
    held(message)
    raise TransientError("The service behind this agent answers 503.")


def ask(agent: Agent, message: Message, said: Orders) -> None:
    """Ask another agent, and wait for its answer."""
    question = f"{agent.agent_id}-{message.id}"
    agent.send_message(said["whom"], {"kind": "question", "answer": question})
    held(message)
    while not answer_file(question).exists() and told(orders.ASK):
        time.sleep(LOOKS_EVERY)


def answer_file(question: str) -> Path:
    return folder() / f"answer-{question}"


DOING: dict[str, Callable[[Agent, Message, Orders], None]] = {
    orders.HANG: hang,
    orders.SLOW: be_slow,
    orders.FAIL: fail,
    orders.ASK: ask,
}

_throttled = NAME in company.THROTTLED
agent = Step(
    NAME,
    max_in_flight=company.MOST_IN_FLIGHT if _throttled else 10_000,
    timeout=None,
    throttle_by="slots" if "redis" in os.environ["POSTROOM_BROKER_URL"].partition(":")[0] else "depth",
)
