"""What `up` says when, and only when, every part answers."""

from __future__ import annotations

from urllib.parse import quote

from core.env import HostPort
from core.up.plan import Plan
from core.up.prepare import Prepared
from core.up.ready import reachable


def lines(plan: Plan, prepared: Prepared) -> list[str]:
    """The ready line, who signs in, and what to paste into an agent's shell."""
    web = url(plan.web)
    endpoint = url(plan.otlp_http) if plan.otlp_http else web
    bearer = quote(f"Bearer {prepared.ingest_token}")
    return [
        "",
        f"Postroom is ready at {web}",
        f"Admin: {prepared.admin}",
        *([f"Password: {prepared.password} (shown this once)"] if prepared.password else []),
        f"Ingest token: {prepared.ingest_token}",
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}",
        f"export OTEL_EXPORTER_OTLP_HEADERS=Authorization={bearer}",
        "",
        *plan.notes,
    ]


def url(address: HostPort) -> str:
    return f"http://{HostPort(reachable(address.host), address.port)}"
