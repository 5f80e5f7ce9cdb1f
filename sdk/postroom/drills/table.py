"""The drills by name, in the order of the failures they provoke. Each is loaded when it is played."""

from __future__ import annotations

from importlib import import_module

from postroom.drills.scene import Drill

NAMES = ("orders", "documents", "sentiment", "rollout", "stuck", "flood", "intruder")

# Played by name alone: what happens without the library.
BESIDE = ("bare",)


def find(name: str) -> Drill:
    """The drill of one of these names."""
    drill = import_module(f"postroom.drills.{name}").DRILL
    assert isinstance(drill, Drill), name
    return drill
