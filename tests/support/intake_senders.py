"""Senders that go on whatever happens to intake, as exporters do: they repeat what was not acknowledged."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import httpx

from tests.support import otlp

HEADERS = {"content-type": "application/x-protobuf"}
NEVER_FINAL = frozenset({429, 503})


class Senders:
    """As a context: a thread for each address that sends until its end, and then until its last request is
    acknowledged."""

    def __init__(self, authorization: dict[str, str], urls: Sequence[str], spans: int) -> None:
        self.acknowledged: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._headers, self._spans = HEADERS | authorization, spans
        self._seeds = itertools.count(1_000_000)
        self._ending, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send_all, args=(url,)) for url in urls]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)

    def _send_all(self, url: str) -> None:
        with httpx.Client(headers=self._headers, timeout=10) as client:
            while not self._ending.is_set():
                request = otlp.many(self._spans, next(self._seeds))
                if self._send(client, url, request):
                    with self._lock:
                        self.acknowledged |= identities(request)

    def _send(self, client: httpx.Client, url: str, request: Any) -> bool:
        """Until it is acknowledged, or nobody is there any more at the end."""
        content = request.SerializeToString()
        while True:
            try:
                status = client.post(f"{url}/v1/traces", content=content).status_code
            except httpx.TransportError:
                status = 0
            self.statuses[status] += 1
            if status == 200:
                return True
            if status not in NEVER_FINAL | {0} or (status == 0 and self._ending.wait(0.05)):
                return False


def identities(request: Any) -> set[str]:
    """The spans of a request, as trace id/span id."""
    spans = request.resource_spans[0].scope_spans[0].spans
    return {f"{span.trace_id.hex()}/{span.span_id.hex()}" for span in spans}
