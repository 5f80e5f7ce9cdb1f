"""A program that talks to the API with a token of its own."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from core.access import services
from core.access.api import Scope
from core.access.models import Role


class Program:
    """JSON in, JSON out; `name` holds `role` within `scope`."""

    def __init__(self, role: str, scope: Scope | None = None, name: str = "") -> None:
        actor = services.of_command("test")
        made = services.create_named_token(
            name or f"{role}-program", Role.objects.get(name=role), scope, actor
        )
        self._client = Client(
            headers={"Authorization": f"Bearer {made.secret}"}, raise_request_exception=False
        )

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(path, query)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        raw = body if isinstance(body, str | bytes) else json.dumps(body)
        return self._client.post(path, raw, content_type="application/json", headers=headers)

    def put(self, path: str, body: Any) -> Any:
        return self._client.put(path, json.dumps(body), content_type="application/json")

    def patch(self, path: str, body: Any) -> Any:
        return self._client.patch(path, json.dumps(body), content_type="application/json")

    def delete(self, path: str) -> Any:
        return self._client.delete(path)
