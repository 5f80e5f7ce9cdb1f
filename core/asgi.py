"""The web process: pages and API from Django, websockets from dashboard.live."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()
