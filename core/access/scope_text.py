"""A scope as people type it: `environment=prod,queue=orders.*,agent=*`. A bare word is an environment."""

from __future__ import annotations

from core.access.api import Scope

_PARTS = ("environment", "queue", "agent")
LONGEST = 200


def parse(text: str) -> Scope:
    """Read a scope, or raise ValueError that says what is allowed."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, pattern = part.partition("=")
        name, pattern = (name.strip(), pattern.strip()) if equals else ("environment", part)
        if name not in _PARTS or name in found or not pattern:
            raise ValueError(
                f"{part!r} is no part of a scope. Write environment=PATTERN,queue=PATTERN,agent=PATTERN; "
                "what is left out is everywhere."
            )
        found[name] = checked(pattern)
    return Scope(**found)


def checked(pattern: str) -> str:
    """A pattern that can match something."""
    if not pattern or len(pattern) > LONGEST or "," in pattern:
        raise ValueError(f"A pattern has 1 to {LONGEST} characters and no comma; `*` is everywhere.")
    return pattern


def write(scope: Scope) -> str:
    """The text that `parse` reads back."""
    pairs = zip(_PARTS, (scope.environment, scope.queue, scope.agent), strict=True)
    return ",".join(f"{name}={pattern}" for name, pattern in pairs if pattern != "*") or "environment=*"
