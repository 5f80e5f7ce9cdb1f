"""Messages that wait on a queue, taken off it and put somewhere else: never into nothing.

with waiting.shifter(broker) as there:
    seen = there.waits("orders", 1_000)
    there.move("orders", [Wanted(each.key, f"{operation}:{place}") for place, each in enumerate(seen)], "spare")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Final, Protocol, Self

from core.brokers.api import BrokerError, BrokerUrl

__all__ = ["LETTERS", "BrokerError", "Letter", "Moved", "Shifter", "Waits", "Wanted", "shifter"]

# Where letters wait for capture, and on Redis the field of an entry that holds one (docs/concepts/wire.md).
LETTERS: Final = "postroom.letters"
FIELD: Final = "l"


class Moved(StrEnum):
    """What became of a message that was to leave its queue."""

    MOVED = "moved"
    # An earlier call with this mark did it.
    ALREADY = "already"
    # It waits there no longer: taken by a consumer, or by somebody else. Where nothing `remembers` also: moved by an
    # earlier call; where not everything was `kept` also: lost, before that or after.
    GONE = "gone"
    # No such target; the target is full. The message waits where it was.
    UNROUTABLE = "unroutable"
    REFUSED = "refused"
    # The connection was lost before the broker said anything: it waits in one place, or the other, or both.
    UNKNOWN = "unknown"
    # Not tried, or only looked for: it waits where it was.
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class Waits:
    """A waiting message. `key` names it for as long as it waits there; messages of one key are the same."""

    key: str
    message_id: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = ""
    content_encoding: str = ""
    exchange: str = ""
    routing_key: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One to be moved. `mark` is the move's own name, the same when it is asked for again."""

    key: str
    mark: str


# A waiting message and its mark, as the bytes of a letter.
Letter = Callable[[Waits, str], bytes]


class Shifter(Protocol):
    """Takes waiting messages off the queues of one broker. Not for several threads; the first question connects.

    Safe: a message is at its queue, at the target, or for a moment at both; a crash leaves none nowhere. On Redis it
    goes in one step, with a marker of 60 days, so that asking again moves nothing twice; RabbitMQ confirms the copy
    before the original is acknowledged, so that a crash in between leaves it at both.
    Messages in a consumer's hand do not wait, and are left alone.
    """

    # Whether it knows by markers what earlier calls did.
    remembers: ClassVar[bool]

    def waits(self, queue: str, limit: int) -> Sequence[Waits]:
        """Those that are taken next, the first first; none for a queue that is not there. On RabbitMQ this counts as
        a delivery of what is seen. Raises BrokerError."""

    def move(self, queue: str, wanted: Sequence[Wanted], target: str) -> Sequence[Moved]:
        """To another queue, in their order, otherwise as they are. What became of each, in the order of `wanted`.

        Raises BrokerError when it could not begin, and on Redis whenever the connection is lost: ask again.
        """

    def keep(self, queue: str, wanted: Sequence[Wanted], letter: Letter) -> Sequence[Moved]:
        """Into custody: a letter about each goes to `postroom.letters`, where capture finds it. Otherwise as `move`."""

    def look(self, queue: str, wanted: Sequence[Wanted]) -> Sequence[Moved]:
        """Where each is, and nothing is moved: `already`, `gone`, or `unsent` while it waits there. On RabbitMQ this
        counts as a delivery of what is seen. Raises BrokerError."""

    def life(self) -> str:
        """Which life of its data the broker is in, for `kept`; empty where nothing remembers. Raises BrokerError."""

    def kept(self, life: str) -> bool:
        """Is everything there that was put there since `life` said so, as far as anybody can tell? Ask it after what
        was `gone`. Always yes where nothing remembers. Raises BrokerError."""

    def close(self) -> None:
        """Let go of the connection. Never fails."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def shifter(broker: BrokerUrl) -> Shifter:
    """Open one; the first question connects, so this never fails."""
    if broker.kind == "rabbitmq":
        from core.brokers.rabbitmq_shifter import QueueShifter

        return QueueShifter(broker)
    from core.brokers.redis_shifter import ListShifter

    return ListShifter(broker)
