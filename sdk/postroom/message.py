"""What an agent's handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any


class Message:
    """A message as its handler sees it.

    `payload` is what the sender sent; a large one is fetched from the content store when it is first asked for.
    `metadata` is the sender's small print. `retry_count` is 0 at the first attempt. `deadline` is when it stops to
    matter, or None.

        >>> message = Message("0192", payload={"total": 12}, sender="classify", retry_count=1)
        >>> message.payload["total"], message.attempt
        (12, 2)
    """

    __slots__ = (
        "_fetch",
        "_payload",
        "conversation_id",
        "deadline",
        "headers",
        "id",
        "metadata",
        "parent_id",
        "recipient",
        "redrive_count",
        "retry_count",
        "sender",
        "trace_id",
        "workflow",
    )

    def __init__(
        self,
        id: str,
        *,
        payload: Any = None,
        sender: str = "",
        recipient: str = "",
        metadata: Mapping[str, Any] | None = None,
        retry_count: int = 0,
        redrive_count: int = 0,
        trace_id: str = "",
        deadline: float | None = None,
        workflow: str = "",
        conversation_id: str = "",
        parent_id: str = "",
        headers: Mapping[str, Any] | None = None,
        fetch: Callable[[], Any] | None = None,
    ) -> None:
        self.id, self.sender, self.recipient = id, sender, recipient
        self._payload, self._fetch = payload, fetch
        self.metadata: Mapping[str, Any] = metadata or {}
        self.headers: Mapping[str, Any] = headers or {}
        self.retry_count, self.redrive_count = retry_count, redrive_count
        self.trace_id, self.workflow = trace_id, workflow
        self.conversation_id, self.parent_id = conversation_id, parent_id
        self.deadline = None if deadline is None else datetime.fromtimestamp(deadline, UTC)

    @property
    def payload(self) -> Any:
        """What was sent. Raises ContentMissingError or ContentDamagedError when it lay in a content store and the
        store no longer has it as it was."""
        if self._fetch is not None:
            self._payload, self._fetch = self._fetch(), None
        return self._payload

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self.retry_count + 1

    def remaining(self) -> float | None:
        """Seconds until the deadline, negative behind it; None without one."""
        return None if self.deadline is None else self.deadline.timestamp() - time()

    def __repr__(self) -> str:
        return (
            f"<Message {self.id} from {self.sender or 'unknown'} to {self.recipient}, attempt {self.attempt}>"
        )
