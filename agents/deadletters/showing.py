"""Letters as somebody may see them: where they may not read payloads, what failures say is masked as bodies are."""

from __future__ import annotations

from functools import cached_property

from agents.deadletters import masking, selectors
from agents.deadletters.masking import Mask
from agents.deadletters.models import Death, Letter
from core.access.api import Permission, Place, Subject, may


class Eyes:
    """What one subject may read, asked once for a whole list."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._places: dict[Place, bool] = {}

    def may_read(self, place: Place) -> bool:
        if place not in self._places:
            self._places[place] = bool(may(self._subject, Permission.READ_PAYLOADS, place))
        return self._places[place]

    def veil(self, letter: Letter, *, reveal: bool = True) -> bool:
        """Mask what the letter says of its failure, unless they may read payloads there (and ask to: `reveal`).
        Is it masked?"""
        if reveal and self.may_read(letter.place):
            return False
        letter.failure_message = self._text(letter.failure_message)
        return True

    def veil_death(self, death: Death) -> None:
        death.failure_message = self._text(death.failure_message)

    def _text(self, said: str) -> str:
        return masking.text(said, self._mask) if said else said

    @cached_property
    def _mask(self) -> Mask:
        return selectors.mask()
