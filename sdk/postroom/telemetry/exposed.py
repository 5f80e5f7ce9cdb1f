"""A Prometheus endpoint of the agent's own, for all processes of its pool. Needs the extra `prometheus`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from threading import Lock
from typing import Any

from postroom.errors import ConfigurationError
from postroom.telemetry import conventions

SHARED = "PROMETHEUS_MULTIPROC_DIR"
NO_NAME = re.compile(r"[^a-zA-Z0-9_]")


class Exposed:
    """Metrics with the names that Prometheus allows: dots become underscores. A metric keeps its first label names."""

    def __init__(self) -> None:
        # The client decides when it is imported whether processes share their figures; whoever imported it before
        # decided for us, and then each process counts for itself.
        if "prometheus_client" not in sys.modules:
            os.environ.setdefault(SHARED, tempfile.mkdtemp(prefix="postroom-metrics-"))
        try:
            import prometheus_client
        except ImportError:
            raise ConfigurationError("A Prometheus endpoint needs postroom[prometheus].") from None
        self._client = prometheus_client
        self._registry = prometheus_client.CollectorRegistry()
        self._shared = SHARED in os.environ
        self._metrics: dict[str, tuple[Any, tuple[str, ...]]] = {}
        self._lock = Lock()

    def serve(self, port: int, host: str) -> int:
        if self._shared:
            from prometheus_client import multiprocess

            multiprocess.MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        server, _ = self._client.start_http_server(port, host, self._registry)
        return int(server.server_port)

    def add(self, name: str, amount: float, labels: Mapping[str, str | int]) -> None:
        self._of(name, self._client.Counter, labels).inc(amount)

    def record(self, name: str, seconds: float, labels: Mapping[str, str | int]) -> None:
        self._of(f"{name}_seconds", self._client.Histogram, labels).observe(seconds)

    def _of(self, name: str, kind: Any, labels: Mapping[str, str | int]) -> Any:
        said = {allowed(each): str(value) for each, value in labels.items()}
        with self._lock:
            if name not in self._metrics:
                # Of ours any may be missing in the first message that is counted.
                ours = name.startswith("messaging.")
                names = tuple(map(allowed, conventions.LABELS)) if ours else tuple(said)
                # What is shared is collected from files; registered here as well it would count twice.
                registry = None if self._shared else self._registry
                self._metrics[name] = (kind(allowed(name), name, names, registry=registry), names)
            metric, names = self._metrics[name]
        return metric.labels(*(said.get(each, "") for each in names)) if names else metric


def allowed(name: str) -> str:
    return NO_NAME.sub("_", name)
