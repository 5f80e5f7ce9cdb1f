"""Letters as somebody may see them: what failures say is masked as headers and bodies are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from agents.deadletters import masking, selectors
from agents.deadletters.masking import Mask
from agents.deadletters.models import Death, Letter
from core.access.api import Permission, Place, Subject, may


class Eyes:
    """What one subject may read, asked once for a whole list. Rows that went through it are for showing, never for
    saving."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._places: dict[Place, bool] = {}
        self._veil = Veil()

    def may_read(self, place: Place) -> bool:
        if place not in self._places:
            self._places[place] = bool(may(self._subject, Permission.READ_PAYLOADS, place))
        return self._places[place]

    def look(self, letter: Letter) -> bool:
        """Mask it where they may not read payloads. Is it masked?"""
        if self.may_read(letter.place):
            return False
        self._veil.over([letter])
        return True


class Veil:
    """Masks rows for pages, which show what is hidden only where somebody asks to see it."""

    def over(self, rows: Iterable[Letter | Death | None]) -> None:
        for row in rows:
            if row is not None and row.failure_message:
                row.failure_message = masking.text(row.failure_message, self._mask)

    @cached_property
    def _mask(self) -> Mask:
        return selectors.mask()
