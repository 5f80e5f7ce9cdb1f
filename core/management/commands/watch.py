"""`manage.py watch`: follows the brokers, when it leads."""

from __future__ import annotations

import gc
import signal
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from core import logs, watch
from core.processes import Kind
from core.pulse import Pulse

# So many objects more than were freed, and so many smaller collections before a larger one.
COLLECT_AFTER = (50_000, 20, 50)


class Command(BaseCommand):
    help = "Run the loops that rooms registered. Any number may run: one leads, the others stand by."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        logs.name_process(Kind.WATCHER)
        autodiscover_modules("watching")
        _collect_seldom()
        watcher = watch.Watcher()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: watcher.stop())
        pulse = Pulse(Kind.WATCHER).start()
        watcher.run()
        pulse.stop()


def _collect_seldom() -> None:
    """The loops keep many small objects for minutes, and each full collection walks all of them. Most hold no cycles,
    so it is enough to look now and then; what is there from the start is not looked at again. Cycles are still found,
    only later."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
