"""Where the event loop sends what waits for a database: a few threads of live's own, apart from the pages'."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

from dashboard.live import limits

T = TypeVar("T")

_loading = ThreadPoolExecutor(limits.LOADERS, thread_name_prefix="live-load")
# A source that hangs must not keep revoked sockets open, nor new ones out.
_proving = ThreadPoolExecutor(limits.LOADERS, thread_name_prefix="live-prove")


async def load(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_loading, _with_connections, work)


async def prove(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_proving, _with_connections, work)


def _with_connections(work: Callable[[], T]) -> T:
    """These threads live long: a connection that broke since the last time is opened anew."""
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
