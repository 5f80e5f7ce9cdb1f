"""Counters and timers: to OpenTelemetry, and to a Prometheus endpoint of the agent's own where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics

if TYPE_CHECKING:
    from postroom.telemetry.exposed import Exposed

Labels = Mapping[str, str | int]


class Meters:
    """Instruments by name, each made when it is first used. May be used by threads."""

    def __init__(self) -> None:
        self._meter = metrics.get_meter("postroom")
        self._counters: dict[str, Any] = {}
        self._histograms: dict[str, Any] = {}
        self._lock = Lock()
        self._exposed: Exposed | None = None

    def share(self) -> Exposed:
        """Count for a Prometheus endpoint from here on, in all processes that fork from this one as well."""
        from postroom.telemetry.exposed import Exposed

        self._exposed = self._exposed or Exposed()
        return self._exposed

    def expose(self, port: int, host: str = "127.0.0.1") -> int:
        """Begin the endpoint; the port that it has."""
        return self.share().serve(port, host)

    def add(self, name: str, amount: float, labels: Labels) -> None:
        counter = self._counters.get(name) or self._made(self._counters, name, self._meter.create_counter)
        counter.add(amount, labels)
        if self._exposed:
            self._exposed.add(name, amount, labels)

    def record(self, name: str, seconds: float, labels: Labels) -> None:
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._made(self._histograms, name, self._seconds)
        histogram.record(seconds, labels)
        if self._exposed:
            self._exposed.record(name, seconds, labels)

    def _seconds(self, name: str) -> Any:
        return self._meter.create_histogram(name, unit="s")

    def _made(self, among: dict[str, Any], name: str, make: Any) -> Any:
        with self._lock:
            if name not in among:
                among[name] = make(name)
            return among[name]
