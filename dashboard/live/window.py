"""What a socket was sent and has not acknowledged. Pure: no socket, and the time is given.

A mark is a frame with a word that cannot be guessed. A client that sends the word back has read everything before
it, so it cannot pretend to read, and a client that does not read gets no more than a window.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field

from dashboard.live import limits


@dataclass(frozen=True, slots=True)
class _Mark:
    word: str
    frames: int
    bytes: int
    at: float


@dataclass(slots=True)
class Window:
    """Counts since the socket was opened: sent in all, and acknowledged of it."""

    opened: float
    frames: int = 0
    bytes: int = 0
    _acked_frames: int = 0
    _acked_bytes: int = 0
    _marked_frames: int = 0
    _marked_bytes: int = 0
    _marked_at: float = 0.0
    _marks: deque[_Mark] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._marked_at = self.opened
        # A thousand sockets that follow one topic would otherwise all answer in the same moment.
        self._marked_frames = -secrets.randbelow(limits.MARK_AFTER_FRAMES)

    @property
    def has_room(self) -> bool:
        """May another frame go? One always may when nothing is on its way, however large it is."""
        return (
            self.frames - self._acked_frames < limits.WINDOW_FRAMES
            and self.bytes - self._acked_bytes < limits.WINDOW_BYTES
        )

    def sent(self, size: int) -> None:
        self.frames += 1
        self.bytes += size

    def wants_mark(self) -> bool:
        """Is it time for a mark, by what was sent since the last one?"""
        frames, size = self.frames - self._marked_frames, self.bytes - self._marked_bytes
        if frames >= limits.MARK_AFTER_FRAMES or size >= limits.MARK_AFTER_BYTES:
            return True
        return frames > 0 and not self.has_room

    def is_quiet(self, now: float) -> bool:
        """Is it time for a mark because there was none for a while? It is the ping of this protocol."""
        return now - self._marked_at >= limits.MARK_EVERY

    def mark(self, now: float) -> str:
        """A new mark's word; whoever asks sends it."""
        word = secrets.token_hex(6)
        self._marks.append(_Mark(word, self.frames, self.bytes, now))
        self._marked_frames, self._marked_bytes, self._marked_at = self.frames, self.bytes, now
        return word

    def ack(self, word: str) -> bool:
        """The client read everything up to this mark. False when there is no such mark on its way."""
        if not any(mark.word == word for mark in self._marks):
            return False
        while (mark := self._marks.popleft()).word != word:
            pass
        self._acked_frames, self._acked_bytes = mark.frames, mark.bytes
        return True

    def is_dead(self, now: float) -> bool:
        """Has a mark been on its way for too long?"""
        return bool(self._marks) and now - self._marks[0].at > limits.MARK_TIMEOUT
