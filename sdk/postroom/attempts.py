"""The attempts before this one travel with the message, in a header: so a letter has each one's traceback. Pure.

The header is packed (tracebacks of one failure repeat themselves, so they shrink well) and bounded: RabbitMQ takes no
more than 128 kB of headers. What is too much loses its tracebacks first, from the middle of the list outwards, since
the first and the last attempt say most.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Final

from postroom import wire
from postroom.letters import Attempt

MOST_PACKED: Final = 48_000
MOST_KEPT: Final = 50
_LARGEST_UNPACKED: Final = 4_000_000


def pack(attempts: Sequence[Attempt], redrive: int = 0) -> str:
    """Attempts of one delivery number; a redriven message begins a new list."""
    kept = [*attempts[:1], *attempts[1:][-(MOST_KEPT - 1) :]]
    packed = _pack(kept, redrive)
    for place in _middle_first(len(kept)):
        if len(packed) <= MOST_PACKED:
            break
        kept[place] = {**kept[place], "traceback": ""}
        packed = _pack(kept, redrive)
    return packed


def unpack(packed: object, redrive: int = 0) -> list[Attempt]:
    """What the header says about this delivery number; what cannot be read, or is another's, is nothing."""
    if not isinstance(packed, str | bytes) or not packed:
        return []
    try:
        shrunk = base64.b64decode(packed, validate=True)
        said = json.loads(zlib.decompressobj().decompress(shrunk, _LARGEST_UNPACKED))
        return list(said["attempts"]) if said["redrive"] == redrive else []
    except (ValueError, KeyError, TypeError, zlib.error):
        return []


def _pack(attempts: Sequence[Attempt], redrive: int) -> str:
    plain = wire.encode({"redrive": redrive, "attempts": attempts})
    return base64.b64encode(zlib.compress(plain, 6)).decode("ascii")


def _middle_first(count: int) -> list[int]:
    return sorted(range(count), key=lambda place: abs(place - (count - 1) / 2))
