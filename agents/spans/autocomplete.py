"""What may come next in a search: names of fields, and values of the field at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.spans.api import EVERYWHERE, Query, Reach, SpanStore
from agents.spans.words import SPAN_WORDS, Kind, Word

MOST = 20


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to put in place of the term at the cursor, and what it means."""

    text: str
    about: str


def suggest(
    store: SpanStore,
    text: str,
    at: int,
    within: Query,
    *,
    reach: Reach = EVERYWHERE,
    words: Sequence[Word] = SPAN_WORDS,
) -> tuple[Suggestion, ...]:
    """Suggestions for the term that ends at a place in the text. Values are those that occur among spans within
    the query's time, most frequent first; `reach` keeps what the asker may not see out of them."""
    term = text[:at].rsplit(maxsplit=1)[-1] if text[:at] and not text[at - 1].isspace() else ""
    name, colon, begun = term.partition(":")
    if not colon:
        return _names(words, term)
    word = next((word for word in words if word.name == name), None)
    return _values(store, word, begun.strip('"'), within, reach) if word else ()


def _names(words: Sequence[Word], begun: str) -> tuple[Suggestion, ...]:
    fitting = [word for word in words if word.name.startswith(begun.lower())]
    times = [Suggestion(f"{name}:", "1h, 7d, a day or a moment") for name in ("since", "until")]
    named = [Suggestion(f"{word.name}:", word.about) for word in fitting]
    return (*named, *(each for each in times if each.text.startswith(begun.lower())))


def _values(store: SpanStore, word: Word, begun: str, within: Query, reach: Reach) -> tuple[Suggestion, ...]:
    if word.choices:
        return tuple(
            Suggestion(f"{word.name}:{name}", word.about) for name in word.choices if name.startswith(begun)
        )
    if word.kind != Kind.TEXT or word.field not in store.capabilities.facets:
        return ()
    period = Query(since=within.since, until=within.until)
    counts = store.facets(period, [word.field], top=1_000, reach=reach).counts.get(word.field, ())
    fitting = [(value, rows) for value, rows in counts if value.lower().startswith(begun.lower())]
    return tuple(
        Suggestion(f"{word.name}:{_quoted(value)}", f"{rows:,} spans") for value, rows in fitting[:MOST]
    )


def _quoted(value: str) -> str:
    if any(letter.isspace() or letter in '"*<>' for letter in value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value
