"""Deaths into custody: many in one transaction, each once, and none of them merged with another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from agents.deadletters import fingerprint, seal, words
from agents.deadletters.fingerprint import Formed
from agents.deadletters.models import Death, Letter, LetterChange, LetterText, StoredContents
from agents.deadletters.services import grouping
from agents.deadletters.services.grouping import Fallen
from agents.deadletters.signals import DiedAgain, died_again
from agents.deadletters.values import (
    DIES_AGAIN,
    Arrival,
    Contents,
    Kept,
    Origin,
    State,
)
from core import clock, crash, hints, ids
from core.crash import Point
from core.transitions import advance

TOPIC = "letters"
TRIES = 3
BY = "capture"


class OtherEnvironmentError(Exception):
    """A death of this id is known in another environment. Give each death an id of its own."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def keep(arrivals: Sequence[Arrival]) -> list[Kept]:
    """All of them, committed when this returns; what became of each, in their order. See `api.keep`."""
    crash.here(Point.CAPTURE)
    found = _kept(arrivals)
    crash.here(Point.CAPTURE)
    return found


def _kept(arrivals: Sequence[Arrival]) -> list[Kept]:
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _Batch(clock.now()).keep(arrivals)
        except IntegrityError:
            # Another reader committed the same death in between: now it is known.
            if attempt == TRIES - 1:
                raise
    raise AssertionError


def acknowledged(session: str, arrivals: Iterable[Arrival]) -> None:
    """The broker was told: a delivery of the same bytes from now on is another letter."""
    digests = {each.digest for each in arrivals if each.digest}
    if digests:
        Death.objects.filter(session=session, digest__in=digests).update(digest="")


def caught_up(origin: Origin) -> None:
    """The broker has come to what nobody was handed before, so all that it had to hand over again is here: what bears
    the bytes of a death kept through an earlier connection is another letter from now on."""
    rows = Death.objects.exclude(digest="").exclude(session=origin.session)
    rows.filter(letter__source=origin.source, letter__broker=origin.broker).update(digest="")


@dataclass(slots=True)
class _Batch:
    """The rows of one transaction."""

    now: datetime
    letters: list[Letter] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    contents: list[StoredContents] = field(default_factory=list)
    changes: list[LetterChange] = field(default_factory=list)
    again: list[DiedAgain] = field(default_factory=list)
    known: dict[UUID, Death] = field(default_factory=dict)
    redriven: dict[UUID, Letter] = field(default_factory=dict)
    twins: dict[str, list[Death]] = field(default_factory=dict)
    fallen: list[Fallen] = field(default_factory=list)
    texts: list[LetterText] = field(default_factory=list)

    def keep(self, arrivals: Sequence[Arrival]) -> list[Kept]:
        self._look_up(arrivals)
        found = [self._one(each) for each in arrivals]
        self._group()
        Letter.objects.bulk_create(self.letters)
        Death.objects.bulk_create(self.deaths)
        StoredContents.objects.bulk_create(self.contents)
        LetterChange.objects.bulk_create(self.changes)
        self._index()
        if self.again:
            died_again.send(Letter, deaths=self.again)
        if self.deaths:
            hints.hint(TOPIC)
        return found

    def _group(self) -> None:
        """Letters that are new take their group with them; those that were there move to that of their last death."""
        grouping.assign(self.fallen)
        fresh = {letter.pk for letter in self.letters}
        for each in self.fallen:
            each.letter.group = each.group
            if each.letter.pk not in fresh:
                Letter.objects.filter(pk=each.letter.pk).update(
                    group=each.group, fingerprint=each.letter.fingerprint
                )

    def _index(self) -> None:
        """The words of each letter's last death."""
        latest = {each.letter_id: each for each in self.texts}
        LetterText.objects.filter(letter__in=latest.keys() - {letter.pk for letter in self.letters}).delete()
        LetterText.objects.bulk_create(latest.values())

    def _look_up(self, arrivals: Sequence[Arrival]) -> None:
        wanted = {id for each in arrivals for id in (each.death_id, _id_of_another(each))}
        self.known = {
            death.pk: death for death in Death.objects.filter(pk__in=wanted).select_related("letter")
        }
        named = {each.redrive.letter_id for each in arrivals if each.redrive}
        if named:
            rows = Letter.objects.select_for_update().filter(pk__in=named).order_by("pk")
            self.redriven = {row.pk: row for row in rows}
        self.twins = _twins([each for each in arrivals if each.digest and each.redelivered])

    def _one(self, arrival: Arrival) -> Kept:
        environment = environment_of(arrival)
        if death := self.known.get(arrival.death_id):
            if death.letter.environment != environment:
                raise OtherEnvironmentError
            if _repeats(arrival, death):
                return Kept(death.letter_id, State(death.letter.state), new_death=False, new_letter=False)
            return self._one(replace(arrival, death_id=_id_of_another(arrival)))
        if twin := self._twin(arrival):
            return Kept(twin.letter_id, State(twin.letter.state), new_death=False, new_letter=False)
        before = self.redriven.get(arrival.redrive.letter_id) if arrival.redrive else None
        if before is None or before.environment != environment or before.state == State.ERASED:
            return self._first(arrival, environment)
        return self._further(arrival, before)

    def _twin(self, arrival: Arrival) -> Death | None:
        """The death that this delivery brought before. Each is taken once: two equal messages are two letters."""
        waiting = self.twins.get(arrival.digest) if arrival.redelivered else None
        if not waiting:
            return None
        twin = waiting.pop(0)
        Death.objects.filter(pk=twin.pk).update(session=arrival.origin.session)
        return twin

    def _first(self, arrival: Arrival, environment: str) -> Kept:
        letter = Letter(
            id=ids.new(),
            environment=environment,
            source=arrival.origin.source,
            state=State.HELD,
            since=self.now,
            captured_at=self.now,
            first_died_at=arrival.died_at,
            last_died_at=arrival.died_at,
            redrives=arrival.redrive.number if arrival.redrive else 0,
            **said(arrival),
        )
        formed = fingerprint.form(grouping.died(arrival))
        death = self._died(arrival, letter, 1, formed)
        self._fell(arrival, letter, formed, death)
        self.letters.append(letter)
        self.changes.append(_change(letter, "", State.HELD, self.now, "captured"))
        return Kept(letter.pk, State.HELD, new_death=True, new_letter=True)

    def _further(self, arrival: Arrival, letter: Letter) -> Kept:
        """One more death of a letter: held again, unless this death is older than what is known, or it was purged."""
        assert arrival.redrive
        letter.deaths += 1
        formed = fingerprint.form(grouping.died(arrival))
        same = grouping.is_same(letter, formed, grouping.teller(arrival))
        self.again.append(DiedAgain(letter.pk, arrival.redrive.number, arrival.failure, same))
        death = self._died(arrival, letter, letter.deaths, formed)
        if arrival.redrive.number < letter.redrives or letter.state not in {*DIES_AGAIN, State.HELD}:
            Letter.objects.filter(pk=letter.pk).update(deaths=F("deaths") + 1)
        else:
            self._hold_again(arrival, letter)
            self._fell(arrival, letter, formed, death, same=same)
        return Kept(letter.pk, State(letter.state), new_death=True, new_letter=False)

    def _hold_again(self, arrival: Arrival, letter: Letter) -> None:
        assert arrival.redrive
        changes: dict[str, Any] = said(arrival) | {
            "deaths": letter.deaths,
            "last_died_at": max(arrival.died_at, letter.last_died_at),
            "redrives": max(arrival.redrive.number, letter.redrives),
        }
        if letter.state == State.HELD:
            Letter.objects.filter(pk=letter.pk, state=State.HELD).update(**changes)
            return
        reason = f"died again after redrive {arrival.redrive.number}"
        change = _change(letter, letter.state, State.HELD, self.now, reason)
        advance(
            Letter.objects.all(),
            pk=letter.pk,
            from_states=DIES_AGAIN,
            to=State.HELD,
            history=change.save,
            changes=changes | {"since": self.now},
        )
        letter.state = State.HELD

    def _fell(
        self, arrival: Arrival, letter: Letter, formed: Formed, death: Death, *, same: bool = False
    ) -> None:
        for name, value in said(arrival).items():
            setattr(letter, name, value)
        self.texts.append(text_of(letter, arrival.contents))
        letter.fingerprint = formed.fingerprint
        redrive = arrival.redrive.number if arrival.redrive else 0
        # Where it dies as it did before, it stays in the group that it is in: somebody may have put it there.
        stays = grouping.home_of(letter.group) if same else None
        tell = grouping.teller(arrival)
        self.fallen.append(Fallen(letter, formed, tell, arrival.died_at, redrive, same, stays, death=death))

    def _died(self, arrival: Arrival, letter: Letter, number: int, formed: Formed) -> Death:
        death = Death(
            id=arrival.death_id,
            letter=letter,
            number=number,
            redrive=arrival.redrive.number if arrival.redrive else 0,
            died_at=arrival.died_at,
            captured_at=self.now,
            agent=arrival.agent,
            instance=arrival.instance,
            version=arrival.version,
            digest=arrival.digest,
            session=arrival.origin.session if arrival.digest else "",
            fingerprint=formed.fingerprint,
            **_failed(arrival),
        )
        self.known[death.pk] = death
        self.deaths.append(death)
        self.contents.append(stored(death, arrival.contents))
        return death


def _repeats(arrival: Arrival, death: Death) -> bool:
    """Is it this very death again? The library names a death by its message, so that one whose delivery was not
    acknowledged dies once. Another message of the same id dies at its own time, in a first delivery."""
    return arrival.again or arrival.died_at == death.died_at


def _id_of_another(arrival: Arrival) -> UUID:
    return uuid5(arrival.death_id, arrival.died_at.isoformat())


def environment_of(arrival: Arrival) -> str:
    return arrival.environment or settings.POSTROOM.environment


def said(arrival: Arrival) -> dict[str, Any]:
    """What a letter shows of its last death."""
    names = (
        *("broker", "queue", "exchange", "routing_key", "agent", "instance", "version", "message_id", "task"),
        *("sender", "workflow", "trace_id", "span_id", "conversation_id", "content_type", "content_encoding"),
    )
    return {
        **{name: getattr(arrival, name) for name in names},
        **_failed(arrival),
        "body_size": len(arrival.contents.body),
        "attempts": len(arrival.contents.attempts),
    }


def stored(death: Death, contents: Contents) -> StoredContents:
    """Shut with a key of its own."""
    key, plain = seal.new_key()
    head = {"headers": contents.headers, "properties": contents.properties}
    return StoredContents(
        death=death,
        body=seal.shut(contents.body, plain),
        head=seal.shut(msgspec.json.encode(head), plain),
        attempts=seal.shut(msgspec.json.encode(contents.attempts), plain),
        key_id=key.id,
        sealed_key=key.sealed,
    )


def text_of(letter: Letter, contents: Contents | None) -> LetterText:
    """What it is found by. What is sealed is not written down in words."""
    open_ = contents is not None and not seal.newest_id()
    carried = words.carried(contents) if contents and open_ else ""
    return LetterText(letter=letter, said=words.said(letter), carried=carried)


def _failed(arrival: Arrival) -> Mapping[str, str]:
    why = arrival.failure
    return {
        "failure_class": why.cls,
        "failure_reason": why.reason,
        "failure_type": why.type,
        "failure_message": why.message,
    }


def _change(letter: Letter, before: str, after: State, at: datetime, reason: str) -> LetterChange:
    return LetterChange(letter=letter, before=before, after=after, at=at, by=BY, reason=reason)


def _twins(arrivals: Sequence[Arrival]) -> dict[str, list[Death]]:
    """Deaths whose delivery was never acknowledged for sure, from earlier connections, by the hash of their bytes."""
    found: dict[str, list[Death]] = defaultdict(list)
    for each in {(one.digest, one.origin): one for one in arrivals}.values():
        rows = Death.objects.filter(
            digest=each.digest, letter__source=each.origin.source, letter__broker=each.origin.broker
        )
        rows = rows.exclude(session=each.origin.session)
        found[each.digest] += rows.select_related("letter").order_by("captured_at", "pk")
    return found
