"""What a call of a model used, as its span says it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from agents.spans.values import Span, attributes_of

# Input tokens that the provider had in its cache already. They are part of the input tokens.
CACHED = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens")
# Looked for before anything is parsed: few spans have it.
_HINT = b"cache_read"
_MOST = 1 << 62


class Tokens(NamedTuple):
    """Tokens read and written; `cached` is a part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0

    def plus(self, other: Tokens) -> Tokens:
        return Tokens(self.input + other.input, self.output + other.output, self.cached + other.cached)

    @property
    def all(self) -> int:
        return self.input + self.output


def tokens_of(span: Span) -> Tokens:
    """None for a span that calls no model."""
    return Tokens(span.input_tokens, span.output_tokens, _cached(span))


def _cached(span: Span) -> int:
    if _HINT not in span.attributes:
        return 0
    attributes = attributes_of(span.attributes)
    said = next((attributes[name] for name in CACHED if name in attributes), 0)
    is_count = isinstance(said, int) and not isinstance(said, bool)
    return min(max(said, 0), span.input_tokens, _MOST) if is_count else 0
