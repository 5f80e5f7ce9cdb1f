"""Calling hooks: only those that take part, and none that can hurt what has already happened."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from postroom.runtime.api import Hook

logger = logging.getLogger(__name__)


def overriding(hooks: Iterable[Hook], method: str) -> list[Hook]:
    """Those that have something to do there, so that the others cost nothing per message."""
    return [hook for hook in hooks if getattr(type(hook), method) is not getattr(Hook, method)]


def tell_all(hooks: Iterable[Hook], method: str, *arguments: Any) -> None:
    """Call each; one that fails is logged and the next is called."""
    for hook in hooks:
        try:
            getattr(hook, method)(*arguments)
        except Exception:
            logger.exception("%s of %s failed", method, type(hook).__name__)
