"""The parts of kombu that this transport builds on. Their published types describe only kombu's public face."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis as _redis
from kombu.transport import virtual as _virtual

redis: Any = _redis
virtual: Any = _virtual
