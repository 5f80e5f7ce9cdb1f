"""Copies of the chain's head outside the database: with them a cut-off tail is found.

A checkpoint is written after the commit, never before: it may lag behind the chain and never lead it.
"""

from __future__ import annotations


def note(sequence: int, entry_hash: str) -> None:
    """Remember a committed entry."""
