"""The environments that the switch offers. Rooms that meet environments (the registry, the letters) register here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings

from core.access.api import Permission, Place, Subject, may

Source = Callable[[], Iterable[str]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a source of names. It is asked whenever a page is drawn, so it must answer from an index or a cache."""
    _sources.append(source)


def known(subject: Subject) -> list[str]:
    """Every environment that Postroom has met and the subject may see, by name."""
    names = {settings.POSTROOM.environment}
    for source in _sources:
        names.update(source())
    return sorted(name for name in names if may(subject, Permission.SEE, Place(environment=name)))
