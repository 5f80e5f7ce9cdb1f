"""A letter as it is taken in hand: what its way out asks of it, and no row that could be saved."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from core.access.api import Place


class Outgoing(NamedTuple):
    """The fields are columns of a letter, read in this order: a portion has a thousand of them."""

    pk: UUID
    state: str
    redrives: int
    environment: str
    broker: str
    queue: str
    agent: str
    message_id: str
    task: str
    sender: str
    workflow: str
    trace_id: str
    conversation_id: str
    content_type: str
    content_encoding: str
    body_size: int
    deaths: int
    failure_reason: str

    @property
    def place(self) -> Place:
        """Where it is, as `Letter.place`."""
        return Place(self.environment, self.queue, self.agent)
