"""From the command line to the supervisor: the lock, the plan, the guardian, and the signals."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from core.data_dir import DataDir
from core.env import HostPort
from core.options import Config
from core.up import lock, plan, sockets
from core.up.output import Output
from core.up.parent import adopt_orphans
from core.up.supervisor import Supervisor
from core.up.watchdog import Watchdog

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line, and what Django's settings say."""

    config: Config
    data: DataDir
    hosts: Sequence[str]
    bind: HostPort | None
    demo: bool


def run(wish: Wish) -> None:
    """Runs until a signal; raises StartRefusedError with the sentence for the user."""
    data = wish.data
    held = lock.take(data.lock)
    try:
        folder = sockets.make(data.socket_folder)
        try:
            made = plan.make(wish.config, data, wish.bind, os.environ, folder)
            watchdog = Watchdog(folder, held)
            asyncio.run(_until_told(wish, made, watchdog))
            watchdog.dismiss()
        finally:
            sockets.clear(data.socket_folder)
    finally:
        os.close(held)


async def _until_told(wish: Wish, made: plan.Plan, watchdog: Watchdog) -> None:
    """A terminal and `make` may both pass the same signal on: the first one counts, the others change nothing."""
    told = asyncio.Event()
    for each in ENDING:
        asyncio.get_running_loop().add_signal_handler(each, told.set)
    adopt_orphans()
    output = Output(wish.config.log_format)
    supervisor = Supervisor(made, wish.data, output, watchdog, wish.hosts, demo=wish.demo)
    running = asyncio.create_task(supervisor.run())
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not running.done():
        running.cancel()
        await asyncio.wait({running})
    if not running.cancelled() and (failure := running.exception()):
        raise failure
