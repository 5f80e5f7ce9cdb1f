"""From letters in custody to messages for a broker: edited, renewed, signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter
from agents.deadletters.values import Contents
from agents.operations.authority import signer
from agents.operations.editing import EditRefusedError, edited
from agents.operations.message import Message
from agents.operations.options import Expiry, Options
from agents.operations.outgoing import Outgoing
from agents.operations.renewal import Redriven, renewed
from agents.operations.services.claiming import Taken
from agents.operations.services.recording import jittered
from core import clock
from core.among import among
from core.brokers.api import Post


class UnreadableError(Exception):
    """The contents of a letter are gone, or sealed with a key that is not there."""


class UneditableError(Exception):
    """The edit does not fit one of the letters. Cancel, and plan those apart for which it is meant."""


def posts(taken: Sequence[Taken], options: Options) -> list[Post]:
    """A message each, in their order. Raises SealError, UnreadableError, UneditableError."""
    found, now = _contents(taken), clock.now()
    if options.expiry is not Expiry.SHIFT:
        return [_post(each, one, options, timedelta()) for each, one in zip(taken, found, strict=True)]
    died = _died(taken)
    return [
        _post(each, one, options, now - died.get(each.letter.pk, now))
        for each, one in zip(taken, found, strict=True)
    ]


def message_of(letter: Letter | Outgoing, contents: Contents) -> Message:
    """As it died."""
    return Message(
        contents.body, contents.headers, contents.properties, letter.content_type, letter.content_encoding
    )


def _contents(taken: Sequence[Taken]) -> list[Contents]:
    """What each one's last death carried, in their order."""
    by_death: dict[int, list[str]] = defaultdict(list)
    for each in taken:
        by_death[each.letter.deaths].append(each.key)
    found: dict[UUID, Contents] = {}
    for death, keys in by_death.items():
        found |= custody.carried(keys, death)
    return [_there(each, found.get(each.letter.pk)) for each in taken]


def _there(taken: Taken, contents: Contents | None) -> Contents:
    if contents is None:
        raise UnreadableError(f"The contents of letter {taken.key} are gone.")
    return contents


def _died(taken: Sequence[Taken]) -> dict[UUID, datetime]:
    """When each was first on its way: by so much its deadlines are shifted."""
    rows = Letter.objects.filter(among("pk", (each.key for each in taken)))
    return dict(rows.values_list("pk", "first_died_at"))


def _post(taken: Taken, contents: Contents, options: Options, elapsed: timedelta) -> Post:
    queue = options.target_queue or taken.letter.queue
    message = _as_it_goes_out(taken, contents, options, Redriven(taken.key, taken.number, elapsed))
    return Post(
        letter_key=taken.key,
        number=taken.number,
        # The letter's own queue, whatever exchange it once came through: others that are bound there had theirs.
        queue=queue,
        body=message.body,
        headers=message.headers,
        properties=message.properties,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delay=jittered(options.delay, options.jitter),
    )


def _as_it_goes_out(taken: Taken, contents: Contents, options: Options, redrive: Redriven) -> Message:
    letter, queue = taken.letter, options.target_queue or taken.letter.queue
    try:
        changed = edited(message_of(letter, contents), options.edit)
    except EditRefusedError as problem:
        raise UneditableError(f"The edit does not fit letter {letter.pk}: {problem}.") from problem
    return renewed(changed, redrive, options.expiry, signer(letter, queue, taken.number))
