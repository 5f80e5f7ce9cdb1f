"""The agents of the drill `documents`: fetch, read, classify, store. Only the first knows where documents come from."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from typing import Any

from postroom import Agent, Message
from postroom.content.stores import DirectoryStore
from postroom.drills.notes import note
from postroom.runtime.api import Hook, Outgoing

NEXT = {"fetch": "read", "read": "classify", "classify": "store"}


class Scales(Hook):
    """Weighs what goes to the broker."""

    def before_send(self, outgoing: Outgoing) -> None:
        note("weighed", len(outgoing.body))


_get = DirectoryStore.get


def _counted(store: DirectoryStore, key: str) -> bytes:
    note("store-read", os.getpid(), key)
    return _get(store, key)


DirectoryStore.get = _counted  # type: ignore[assignment,method-assign]


class Step(Agent):
    """Takes a document that came with its message, and hands it on the same way."""

    version = "1.0.0"

    def __init__(self, agent_id: str) -> None:
        super().__init__(agent_id, hooks=[Scales()])

    def handle_message(self, message: Message) -> None:
        self._pass_on(message.payload, message.metadata)

    def _pass_on(self, content: Any, metadata: Any) -> None:
        digest = hashlib.sha256(content).hexdigest()
        note("handled", self.agent_id, metadata["number"], digest == metadata["digest"], len(content))
        if following := NEXT.get(self.agent_id):
            self.send_message(following, content, metadata=metadata)


class Fetch(Step):
    """The only one that downloads."""

    def handle_message(self, message: Message) -> None:
        with urllib.request.urlopen(message.payload["url"], timeout=60) as answer:  # noqa: S310 - the drill's own server
            content = answer.read()
        self._pass_on(content, {"number": message.payload["number"], "digest": message.payload["digest"]})


fetch, read, classify, store = Fetch("fetch"), Step("read"), Step("classify"), Step("store")
