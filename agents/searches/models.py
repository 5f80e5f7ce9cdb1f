"""The one table of saved searches."""

from __future__ import annotations

from django.db import models

from agents.searches.values import SearchOf
from core import ids

NAME, QUERY = 300, 2_000


class SavedSearch(models.Model):
    """A search that somebody keeps, for themselves or for everybody."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    owner = models.CharField(max_length=NAME)
    owner_name = models.CharField(max_length=NAME)
    name = models.CharField(max_length=NAME)
    of = models.CharField(max_length=20, choices=[(each.value, each.value) for each in SearchOf])
    # The address' query, such as `state=held&q=card`.
    query = models.CharField(max_length=QUERY)
    shared = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "of", "name"], name="saved_searches_one_each")
        ]

    def __str__(self) -> str:
        return self.name
