"""RabbitMQ's management API, as far as it says more than AMQP: rates, memory, ages, consumers, bindings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from agents.queues.values import Binding, Consumer, QueueKind
from core.brokers.api import BrokerUrl

SECONDS = 5.0
PAGE = 500
# Whoever does not answer is asked again after this.
REST_SECONDS = 30.0
COLUMNS = (
    "name,type,exclusive,memory,head_message_timestamp,messages_ready,messages_unacknowledged,consumers,"
    "message_stats.publish,message_stats.ack,message_stats.deliver_no_ack,message_stats.get_no_ack,"
    "message_stats.redeliver"
)
PORTS = {"amqp": ("http", 15672), "amqps": ("https", 15671)}


class AwayError(Exception):
    """The management API does not answer, or not this user."""


@dataclass(frozen=True, slots=True)
class Said:
    """What it says of a queue; its figures are up to 5 s old."""

    name: str
    kind: QueueKind
    unacknowledged: int | None
    consumers: int | None
    memory: int | None
    head_at: datetime | None
    entered: int | None
    left: int | None
    redelivered: int | None


class Management:
    """One broker's management API, for one virtual host. For one thread."""

    def __init__(self, broker: BrokerUrl, address: str = "") -> None:
        """Without an address: the usual port of the broker's own host, with the broker's own user."""
        own, given = urlsplit(broker.url), urlsplit(address or _usual(broker.url))
        user, password = given.username or own.username, given.password or own.password
        self.address = f"{given.scheme}://{given.hostname}:{given.port or _port(given.scheme)}"
        self._base = f"{self.address}{given.path.rstrip('/')}/api"
        self._vhost = quote(unquote(own.path[1:]) or "/", safe="")
        self._client = httpx.Client(
            auth=(unquote(user or "guest"), unquote(password or "guest")), timeout=SECONDS, trust_env=False
        )

    def queues(self) -> list[Said]:
        """Every queue of the virtual host but those that one connection keeps for itself. Raises AwayError."""
        found: list[Said] = []
        page, pages = 1, 1
        while page <= pages:
            said = self._get(f"queues/{self._vhost}", {"page": page, "page_size": PAGE, "columns": COLUMNS})
            found += [_said(item) for item in said["items"] if not item.get("exclusive")]
            page, pages = page + 1, int(said["page_count"])
        return found

    def consumers(self, queue: str) -> Sequence[Consumer]:
        said = self._get(self._of(queue), {})
        return [_consumer(queue, each) for each in said.get("consumer_details") or ()]

    def bindings(self, queue: str) -> Sequence[Binding]:
        said = self._get(f"{self._of(queue)}/bindings", {})
        return [Binding(each["source"], each["routing_key"], queue) for each in said]

    def close(self) -> None:
        self._client.close()

    def _of(self, queue: str) -> str:
        return f"queues/{self._vhost}/{quote(queue, safe='')}"

    def _get(self, path: str, wanted: Mapping[str, Any]) -> Any:
        try:
            answer = self._client.get(f"{self._base}/{path}", params=dict(wanted))
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as problem:
            raise AwayError(f"answers {problem.response.status_code}") from problem
        except (httpx.HTTPError, ValueError) as problem:
            raise AwayError("does not answer") from problem


def _usual(url: str) -> str:
    parts = urlsplit(url)
    scheme, port = PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{scheme}://{host}:{port}"


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _said(item: Mapping[str, Any]) -> Said:
    stats = item.get("message_stats") or {}
    return Said(
        name=item["name"],
        kind=_kind(item.get("type")),
        unacknowledged=item.get("messages_unacknowledged"),
        consumers=item.get("consumers"),
        memory=item.get("memory"),
        head_at=_moment(item.get("head_message_timestamp")),
        # A queue on which nothing happened yet has no counters: that is 0, since the others are there.
        entered=int(stats.get("publish", 0)),
        left=sum(int(stats.get(name, 0)) for name in ("ack", "deliver_no_ack", "get_no_ack")),
        redelivered=int(stats.get("redeliver", 0)),
    )


def _kind(said: Any) -> QueueKind:
    return QueueKind(said) if said in set(QueueKind) else QueueKind.UNKNOWN


def _moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) and seconds > 0 else None


def _consumer(queue: str, said: Mapping[str, Any]) -> Consumer:
    channel = said.get("channel_details") or {}
    peer = f"{channel.get('peer_host', '')}:{channel.get('peer_port', '')}".strip(":")
    return Consumer(
        queue=queue,
        name=str(said.get("consumer_tag", "")),
        told_by="broker",
        prefetch=said.get("prefetch_count"),
        address=peer,
    )
