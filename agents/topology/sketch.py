"""A mergeable sketch of durations: counts in buckets that grow by a fixed ratio.

Any quantile it gives is within 2% of a value that was really there, however many were added, and two sketches
merge by adding their counts. Counts can be taken away again, too: nothing is ever averaged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

ACCURACY = 0.02
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
_MIDDLE = 2 / (1 + _GAMMA)
# Everything under a microsecond is as good as nothing here, and shares the lowest bucket.
_FLOOR = 1_000
ZERO = 0


def bucket_of(nanoseconds: int) -> int:
    """The bucket that a duration falls into."""
    if nanoseconds < _FLOOR:
        return ZERO
    return math.ceil(math.log(nanoseconds / _FLOOR) / _LOG_GAMMA) + 1


def value_of(bucket: int) -> int:
    """The duration in nanoseconds that a bucket stands for."""
    if bucket == ZERO:
        return 0
    return round(_FLOOR * _GAMMA ** (bucket - 1) * _MIDDLE)


class Sketch:
    """Durations in nanoseconds, counted by bucket."""

    __slots__ = ("buckets",)

    def __init__(self, buckets: Mapping[int, int] | None = None) -> None:
        self.buckets: dict[int, int] = dict(buckets) if buckets else {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.buckets == other.buckets

    def __hash__(self) -> int:
        return hash(frozenset(self.buckets.items()))

    def add(self, nanoseconds: int) -> None:
        bucket = bucket_of(nanoseconds)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Sketch) -> None:
        if not self.buckets:
            self.buckets = dict(other.buckets)
            return
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def quantile(self, share: float) -> int | None:
        """The duration that this share of all stays under, in nanoseconds; None when nothing was added."""
        total = self.count
        if not total:
            return None
        rank, seen = share * (total - 1), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen > rank:
                return value_of(bucket)
        return value_of(max(self.buckets))

    def dump(self) -> bytes:
        """As it lies in the database; empty when nothing was added."""
        return msgspec.msgpack.encode(self.buckets) if self.buckets else b""

    @classmethod
    def load(cls, stored: bytes | memoryview) -> Sketch:
        return cls(msgspec.msgpack.decode(bytes(stored), type=dict[int, int]) if stored else None)


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """One sketch of all."""
    whole = Sketch()
    for each in sketches:
        whole.merge(each)
    return whole
