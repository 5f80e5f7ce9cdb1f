"""`manage.py routes`: every route with the permission it needs. Exit 1 when one declares nothing."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from core.access import url_map
from dashboard.live.routing import websocket_routes


class Command(BaseCommand):
    help = "List every HTTP and websocket route with the permission that it needs."

    def handle(self, *args: Any, **options: Any) -> None:
        found = url_map.http_routes() + url_map.websocket_routes(websocket_routes)
        self.stdout.write(url_map.table(found))
        bare = [route for route in found if route.bare]
        for route in bare:
            self.stderr.write(f"{route.path} declares no permission: nobody may use it.")
        if bare:
            sys.exit(1)
