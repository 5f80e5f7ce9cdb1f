"""Of two failures at one place: do they say the same, though a value stands in it that no rule can tell from a word?

What is said falls into clauses, and a clause into three kinds of words. *Names and codes* are the cause itself: a
field, a constraint, a tool, a status, an error's number. *Kinds of failure* (refused, expired, denied) are a cause
in any wording. All else is plain. Values are left out: what the fingerprint leaves out, names with hyphens, names that
are written large within a sentence, and what the message that was worked on carries itself.

Names, codes and kinds must be the same. Plain words must be, too, where the application wrote the sentence: there one
other word is another cause. What a library or a language says may be worded anew by each release of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from agents.deadletters.fingerprint import languages, libraries, systems

# Of what a library says, so much must be the same: it words things anew, but not all of them.
LEAST = 0.6
# Of a sentence with one clause more, so much.
_LEAST_SHARED = 0.5


class Said(NamedTuple):
    """What one exception of a death said, without what varies. `own`: the application wrote it."""

    type: str
    text: str
    own: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A death as far as it can be like another one. `place`: where it happened (the agent, the application's call that
    failed, what was raised last). `calls`: of the application, the one that failed first. `grouped`: its exceptions
    failed side by side. `called`: what the application called of a library. `vague`: of its calls only the file is
    known in which it failed."""

    place: str
    said: tuple[Said, ...]
    calls: tuple[str, ...] = ()
    grouped: bool = False
    called: str = ""
    vague: bool = False


class _Clause(NamedTuple):
    decisive: frozenset[str]
    kinds: frozenset[str]
    plain: frozenset[str]


def is_alike(one: Told, other: Told) -> bool:
    """Pure, and the same in both directions. Both are of one place."""
    if one.place != other.place or not _calls_agree(one, other) or not _chains_agree(one, other):
        return False
    return _covers(one, other, _says_alike) and _covers(other, one, _says_alike)


def could_be(one: Told, other: Told) -> bool:
    """One of them says less, or says it in another language, and nothing that the other one contradicts. Pure, and the
    same in both directions; but what is like two others so says nothing of those two."""
    if one.place != other.place or not _chains_agree(one, other):
        return False
    if one.vague != other.vague:
        return _covers(one, other, _says_alike) and _covers(other, one, _says_alike)
    same_call = bool(one.called) and one.called == other.called

    def says_near(mine: Said, theirs: Said, strong: bool) -> bool:
        return _says_alike(mine, theirs, strong) or (strong and _says_no_other(mine, theirs, same_call))

    return _calls_agree(one, other) and _covers(one, other, says_near) and _covers(other, one, says_near)


def says_more(one: Told, other: Told) -> bool:
    """Does one of two that are alike say anything that the other does not: is it worth to be compared with others?"""
    return one.calls != other.calls or _worth(one) != _worth(other)


def _worth(told: Told) -> list[tuple[str, bool, tuple[_Clause, ...]]]:
    return [(each.type, each.own, _clauses(each.text)) for each in told.said]


def _covers(one: Told, other: Told, agree: Callable[[Said, Said, bool], bool]) -> bool:
    """Each exception has one of its type in the other that says the same. One that only one of them has (a library
    that wraps it once more) has nobody to be like."""
    types = {each.type for each in other.said}
    return all(
        any(mine.type == theirs.type and agree(mine, theirs, bool(one.calls)) for theirs in other.said)
        for mine in one.said
        if mine.type in types
    )


def _calls_agree(one: Told, other: Told) -> bool:
    """The same call failed, or the same ones side by side, and one has no other calls on the way but more."""
    failed_alike = one.grouped or one.calls[:1] == other.calls[:1]
    return failed_alike and _is_part(one.calls, other.calls)


def _chains_agree(one: Told, other: Told) -> bool:
    """What was raised first and last is the same, and between them one has no other exceptions but more. Side by side
    the same ones failed."""
    mine, theirs = ([each.type for each in told.said] for told in (one, other))
    if one.grouped or other.grouped:
        return set(mine) == set(theirs)
    if mine[:1] != theirs[:1] or mine[-1:] != theirs[-1:]:
        return False
    return _is_part(mine, theirs)


def _is_part(one: Sequence[str], other: Sequence[str]) -> bool:
    """Has one of them all that the other one has, in its order?"""
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return all(each in rest for each in short)


def _says_alike(one: Said, other: Said, strong: bool) -> bool:
    if one.text == other.text:
        return True
    mine, theirs = _clauses(one.text), _clauses(other.text)
    if _one_has_more(mine, theirs):
        return True
    if not strong or (one.own and other.own and one.type not in _OF_RUNTIMES):
        return False
    return _worded_anew(_together(mine), _together(theirs), of_value=one.type in _OF_VALUES)


def _one_has_more(mine: Sequence[_Clause], theirs: Sequence[_Clause]) -> bool:
    """The same clauses; one may have more of them, if those neither name anything nor say a kind of failure."""
    shared = set(mine) & set(theirs)
    left = [each for each in (*mine, *theirs) if each not in shared]
    if any(each.decisive or each.kinds or each.plain & DENYING for each in left):
        return False
    if any(each not in shared for each in mine) and any(each not in shared for each in theirs):
        return False
    weight = sum(map(_weight, shared))
    return weight >= _LEAST_SHARED * (weight + sum(map(_weight, left)))


def _weight(clause: _Clause) -> int:
    return len(clause.plain) + len(clause.decisive) + len(clause.kinds)


def _worded_anew(one: _Clause, other: _Clause, *, of_value: bool) -> bool:
    """Names, codes and kinds are the same, and most words. One has words more; that each has its own is another thing,
    unless a name says the kind of failure, or all is about one value that could not be read: which of its letters was
    wrong is said of it then."""
    if one.decisive != other.decisive or one.kinds != other.kinds:
        return False
    mine, theirs = _words(one), _words(other)
    of_value = of_value or any(map(_says_kind, one.decisive))
    if 2 * len(mine & theirs) < LEAST * (len(mine) + len(theirs)):
        return False
    return of_value or not (mine - theirs - LITTLE) or not (theirs - mine - LITTLE)


def _says_no_other(one: Said, other: Said, same_call: bool) -> bool:
    """Of what libraries say: the names, codes and kinds that both tell agree, and one has no others but more. Words
    between them are of no account in another language; in the same one may have more of them."""
    if (one.own or other.own) and one.type not in _OF_RUNTIMES:
        return False
    mine, theirs = _together(_clauses(one.text)), _together(_clauses(other.text))
    if languages.of(one.text) != languages.of(other.text):
        return _translated(mine, theirs, one.type, same_call)
    less, more = sorted((mine, theirs), key=_weight)
    said_more = more.plain - less.plain
    return (
        bool(less.decisive)
        and less.decisive <= more.decisive
        and less.kinds <= more.kinds
        and less.plain - LITTLE <= more.plain
        and not said_more & DENYING
        and _weight(less) >= _LEAST_SHARED * _weight(more)
    )


def _translated(one: _Clause, other: _Clause, type_: str, same_call: bool) -> bool:
    """Where neither names anything, the type says what happened, or a kind of failure does, of the same call."""
    mine, theirs = _untranslated(one.decisive), _untranslated(other.decisive)
    if not _is_within(languages.things(one.plain), languages.things(other.plain)):
        return False
    if mine or theirs:
        return bool(mine & theirs) and _is_within(mine, theirs) and _is_within(one.kinds, other.kinds)
    if not same_call:
        return False
    if _GENERAL_TYPE.match(type_):
        return bool(one.kinds) and one.kinds == other.kinds
    return _is_within(one.kinds, other.kinds)


def _is_within(one: frozenset[str], other: frozenset[str]) -> bool:
    return one <= other or other <= one


def _untranslated(names: Iterable[str]) -> frozenset[str]:
    """Names and codes as they are in every language: words that are only written large (`DETAIL`, `NOT`) are not."""
    return frozenset(each for each in names if not (each.isupper() and each.isalpha()))


def _says_kind(name: str) -> bool:
    """`AccessDenied`, `ThrottlingException`, `RESOURCE_EXHAUSTED`, and no general one."""
    return bool(_KIND_NAMED.search(name)) and not _GENERAL.match(name)


def _words(clause: _Clause) -> frozenset[str]:
    return clause.plain | clause.decisive | clause.kinds


def _together(clauses: Iterable[_Clause]) -> _Clause:
    sets = list(zip(*clauses, strict=True)) or [(), (), ()]
    return _Clause(*(frozenset().union(*each) for each in sets))


# ---- Calls -----------------------------------------------------------------------------------------------------
_DOMAINS = "com|org|net|io|de|dev|eu|fr|nl|uk|ch|at|se"
# `com.acme.books.Booking.book`, `Acme.Books.Booking.Book`, `books_core::booking::book`.
_ROOT = re.compile(
    rf"(?:(?P<domain>(?:{_DOMAINS})\.\w+)\.|(?P<first>[A-Za-z]+)\w*(?:::|\.(?=[^.]*\.)))(?!.*(?<!:):(?!:))"
)


def at_home(frames: Sequence[str], *, newest_last: bool, grouped: bool) -> tuple[str, ...]:
    """The calls by which failures are compared, the one that failed first. Where calls are named in full, the first
    ones may be of a library that nobody has heard of: they begin with the namespace that most of them are of."""
    calls = tuple(reversed(frames)) if newest_last and not grouped else tuple(frames)
    roots = [_root(each) for each in calls]
    # Of as many: the one that the application begins with.
    home = max(reversed(roots), key=roots.count, default="")
    first = next((at for at, root in enumerate(roots) if root in {"", home}), 0)
    return calls if grouped else calls[first:]


def _root(call: str) -> str:
    """Empty: it is not named in full, and its file has told whose it is."""
    found = _ROOT.match(call)
    return (found["domain"] or found["first"]).lower() if found else ""


# ---- Clauses and words -----------------------------------------------------------------------------------------
_ENDS = re.compile(r"(?:[:;]|,(?! <n>)|\.(?=\s+[A-Z<])| /| - )\s+|\s*[()\[\]{}]\s*|\s(?=<data)|\n+")
# Four or more names with values behind each other: figures that a client adds to what it says.
_PAIR = r"[A-Za-z][\w-]{0,30}(?:: ?|=)(?! )[^,;=]{1,80}?"
_FIGURES = re.compile(rf"(?:(?:^|[,;] ?|(?<=[( ])){_PAIR}(?=[,;]|\)|$)){{4,}}")
_TELLING = re.compile(
    r"[\w-]*(?:code|status|errno|error|type|reason|kind|state|exception|field|column|constraint)$",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"(?P<key>[A-Za-z][\w-]{0,30})(?:: ?|=)(?P<value>[^,;]*)")
_TOKEN = re.compile(r"\S+")
_EDGES = "\"'`.,;:!?()[]{}<>*|=\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019"
_AROUND = _EDGES.replace("<>", "")
_PLACEHOLDER = re.compile(r"<\w+>")
_QUOTED = re.compile(r"['`\"](?P<name>[^'`\"<>\s]{1,80})['`\"]")
_CODE = re.compile(r"-?\d+(?:\.\d+)*$")
# Names of the code: `order_no`, `orderNo`, `ECONNREFUSED`, `order.lines`, `read()`.
_NAME = re.compile(
    r"[A-Za-z$@]\w*(?:_\w+|[a-z][A-Z]\w*|\(\))|_\w+|[A-Z][A-Z0-9]{2,}\d*|[a-z]\w*(?:\.[a-z]\w*)+$"
)
_KIND_NAMED = re.compile(
    r"[a-z](?:Exception|Error|Denied|Exceeded|NotFound|Unavailable|Failure|Fault|Timeout|Conflict|Throttled|Expired)$"
    r"|^[A-Z]+(?:_[A-Z]+)+$|_(?:exceeded|exhausted|denied|expired|not_found|unavailable|error|exception|timeout)$"
)
_GENERAL = re.compile(
    r"(?:invalid|bad|validation|client|server|service|internal|request|runtime|illegal|argument|operation|unknown|api"
    r"|general|system|error|exception|value|state|key|type|io|os|http|_)+$",
    re.IGNORECASE,
)
_HYPHENED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+$")
_LARGE = re.compile(r"[^\W\d_]*$")
_PROGRAM = re.compile(r"\.[A-Za-z]{1,5}$")
# What a database calls the parts of what it says.
_LABEL = re.compile(r"(?:DETAIL|HINT|CONTEXT|DÉTAIL|TIPP|DETALLE|DETTAGLI)$")
# One word alone on a line: where in a document a validator found it.
_LOCATION = re.compile(r"(?: / )([a-z][a-z0-9]{2,40})(?= / )")
# Exceptions that are raised for many reasons: what they say tells which.
_GENERAL_TYPE = re.compile(
    r"(?:IO|OS|Socket|Sql|SQL|Db|DB|Database|Data|Operational|Integrity|Programming|Interface|Internal|Http\w*|HTTP\w*"
    r"|Invalid\w*|Argument|Illegal\w*|Runtime|Value|Type|Web|Network|Connection|PSQL|PDO|Query|Win32|COM|Xml|Json"
    r"|Config\w*|Application|Client|Server|Api|API|Request|Response|Validation|System|Service|Rpc|Unsupported\w*|Not\w+)?"
    r"(?:Error|Exception|Failure)?$|panic$"
)
# Written so, and no names: what is asked of an endpoint stands beside it, money is a value.
_NO_NAMES = libraries.words(
    "GET POST PUT PATCH DELETE HEAD OPTIONS EUR USD GBP CHF SEK NOK DKK PLN CZK JPY CNY AUD CAD HUF RON TRY INR BRL ZAR"
)
# Languages that write nouns large.
_NOUNS_LARGE = re.compile(
    r"\b(?:der|die|das|den|dem|des|ein|eine|für|nicht|kein|keine|ist|und|von|auf|im|wurde|mit)\b"
)
LITTLE = libraries.words(
    "a an the this that of to in on at by for from with and or is are was were be been has have had do doe did it its"
    " as while when during please your you we our"
)
DENYING = libraries.words("no not never without cannot nothing none nor")


@lru_cache(maxsize=2_048)
def _clauses(text: str) -> tuple[_Clause, ...]:
    plain = _LOCATION.sub(r" / '\1'", _FIGURES.sub(_figures, text))
    found = (_clause(each, large=not _NOUNS_LARGE.search(plain)) for each in _ENDS.split(plain))
    return tuple(dict.fromkeys(each for each in found if any(each)))


def _figures(found: re.Match[str]) -> str:
    pairs = ((each["key"], each["value"]) for each in _FIGURE.finditer(found.group()))
    return " ".join(f" {key} {value}" for key, value in pairs if _TELLING.match(key))


def _clause(text: str, *, large: bool) -> _Clause:
    decisive: set[str] = set()
    kinds: set[str] = set()
    plain: set[str] = set()
    for at, found in enumerate(_TOKEN.finditer(text)):
        _put(found.group(), first=at == 0, large=large, into=(decisive, kinds, plain))
    return _Clause(frozenset(decisive), frozenset(kinds), frozenset(plain))


def _put(token: str, *, first: bool, large: bool, into: tuple[set[str], set[str], set[str]]) -> None:
    decisive, kinds, plain = into
    if named := _QUOTED.search(token):
        decisive.add(named["name"])
        return
    if "/" in token:
        decisive.update(_segments(token.strip(_AROUND)))
        return
    bare = _PLACEHOLDER.sub("<>", token).strip(_EDGES)
    if bare in systems.KINDS:
        kinds.add(systems.KINDS[bare])
    elif _CODE.match(bare) or _NAME.match(bare):
        if bare not in _NO_NAMES and not _LABEL.match(bare):
            decisive.add(bare)
    elif "<>" in bare or "<" in token or not any(map(str.isalpha, bare)):
        return
    elif kind := _KIND_OF.get(bare.lower()):
        kinds.add(kind)
    elif not (_HYPHENED.match(bare) or (large and not first and bare[:1].isupper() and _LARGE.match(bare))):
        plain.add(_singular(bare.lower()))


def _segments(token: str) -> Iterable[str]:
    """Of an endpoint its words, of a program's file its name. What else has a stroke is a value: `exports-eu/acme`."""
    if not token.startswith(("/", "<")) and not _PROGRAM.search(token):
        return
    for part in token.split("/"):
        if part and not _PLACEHOLDER.search(part) and any(each.isalpha() for each in part):
            yield part.strip(_EDGES)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _kinds(**words: str) -> dict[str, str]:
    return {word: kind for kind, all_ in words.items() for word in all_.split()}


# What a failure can be, in any wording.
_KIND_OF = _kinds(
    late="timeout timeouts timed timedout time-out deadline zeitüberschreitung zeitlimit",
    refused="refused refuse refuses refusing verweigerte verweigert abgelehnt refusée rechazada rifiutata recusada",
    reset="reset aborted aborts abort broken hang-up hangup",
    closed="closed closing disconnected eof",
    unreachable="unreachable no-route unroutable",
    expired="expired expires outdated stale",
    denied="denied forbidden unauthorized unauthorised unauthenticated permission permissions permitted allowed"
    " authorized authorised access credentials password login",
    unknown="unknown unresolved unrecognized unrecognised resolve resolved resolution",
    absent="missing absent gone removed deleted lost exist exists existing found",
    twice="duplicate duplicated duplicates twice already taken unique doppelter doppelt dupliquée duplicada duplicato",
    locked="locked lock locks deadlock deadlocks busy",
    full="full space disk quota exhausted memory",
    much="exceeded exceeds exceed exceeding limit limits limited large longer long big bigger larger high many more"
    " maximum most greater above",
    little="short shorter smaller small low few fewer less minimum least below empty blank insufficient",
    void="null nil none undefined nan",
    negative="negative positive zero",
    stopped="cancelled canceled cancel killed terminated interrupted stopped shutdown shutting",
    broken="corrupt corrupted damaged malformed truncated unreadable checksum",
    unfit="unsupported incompatible deprecated disabled suspended blocked banned",
    untrusted="self-signed untrusted unverified revoked mismatch mismatched",
    filtered="filter filtered policy moderation",
    unavailable="unavailable overloaded maintenance down offline",
)
# Nobody but a language raises these, also where the call that failed is the application's.
_OF_VALUES = libraries.words(
    "UnicodeDecodeError UnicodeEncodeError UndefinedConversionError InvalidByteSequenceError JSONDecodeError"
    " MalformedInputException DecoderFallbackException CharacterCodingException"
)
_OF_RUNTIMES = _OF_VALUES | libraries.words(
    "AttributeError NameError UnboundLocalError ZeroDivisionError RecursionError ReferenceError SSLError"
    " SSLCertVerificationError gaierror NullPointerException ClassCastException NumberFormatException"
    " ArrayIndexOutOfBoundsException StringIndexOutOfBoundsException ArithmeticException"
    " ConcurrentModificationException SSLHandshakeException InvalidCastException NullReferenceException"
    " IndexOutOfRangeException DivideByZeroException NoMethodError ArgumentCountError FunctionClauseError"
    " CaseClauseError MatchError BadMapError"
)
