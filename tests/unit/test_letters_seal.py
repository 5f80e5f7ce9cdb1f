"""What letters carry, at rest: sealed, read back, and sealed with a newer key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from agents.deadletters import seal
from agents.deadletters.seal import ContentKey, SealError

OLD, NEW = "an old key, long enough", "a new key, long enough"
BODY = b"account 4711, " * 50


def use(settings: Settings, *keys: str) -> None:
    settings.POSTROOM = replace(settings.POSTROOM, encryption_keys=keys)


def test_without_keys__compressed_and_no_more(settings: Settings) -> None:
    use(settings)
    key, plain = seal.new_key()
    shut = seal.shut(BODY, plain)
    assert (key, len(shut) < len(BODY) / 4) == (ContentKey(), True)
    assert seal.unshut(shut, seal.opened(key)) == BODY


def test_with_a_key__nothing_to_be_read_and_every_one_different(settings: Settings) -> None:
    use(settings, NEW)
    (one, first), (two, second) = seal.new_key(), seal.new_key()
    assert one.sealed != two.sealed
    assert seal.shut(BODY, first) != seal.shut(BODY, second)
    assert seal.unshut(seal.shut(BODY, first), seal.opened(one)) == BODY


def test_newer_key_first__old_contents_are_read_and_sealed_anew(settings: Settings) -> None:
    use(settings, OLD)
    key, plain = seal.new_key()
    use(settings, NEW, OLD)
    assert seal.opened(key) == plain
    moved = seal.resealed(key)
    assert moved.id == seal.newest_id() != key.id
    use(settings, NEW)
    assert seal.opened(moved) == plain


def test_key_taken_away__said_and_not_guessed(settings: Settings) -> None:
    use(settings, OLD)
    key, _ = seal.new_key()
    use(settings, NEW)
    with pytest.raises(SealError, match="Put that key back"):
        seal.opened(key)


def test_changed_by_a_bit__refused(settings: Settings) -> None:
    use(settings, NEW)
    _, plain = seal.new_key()
    shut = bytearray(seal.shut(BODY, plain))
    shut[-1] ^= 1
    with pytest.raises(SealError):
        seal.unshut(bytes(shut), plain)
