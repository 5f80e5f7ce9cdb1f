"""What other rooms may listen to; see `agents.operations.api`."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `operation`, `before` and `after`, inside the transaction that changes its state.
changed = Signal()
