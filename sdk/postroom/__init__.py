"""The light client of Postroom, for the agents whose messages it watches.

    from postroom import Agent

Each name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from postroom.agent import Agent as Agent
    from postroom.backoff import Backoff as Backoff
    from postroom.backpressure.agent import ThrottledAgent as ThrottledAgent
    from postroom.backpressure.load import get_system_load as get_system_load
    from postroom.backpressure.throttle import FullError as FullError
    from postroom.backpressure.throttle import Throttle as Throttle
    from postroom.errors import PermanentError as PermanentError
    from postroom.errors import TransientError as TransientError
    from postroom.errors import UnauthorisedError as UnauthorisedError
    from postroom.message import Message as Message
    from postroom.registry.client import AgentRegistry as AgentRegistry
    from postroom.registry.heartbeats import Heartbeats as Heartbeats
    from postroom.security.agent import SecureAgent as SecureAgent
    from postroom.security.validator import TokenValidator as TokenValidator
    from postroom.telemetry.telemetry import Telemetry as Telemetry

# Public name → the module that has it. A new name gets a line here and one above, for type checkers.
_HOMES = {
    "Agent": "postroom.agent",
    "AgentRegistry": "postroom.registry.client",
    "Backoff": "postroom.backoff",
    "FullError": "postroom.backpressure.throttle",
    "get_system_load": "postroom.backpressure.load",
    "Heartbeats": "postroom.registry.heartbeats",
    "Message": "postroom.message",
    "PermanentError": "postroom.errors",
    "SecureAgent": "postroom.security.agent",
    "Telemetry": "postroom.telemetry.telemetry",
    "Throttle": "postroom.backpressure.throttle",
    "ThrottledAgent": "postroom.backpressure.agent",
    "TokenValidator": "postroom.security.validator",
    "TransientError": "postroom.errors",
    "UnauthorisedError": "postroom.errors",
}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - names all the same


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"postroom has no {name}. It has: {', '.join(sorted(_HOMES))}.")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
