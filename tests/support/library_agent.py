"""An agent for tests: what it does, its messages say. What it handled stands in the file DONE, a line each."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from postroom import Agent, Backoff, Message, PermanentError, TransientError

DONE = Path(os.environ.get("DONE", os.devnull))


def note(*words: object) -> None:
    """Appended in one write, so that lines of several processes do not mix."""
    with DONE.open("ab", buffering=0) as file:
        file.write((" ".join(map(str, words)) + "\n").encode())


class Worker(Agent):
    """Does as it is told."""

    version = "1.8.2"
    backoff = Backoff(base=0.2, attempts=3)
    content_limit = 10_000

    async def handle_message(self, message: Message) -> Any:
        said = message.payload
        note(message.id, said["do"], message.attempt, os.getpid())
        return await getattr(self, "do_" + said["do"])(message, said)

    async def do_succeed(self, message: Message, said: Any) -> str:
        return "done"

    async def do_permanent(self, message: Message, said: Any) -> None:
        raise PermanentError("not a document")

    async def do_transient(self, message: Message, said: Any) -> None:
        if message.attempt < said.get("succeeds_at", 99):
            raise TransientError("the model is busy")

    async def do_unknown(self, message: Message, said: Any) -> None:
        raise RuntimeError("what is this")

    async def do_decide(self, message: Message, said: Any) -> None:
        try:
            int("no number")
        except ValueError:
            self.send_to_error_queue(message, "no number in it")

    async def do_contradict(self, message: Message, said: Any) -> None:
        self.acknowledge(message)
        self.send_to_dead_letter(message)

    async def do_reject(self, message: Message, said: Any) -> None:
        if message.attempt == 1:
            self.reject(message, delay=0.1)

    async def do_pass_on(self, message: Message, said: Any) -> None:
        self.send_message("next", {"from": message.id})

    async def do_sleep(self, message: Message, said: Any) -> None:
        await asyncio.sleep(said["seconds"])

    async def do_die(self, message: Message, said: Any) -> None:
        if message.attempt == 1:
            os._exit(9)

    async def do_large(self, message: Message, said: Any) -> str:
        note(message.id, "bytes", len(said["text"]), os.getpid())
        return "read"


class Plain(Agent):
    """The same with a plain method, in threads."""

    backoff = Backoff(base=0.1, attempts=2)

    def handle_message(self, message: Message) -> None:
        note(message.id, "plain", message.attempt, message.metadata.get("size", ""))
        if message.payload == "late":
            time.sleep(0.3)


agent = Worker("worker")
plain = Plain("plain")
