"""What other rooms may listen to; see `agents.deadletters.api`."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.dispatch import Signal

from agents.deadletters.values import Failure

# Sent with `deaths`, a list of DiedAgain, inside the transaction that keeps them. A receiver that raises stops it.
died_again = Signal()


class DiedAgain(NamedTuple):
    """A redriven message died: which letter, at which redrive, why, and whether that is the failure it had before."""

    letter_id: UUID
    number: int
    why: Failure
    same: bool
