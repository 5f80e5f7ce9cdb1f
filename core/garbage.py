"""Python's collector of cycles, for processes that make very many small objects and hardly a cycle."""

from __future__ import annotations

import gc

# So many objects more than were freed, and so many smaller collections before a larger one.
COLLECT_AFTER = (50_000, 20, 50)


def collect_seldom() -> None:
    """From now on in this process. Each full collection walks all objects that there are, and some processes keep many
    for seconds or minutes: it is enough to look now and then, and what is there from the start is not looked at again.
    Cycles are still found, only later."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
