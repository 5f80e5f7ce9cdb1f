"""Which hooks an agent has when it names none. One line for each part of the library that takes part by default."""

from __future__ import annotations

from postroom.runtime.api import About, Hook


def default_hooks(about: About) -> list[Hook]:
    """In the order in which they are called before the handler; after it they are called in reverse."""
    return []
