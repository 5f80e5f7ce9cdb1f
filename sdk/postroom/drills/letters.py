"""The dead letters that Postroom has in custody, as a drill asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from postroom.drills.house import Postroom

PAGE = 200


class Letters:
    """Those of one queue."""

    def __init__(self, postroom: Postroom, queue: str) -> None:
        self._postroom = postroom
        self._path = f"/api/v1/dead-letters?queue={quote(queue)}&limit={PAGE}"

    def all(self) -> Iterator[dict[str, Any]]:
        return self._postroom.pages(self._path)

    def message_ids(self) -> Counter[str]:
        return Counter(str(letter["message_id"]) for letter in self.all())
