"""Sends one hint and waits until it went: `python -m tests.support.live_hint NAME`."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from core import hints  # noqa: E402

if __name__ == "__main__":
    hints.hint(sys.argv[1])
