"""The web process of the live tests: the real site, and a board that a test can write to."""

from __future__ import annotations

import os
from pathlib import Path

from core.asgi import application
from dashboard.live import api
from tests.support.live_board import BOARD, Board

api.register(Board(Path(os.environ[BOARD])))
api.register(Board(Path(os.environ[BOARD]), name="unnumbered", numbered=False))

__all__ = ["application"]
