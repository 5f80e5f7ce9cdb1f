"""`manage.py watch`: follows the brokers, when it leads."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.module_loading import autodiscover_modules

from core import garbage, logs, watch
from core.processes import Kind
from core.pulse import Pulse


class Command(BaseCommand):
    help = "Run the loops that rooms registered. Any number may run: one leads, the others stand by."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        logs.name_process(Kind.WATCHER)
        autodiscover_modules("watching")
        garbage.collect_seldom()
        watcher = watch.Watcher()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: watcher.stop())
        pulse = Pulse(Kind.WATCHER).start()
        watcher.run()
        pulse.stop()
