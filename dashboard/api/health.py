"""Is Postroom alive, is it ready, how does it do? For probes and for Prometheus."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from core import metrics, readiness
from core.access.api import Permission, may
from core.access.routes import requires
from core.processes import Kind
from core.readiness import Missing
from dashboard.api.figures import Figures

log = structlog.get_logger(__name__)
_told: list[Missing] | None = None


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing is asked of anybody else, so that a lost database restarts no web process."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Whether it can do its work; what is missing only for those who may know."""
    found = readiness.missing()
    ready = readiness.ready(found)
    _tell_the_log([each for each in found if each.needed])
    body: dict[str, object] = {"status": "ready" if ready else "not ready"}
    if may(request.subject, Permission.OBSERVE):  # type: ignore[attr-defined]
        body["missing"] = [
            {"part": each.part, "sentence": each.sentence, "needed": each.needed} for each in found
        ]
    return JsonResponse(body, status=200 if ready else 503)


def _tell_the_log(lacking: list[Missing]) -> None:
    """A probe is told yes or no; why is for whoever reads the log, once for each change."""
    global _told  # noqa: PLW0603 - what this process said last
    if lacking == _told:
        return
    _told = lacking
    for each in lacking:
        log.warning("not ready", part=each.part, sentence=each.sentence)
    if not lacking:
        log.info("ready")


@requires(Permission.OBSERVE)
def prometheus(request: HttpRequest) -> HttpResponse:
    """Every process's metrics in Prometheus's text format, and the figures of queues, letters, alerts, operations."""
    registry = CollectorRegistry()
    registry.register(metrics.EveryProcess(Kind.WEB))
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
