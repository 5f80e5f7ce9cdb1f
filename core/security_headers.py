"""Security headers on what Django's middleware never sees: static files, and answers that intake gave."""

from __future__ import annotations

from core.passing_on import Application, Receive, Scope, Send

# An answer that is data, not a page: nothing in it may run, load or be framed.
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
}


class SecurityHeaders:
    """ASGI: adds each header that an answer does not have yet. Django's own answers have theirs already."""

    def __init__(self, application: Application, hsts_seconds: int = 0) -> None:
        self._application = application
        self._headers = dict(HEADERS)
        if hsts_seconds:
            self._headers[b"strict-transport-security"] = (
                f"max-age={hsts_seconds}; includeSubDomains".encode()
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Scope) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                missing = [pair for pair in self._headers.items() if pair[0] not in there]
                message = message | {"headers": [*message["headers"], *missing]}
            await send(message)

        await self._application(scope, receive, guarded)
