"""Who sees which rows of a topic. Subjects who see the same share one piece of work. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from core.access.api import Subject, may
from dashboard.live.api import PersonalTopic, Row, Topic
from dashboard.live.frames import Rows


def group_of(topic: Topic, subject: Subject) -> Hashable:
    """Equal for two subjects who see the same rows, whatever the rows are."""
    if isinstance(topic, PersonalTopic):
        return replace(subject, via="", stamp="")
    return frozenset(subject.scopes(topic.permission)), subject.bounds


def seen_by(topic: Topic, subject: Subject, rows: Mapping[str, Row]) -> Rows:
    """What the subject sees of the topic."""
    if isinstance(topic, PersonalTopic):
        return {id: row.data for id, row in topic.seen_by(subject, rows).items()}
    # Rows are many and places are few.
    found = {place for row in rows.values() for place in (row.place, *row.also)}
    places = {place for place in found if may(subject, topic.permission, place)}
    return {
        id: row.data
        for id, row in rows.items()
        if row.place in places or any(place in places for place in row.also)
    }
