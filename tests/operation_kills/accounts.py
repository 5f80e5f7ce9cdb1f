"""The reckoning: every letter that was handed over, what the house says of it, and what its consumer did."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agents.operations.values import ENDED
from tests.operation_kills import sampler
from tests.operation_kills.database import Database, Figures, Letter
from tests.operation_kills.figures import Figures as Round
from tests.operation_kills.letters import Made

SHOWN = 20
# What the message of a letter has come to, by the letter's state.
ENDS = {"processed": "succeeded", "purged": "purged"}


@dataclass(frozen=True, slots=True)
class Books:
    """What the consumer wrote down: effects by message, and first deliveries by letter and redrive."""

    effects: Counter[str]
    first: Counter[tuple[str, int]]

    @classmethod
    def read(cls, file: Path) -> Books:
        with closing(sqlite3.connect(file, timeout=60)) as books:
            effects = dict(books.execute("SELECT message, count(*) FROM effects GROUP BY 1"))
            rows = books.execute(
                "SELECT letter, redrive, count(*) FROM deliveries WHERE NOT again GROUP BY letter, redrive"
            )
            return cls(Counter(effects), Counter({(letter, number): times for letter, number, times in rows}))


def reckon(figures: Round, made: Made, database: Database, books: Books) -> None:
    """Write into the figures what there is, and in words what is wrong. At the end, when nothing goes on any more."""
    deaths, letters = database.deaths(), {row.id: row for row in database.letters()}
    operations, items = database.states()
    figures.letters = made.number
    figures.effects = books.effects.total()
    figures.states = dict(Counter(row.state for row in letters.values()))
    figures.died_again = len(deaths) - len(letters)
    figures.purged = figures.states.get("purged", 0)
    figures.operations = dict(Counter(f"{each.action} {each.state}" for each in operations))
    _captured(figures, made, deaths, letters)
    _redriven(figures, made, deaths, letters, books)
    _thrown_away(figures, made, deaths, letters, books)
    _told(figures, letters, database.messages())
    figures.twice = sum(times - 1 for times in books.first.values())
    figures.effects_twice = sum(times - 1 for times in books.effects.values())
    wrong = [*sampler.wrong(operations), *sampler.miscounted(operations, items), *_unended(operations)]
    figures.wrong += wrong[:SHOWN]


def _captured(figures: Round, made: Made, deaths: dict[str, str], letters: dict[str, Letter]) -> None:
    """Every death is one letter's, and no two are the same one's."""
    given = {**made.redriven, **made.purged}
    missing = [death for death in given if death not in deaths]
    figures.lost += len(missing)
    figures.wrong += [f"death {death} is not in custody" for death in missing[:SHOWN]]
    shared = Counter(deaths[death] for death in given if death in deaths)
    figures.wrong += [f"letter {id} is {times} deaths'" for id, times in shared.items() if times > 1][:SHOWN]
    extra = len(letters) - len(shared)
    if extra:
        figures.wrong.append(f"{extra} letters in custody are nobody's")


def _redriven(
    figures: Round, made: Made, deaths: dict[str, str], letters: dict[str, Letter], books: Books
) -> None:
    """At the end each of them was redriven until it was processed; whatever is not is in custody still, or lost."""
    wrong = defaultdict[str, list[str]](list)
    for death, message in made.redriven.items():
        letter = letters.get(deaths.get(death, ""))
        if letter is None:
            continue
        effects = books.effects[message]
        if letter.state == "processed" and not effects:
            figures.lost += 1
            wrong["is processed, and its message was never handled"].append(letter.id)
        elif letter.state != "processed":
            wrong[f"is {letter.state} at the end, with {effects} effects"].append(letter.id)
    _say(figures, wrong)


def _thrown_away(
    figures: Round, made: Made, deaths: dict[str, str], letters: dict[str, Letter], books: Books
) -> None:
    """These are purged, or held again; nobody sent any of them."""
    wrong = defaultdict[str, list[str]](list)
    for death, message in made.purged.items():
        letter = letters.get(deaths.get(death, ""))
        if letter and (letter.state not in {"held", "purged"} or books.effects[message]):
            wrong[f"was never redriven, and is {letter.state}"].append(letter.id)
    _say(figures, wrong)


def _told(figures: Round, letters: dict[str, Letter], messages: dict[str, str]) -> None:
    """The ledger, in a database of its own, has heard of every end."""
    wrong = defaultdict[str, list[str]](list)
    for letter in letters.values():
        said, wanted = messages.get(letter.message, "not there"), ENDS.get(letter.state)
        if wanted and said != wanted:
            wrong[f"is {letter.state}, and its message is {said} in the ledger"].append(letter.id)
    _say(figures, wrong)


def _say(figures: Round, wrong: dict[str, list[str]]) -> None:
    figures.wrong += [f"{len(ids)} letters, such as {ids[0]}: each {said}" for said, ids in wrong.items()]


def _unended(operations: list[Figures]) -> list[str]:
    """An operation ends as the guarantee table has it: done, or done with what is unknown."""
    found = []
    for each in operations:
        wanted = "done_with_unknown" if each.tally["unknown"] else "done"
        if each.state not in ENDED or each.state != wanted:
            found.append(f"{each.action} {each.id} is {each.state} ({each.why}), {each.tally}")
    return found
