"""What Postroom answered last, in memory and in a small file, so that its absence can be survived; it says its age."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from postroom import folders

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and the moment it was given, in seconds since 1970."""

    value: Any
    at: float
    etag: str = ""

    def age(self, now: float) -> float:
        # A clock that was set back must not make an old answer look new for long.
        return max(0.0, now - self.at)


class Shelf:
    """Answers by name. One file each; a file that cannot be read counts as none."""

    def __init__(self, kind: str, clock: Callable[[], float] = time.time, on_disk: bool = True) -> None:
        self._kind, self._clock, self._on_disk = kind, clock, on_disk
        self._memory: dict[str, Kept] = {}
        self._lock = Lock()

    def put(self, name: str, value: Any, etag: str = "") -> Kept:
        kept = Kept(value, self._clock(), etag)
        with self._lock:
            self._memory[name] = kept
        self._write(name, kept)
        return kept

    def touch(self, name: str) -> Kept:
        """The same answer was given again now."""
        kept = self.get(name)
        assert kept is not None, "only what is kept can be found unchanged"
        return self.put(name, kept.value, kept.etag)

    def get(self, name: str) -> Kept | None:
        with self._lock:
            found = self._memory.get(name)
        if found is None and (found := self._read(name)):
            with self._lock:
                self._memory.setdefault(name, found)
        return found

    def age(self, kept: Kept) -> float:
        return kept.age(self._clock())

    def _write(self, name: str, kept: Kept) -> None:
        if not self._on_disk:
            return
        content = json.dumps({"name": name, "at": kept.at, "etag": kept.etag, "value": kept.value})
        try:
            folders.replace(self._path(name), content.encode())
        except OSError as problem:
            log.warning("Postroom's answer stays in memory only, the file cannot be written: %s", problem)

    def _read(self, name: str) -> Kept | None:
        if not self._on_disk:
            return None
        try:
            said = json.loads(self._path(name).read_bytes())
            # A time to come is no age: such a file is not ours.
            at = min(float(said["at"]), self._clock())
            return Kept(said["value"], at, str(said["etag"])) if said["name"] == name else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _path(self, name: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:40]
        digest = blake2b(name.encode(), digest_size=8).hexdigest()
        return folders.folder("kept", self._kind) / f"{readable}-{digest}.json"
