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
    """Thousands of spans a second leave hundreds of thousands of objects that are kept for minutes. They hold no
    cycles, and looking for some among them again and again took a third of the time, in long pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
