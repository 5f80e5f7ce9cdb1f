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
    from postroom.errors import PermanentError as PermanentError
    from postroom.errors import TransientError as TransientError
    from postroom.errors import UnauthorisedError as UnauthorisedError
    from postroom.message import Message as Message

# Public name → the module that has it. A new name gets a line here and one above, for type checkers.
_HOMES = {
    "Agent": "postroom.agent",
    "Backoff": "postroom.backoff",
    "Message": "postroom.message",
    "PermanentError": "postroom.errors",
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
