"""What the broker does not take, on disk until it does: letters whose messages were acknowledged already.

Bounded, and loud: each thing that goes here is a line in the log, and when the spool is full that is said too. A file
is written whole and renamed, so what is there can be sent. Sending it twice does no harm, since a death and an event
are known by their ids.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from postroom import ids
from postroom.delivery.api import DeliveryError, Settler

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 256_000_000
AGAIN_AFTER: Final = 5.0
LETTER, EVENT = "letter", "event"


class SpoolFullError(Exception):
    """The spool is full, so this letter is lost unless the log is read. Bring the broker back, or make room."""


class Spool:
    """One folder for all processes of an instance."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self._most = folder, most_bytes

    def put(self, kind: str, content: bytes) -> None:
        """On disk when this returns. Raises SpoolFullError."""
        if self.size() + len(content) > self._most:
            raise SpoolFullError(f"{self.folder} holds {self._most} bytes already; a {kind} does not fit in.")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self.folder / f"{ids.new()}.{kind}"
        aside = place.with_suffix(".part")
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)
        logger.error("the broker took no %s; it waits in %s", kind, place)

    def size(self) -> int:
        return sum(place.stat().st_size for place in self.waiting())

    def waiting(self) -> Iterator[Path]:
        """Oldest first."""
        yield from sorted(
            place for place in self.folder.glob("*.*") if place.suffix in {f".{LETTER}", f".{EVENT}"}
        )

    def send(self, settler: Settler) -> int:
        """Hand over what waits, and forget what the broker confirmed. Raises DeliveryError at the first it does not."""
        sent = 0
        for place in list(self.waiting()):
            content = place.read_bytes()
            if place.suffix == f".{LETTER}":
                settler.hand_over(content)
            else:
                settler.tell([content])
            place.unlink(missing_ok=True)
            sent += 1
        return sent


class Postman:
    """Tries to empty the spool every few seconds, from a thread of its own, for as long as something waits."""

    def __init__(self, spool: Spool, settler: Settler) -> None:
        self._spool, self._settler = spool, settler
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, kind: str, content: bytes) -> None:
        """Into the spool, and out again as soon as the broker is back."""
        self._spool.put(kind, content)
        self.start()
        self._wake.set()

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="postroom-spool", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._try()
            if any(self._spool.waiting()):
                self._stop.wait(AGAIN_AFTER)
            else:
                self._wake.wait()
                self._wake.clear()

    def _try(self) -> None:
        try:
            if sent := self._spool.send(self._settler):
                logger.warning("the broker is back: %d that waited in %s are sent", sent, self._spool.folder)
        except DeliveryError as problem:
            logger.error("what waits in %s is still not sent: %s", self._spool.folder, problem)
        except FileNotFoundError:  # another process of this instance sent it first
            pass


def default_folder(instance: str) -> Path:
    """POSTROOM_SPOOL, else a folder of this user's own."""
    said = os.environ.get("POSTROOM_SPOOL")
    return (Path(said) if said else _lasting() / f"postroom-spool-{os.getuid()}") / instance.replace("/", "_")


def _lasting() -> Path:
    """A folder for what must outlive a restart of the machine, where there is one."""
    lasting = Path("/var/tmp")  # noqa: S108 - the folder in it is ours alone
    return lasting if os.access(lasting, os.W_OK) else Path(tempfile.gettempdir())
