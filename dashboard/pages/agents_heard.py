"""Has any agent reported yet, and how would the first one?"""

from __future__ import annotations

from core.access import grants
from core.access.api import Permission, may
from core.access.models import Token

# Only recent ones are looked at: one is enough.
LOOKED_AT = 20


def otel_lines(address: str) -> tuple[str, ...]:
    """The two lines that make any OpenTelemetry exporter report here: the console's own address takes it."""
    return (
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={address.rstrip('/')}",
        'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20$POSTROOM_TOKEN"',
    )


def any_yet() -> bool:
    """Whether a machine has ever used a token that lets it send telemetry."""
    used = Token.objects.filter(last_used_at__isnull=False, service_account__isnull=False)
    recent = used.select_related("service_account").order_by("-last_used_at")[:LOOKED_AT]
    return any(
        may(grants.subject_of(token.service_account), Permission.WRITE_TELEMETRY)
        for token in recent
        if token.service_account
    )
