"""The web process: pages and API from Django, websockets from dashboard.live, machines' paths to intake."""

from __future__ import annotations

import os
from typing import cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

# Before the imports below: they need Django's apps.
# ruff: noqa: E402
django_application = get_asgi_application()

from agents.intake import limits
from core import static_files
from core.passing_on import Application, PassingOn
from core.security_headers import SecurityHeaders
from dashboard.live import routing


def _http() -> SecurityHeaders:
    """From the outside in: headers, machines' paths, static files, Django."""
    files = static_files.served(cast("Application", django_application))
    passing_on = PassingOn(files, settings.INTAKE_URL, limits.MAX_SENT_BYTES)
    return SecurityHeaders(passing_on, settings.SECURE_HSTS_SECONDS)


application = ProtocolTypeRouter({"http": _http(), "websocket": routing.application})
