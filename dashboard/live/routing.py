"""The websocket's table of contents, and the application that serves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.access.api import Permission
from dashboard.live import socket

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WebsocketRoute:
    """A path without its first slash, who may connect, and what answers. No permission: nobody may."""

    path: str
    name: str
    permission: Permission | None
    application: Callable[[Scope, Receive, Send], Awaitable[None]]


# What may be followed on the socket is decided topic by topic; this is the right to open one at all.
websocket_routes: tuple[WebsocketRoute, ...] = (
    WebsocketRoute("ws/live", "live", socket.PERMISSION, socket.application),
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """For core.asgi's websocket branch: hand over to the route, or refuse the handshake."""
    path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
    for route in websocket_routes:
        if route.path == path and route.permission:
            return await route.application(scope, receive, send)
    await receive()
    return await send({"type": "websocket.close"})
