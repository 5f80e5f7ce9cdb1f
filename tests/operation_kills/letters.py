"""Letters for the house: most wait on the broker, some are handed over by HTTP. What was not confirmed comes again."""

from __future__ import annotations

import json
import random
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import amqp
import httpx
import redis

from core.brokers.api import BrokerUrl
from core.brokers.rabbitmq import ARGUMENTS, Gone, connected
from tests.operation_kills.house import ENVIRONMENT, QUEUE, House
from tests.support.letters import letter

# What is redriven, what is thrown away, and how much of each.
REDRIVEN, PURGED = "BusyError", "Duplicate"
PURGED_SHARE, HTTP_SHARE, FAILS_SHARE = 0.15, 0.02, 0.03
TOGETHER = 50
LETTERS = "postroom.letters"


@dataclass
class Made:
    """The messages whose letters the house was given, by the ids of their deaths."""

    redriven: dict[str, str] = field(default_factory=dict)
    purged: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return len(self.redriven) + len(self.purged)


class Feeder:
    """As a context: a thread that hands letters over, as many as it is allowed to."""

    def __init__(self, house: House, token: str, chance: random.Random) -> None:
        self.made, self.problem = Made(), ""
        self._house, self._chance, self.http_share = house, chance, HTTP_SHARE
        self._http = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self._may, self._ending = 0, threading.Event()
        self._thread = threading.Thread(target=self._feed_all, daemon=True)

    @property
    def over(self) -> bool:
        """All that it was allowed is handed over."""
        return self.made.number >= self._may or not self._thread.is_alive()

    def allow(self, number: int) -> None:
        """So many by now."""
        self._may = max(self._may, number)

    def more(self, number: int) -> None:
        """So many beyond those that are made."""
        self.allow(self.made.number + number)

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(60)
        self._http.close()

    def _feed_all(self) -> None:
        try:
            while not self._ending.is_set():
                if self.made.number < self._may:
                    self._feed()
                else:
                    self._ending.wait(0.1)
        except Exception as problem:
            self.problem = f"{type(problem).__name__}: {problem}"
            raise

    def _feed(self) -> None:
        batch = [a_letter(self._chance) for _ in range(TOGETHER)]
        by_http = [each for each in batch if self._chance.random() < self.http_share]
        on_broker = [each for each in batch if each not in by_http]
        self._until_taken(lambda: self._send(on_broker))
        for each in by_http:
            self._until_taken(lambda each=each: self._hand_over(each))  # type: ignore[misc]
        for each in batch:
            kind = self.made.redriven if each["failure"]["type"] == REDRIVEN else self.made.purged
            kind[each["death_id"]] = each["message_id"]

    def _until_taken(self, send: Callable[[], bool]) -> None:
        while not self._ending.is_set() and not send():
            self._ending.wait(0.2)

    def _send(self, letters: Sequence[dict[str, Any]]) -> bool:
        bodies = [json.dumps(each).encode() for each in letters]
        return self._to_rabbitmq(bodies) if self._house.rabbitmq else self._to_redis(bodies)

    def _to_redis(self, bodies: Sequence[bytes]) -> bool:
        try:
            with redis.Redis.from_url(self._house.broker) as client, client.pipeline() as pipe:
                for body in bodies:
                    pipe.xadd(LETTERS, {"l": body})
                pipe.execute()
        except (redis.RedisError, OSError):
            return False
        return True

    def _to_rabbitmq(self, bodies: Sequence[bytes]) -> bool:
        try:
            connection = connected(BrokerUrl("main", self._house.broker))
        except Gone:
            return False
        try:
            channel = connection.channel()
            channel.queue_declare(LETTERS, durable=True, auto_delete=False, arguments=ARGUMENTS)
            for body in bodies:
                channel.basic_publish_confirm(
                    amqp.Message(body, delivery_mode=2), "", LETTERS, mandatory=True
                )
            connection.close()
        except Gone:
            return False
        return True

    def _hand_over(self, letter: dict[str, Any]) -> bool:
        try:
            answer = self._http.post(
                f"{self._house.url}/api/v1/dead-letters", json=letter | {"broker": "main"}
            )
        except httpx.TransportError:
            return False
        assert answer.status_code in {200, 201} or answer.status_code >= 500, answer.text
        return answer.status_code in {200, 201}


def a_letter(chance: random.Random) -> dict[str, Any]:
    """Of a message for the consumer, as the library writes it."""
    message = str(uuid.UUID(int=chance.getrandbits(128)))
    payload = {"order": message, "fails": int(chance.random() < FAILS_SHARE)}
    body = json.dumps([[payload], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    kind = PURGED if chance.random() < PURGED_SHARE else REDRIVEN
    return letter(
        body.encode(),
        death_id=str(uuid.UUID(int=chance.getrandbits(128))),
        message_id=message,
        agent=QUEUE,
        queue=QUEUE,
        routing_key=QUEUE,
        environment=ENVIRONMENT,
        failure={"class": "transient", "reason": "exception", "type": kind, "message": "the model is busy"},
        attempts=[],
        headers={
            "id": message,
            "task": "postroom.handle",
            "lang": "py",
            "retries": 3,
            "postroom-sender": "classify",
        },
        properties={"correlation_id": message},
    )
