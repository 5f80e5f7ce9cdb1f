"""A message without what differs from one time to the next: ids, numbers, times, addresses, paths, quoted values.

One pass of one expression finds what may differ; words are taken whole, so that the time grows with the length alone.
What is quoted stays where it names a thing of the code (a field, a column, a constraint): there it is the cause itself.
So do codes (of an answer, a process, a database), the names of a program's own files, and the shape of an endpoint.
Where it cannot be told whether something is part of the cause, it stays: two groups of one cause are merged by hand
sooner than one group of two causes is found out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.deadletters.fingerprint import carried, libraries, places, versions

LONGEST, LINES, KEPT = 2_000, 4, 300

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mai|Okt|Dez|Mär"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\b\.?)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[ECMP][SD]T|[+-]\d\d:?\d\d)\b)?(?:\[[A-Z][\w/]+\])?"
_UNITS = (
    "ns|nanoseconds?|us|\u00b5s|microseconds?|ms|msecs?|millis|milliseconds?|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?"
    "|days?|weeks?|B|bytes?|[kKMGTP]i?B|[kKMGTP]iB|kilobytes?|megabytes?|gigabytes?|kbit|Mbit|bits?"
    "|EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|AUD|CAD|\u20ac|\\$|\u00a3|kr"
)
_PARTS = (
    ("url", places.URL),
    ("email", r"\w[\w.+'%&*~!-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63})+(?:\.(?=>))?"),
    (
        "time",
        rf"\d{{4}}-\d\d-\d\d(?:[T_ -]{_CLOCK})?{_ZONE}(?!\w)|\d{{8}}T\d{{6}}(?:\.\d+)?Z?(?!\w)"
        rf"|\d{{4}}/\d\d/\d\d(?:,? {_CLOCK})?{_ZONE}"
        rf"|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}(?:,? {_CLOCK})?{_ZONE}(?!\w)"
        rf"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:\d{{1,2}}(?:st|nd|rd|th"
        rf"|\.)?[ /-](?:{_MONTHS})[a-z]*\.?,?"
        rf"|(?:{_MONTHS})[a-z]*\.? \d{{1,2}}(?:st|nd|rd"
        rf"|th)?,?(?= ))(?:[ /-]\d{{4}}(?!\d))?(?:,?[ :]{_CLOCK}{_ZONE}(?: \d{{4}})?)?"
        rf"|\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AaPp][Mm]\b)?{_ZONE}(?![\w:])",
    ),
    (
        "ids",
        r"(?:urn:uuid:)?\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?(?!\w)"
        r"|(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:])",
    ),
    ("ipv6", places.IPV6),
    ("source", places.SOURCE),
    ("file", places.FILE),
    ("host", places.HOST),
    ("path", places.PATH),
    (
        "text",
        r"\"[^\"\n]{0,400}\"|(?<!\w)'(?:[^'\n]|(?<=\w)'(?=\w)){0,400}'(?!\w)|`[^`'\n]{0,400}[`']"
        r"|\u201c[^\u201d\n]{0,400}\u201d"
        r"|\u201e[^\u201c\u201d\n]{0,400}[\u201c\u201d]|\u2018[^\u2019\n]{0,400}\u2019"
        r"|\u00ab[^\u00bb\n]{0,400}\u00bb|\u00bb[^\u00ab\u00bb\n]{0,400}\u00ab",
    ),
    (
        "id_of",
        r"(?:user(?:name)?|login|tenant|customer|account|org|client|session|trace|span|request"
        r"|host(?:name)?|node|pod"
        r"|instance|bucket|email|e-?mail|input_value|\w{1,40}_?id|\w{1,40}Id)=[^\s,;)\]}&'\"<]+",
    ),
    ("hash", r"@[0-9a-f]{5,8}(?![\w.])|(?:sha256|sha512|sha1|md5):[0-9a-fA-F]{6,}"),
    (
        "number",
        r"[-+]?(?:[\u20ac$\u00a3\u00a5] ?)?(?:\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+(?:[.,]\d+)?(?!\w)"
        r"|\d+(?:\.\d+)?[eE][-+]?\d+(?!\w)|(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|[smhd]))+(?!\w)"
        r"|\d+(?:[.,_]\d+)*[\w%\u00b5\u20ac-]*)"
        rf"(?: ?(?:{_UNITS})(?![\w-]))?",
    ),
    ("word", r"v?\d+(?:\.\d+)+[\w-]*|v\d+(?:\.\d+)+[\w-]*|[\w-]+"),
)
_FINDS = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS))
_DIGIT = re.compile(r"\d")
# Their digits say nothing about one time.
_WORDS = libraries.words(
    "utf-8 utf8 utf-16 utf16 utf-32 latin-1 latin1 iso-8859-1 iso-8859-15 cp1252 windows-1252 sha1"
    " sha256 sha384 sha512 md5"
    " base64 base32 oauth2 ipv4 ipv6 s3 ec2 x509 http2 http3 int8 int16 int32 int64 uint8 uint16 uint32"
    " uint64 u8 u16 u32 u64"
    " i8 i16 i32 i64 f32 f64 float16 float32 float64 iso8601 k8s h2 p12 v1 v2 v3 v4 v5 tls1 mp3 mp4"
    " psycopg2 boto3 urllib3"
    " hs256 rs256 es256 ed25519 aes256 aes-256 r2 d3 web3 neo4j log4j i18n l10n a11y e2e b2b p2p 2fa 3d"
)
# What databases, compilers and clouds call their errors.
_CODE_WORD = re.compile(
    r"(?:ORA|PLS|TNS|SQL|AADSTS|CVE|RFC|TS|CS|MSB|NU|NETSDK|BC|FS|HY|ERR|ERROR|ECS|IO|DPY|DPI|JSON"
    r"|E)[-_]?\d{3,6}[A-Z]?"
    r"|\d{2}[0-9A-Z]\d{2}(?=\b)(?<=[A-Z]\d{2})|\d\d[A-Z]\d\d|HY\d{3}"
)
_ID_LETTERS = re.compile(r"[a-f]{8,}$")
# `req_GjHfsQJgiaPhWUCgcd`: letters of both kinds at random, which no name of the code has.
_PREFIXED = re.compile(r"[a-z]{1,8}_([A-Za-z]{10,})$")
_LEAST_OF_A_KIND = 0.3
_IN_CODE = re.compile(r"[A-Za-z_][A-Za-z_.:<>()]{0,60}")
_IDENTIFIER = re.compile(r"[$@]?[A-Za-z_][\w.$:\\\-]{0,80}(?:\[\])?(?:\(\))?")
_RUN = re.compile(r"\d{2,}")
_HEXADECIMAL = re.compile(r"(?=.*\d)[0-9a-fA-F-]{6,}$")
# `motor-2024`, `household-2024-q4`.
_KEBAB = re.compile(r"(?=.*-)(?=.*\d\d)[\w.-]+$")
# Types whose messages quote names of the code.
_OF_CODE = libraries.words(
    "KeyError AttributeError NameError UnboundLocalError TypeError ImportError ModuleNotFoundError"
    " ReferenceError"
    " NoMethodError NullPointerException UndefinedColumn UndefinedTable UndefinedFunction NoSuchMethodError"
    " ClassNotFoundException NoClassDefFoundError ClassCastException MissingMethodException NoSuchFieldError"
    " NoSuchFieldException NoSuchMethodException MissingFieldException TypeLoadException"
    " TypeInitializationException"
    " KeyNotFoundException ArgumentNullException UndefinedFunctionError ProtocolUndefinedError"
    " FunctionClauseError"
    " TemplateNotFound TemplateDoesNotExist TemplateSyntaxError NoReverseMatch FieldError FieldDoesNotExist"
    " ImproperlyConfigured ConstraintViolationException LoadError SyntaxError NotImplementedError"
    " AbstractMethodError"
    " UnsatisfiedDependencyException NoSuchBeanDefinitionException MissingSchemaError UnknownAttributeError"
)
_BEFORE = re.compile(
    r"\b(?:constraint|relation|columns?|table|fields?|attributes?|keys?|propert(?:y|ies)|parameters?"
    r"|arguments?|params?|module"
    r"|functions?|methods?|variables?|constant|class|index|module named|option|setting|header"
    r"|codec|operator|enum|schema"
    r"|reading|setting|import|symbol|queue|exchange|topic|step|required|missing|trait|interface|struct"
    r"|type|package|role"
    r"|permissions?|scopes?|privilege|policy|feature|flag|tool|filter|template|placeholder|macro|claim"
    r"|env(?:ironment variable)?"
    r"|sequence|trigger|view|database|function named|foreign key|unique|Duplicate key|for key"
    r"|null value in|reference to"
    r"|loc|member|validator|rule|keyword|plugin|extension|capability|grammar|encoding|charset"
    r"|locale"
    # In other languages, as databases speak them.
    r"|Spalte|Tabelle|Funktion|Schlüssel|Rolle|Datenbank|colonne|contrainte(?: \w+)?|clé|fonction"
    r"|columna|tabla|restricción(?: de \w+)?|relación|llave|colonna|tabella|vincolo(?: \w+)?|chiave|relazione"
    r"|coluna|tabela|restrição(?: de \w+)?|relação|chave)\W{0,3}$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^\W{0,3}(?:is a required|is required|is missing|is not set|object has no|is not defined"
    r"|is undefined|was unexpected"
    r"|fields?\b|property|column|parameter|argument|attribute|codec|key|role|permission|scope"
    r"|constraint|table|relation"
    r"|option|header|tool|cannot be null|must not be (?:null|blank|empty)|may not be (?:null|blank"
    r"|empty)|doesn't have a default"
    r"|violates)\b",
    re.IGNORECASE,
)
# Quoted, but a sentence that says why.
_SAYS_WHY = re.compile(
    r"(?:(?:Error|Exception|Timeout|Failure|Refused|Warning)\(b?|\b(?:message|reason|error|detail"
    r"|details|description|cause|msg"
    r"|because|desc|said|failed with|answered with)\W{0,3})$",
    re.IGNORECASE,
)
# A number that says what kind of failure it was: the status of an answer, an error's code, a signal.
_CODED = re.compile(
    r"(?<!zip )(?<!post )(?<!postal )(?<!country )(?<!area )(?<!product )"
    r"(?<!customer )(?<!supplier )(?<!voucher )(?<!bank )(?<!item )(?<!tax )"
    r"(?<!article )(?<!access )"
    r"(?:\b(?!(?:bar|qr|post|zip|promo|pass)code)(?:status|\w*code|errno|signal|sqlstate|http|exit(?:ed)?|ora|smtp|oserror|winerror|hresult"
    r"|rc|return(?:ed)?code|exitstatus)"
    r"(?:[ _-]?(?:code|status|with|value))?(?: (?:is|was|of|with))?[\W_]{0,3}"
    r"|\b(?:os |system |server |driver |native )?(?:error|err)(?: (?:code|number|no\.?))?(?:[ (\[]"
    r"|: ?#?|[=#(]| #)"
    r"|HTTP/\d(?:\.\d)?[\W_]{0,3})$",
    re.IGNORECASE,
)
_PLAIN_ERROR = re.compile(r"(?:error|err): ?$", re.IGNORECASE)
_ANSWERED = re.compile(
    r"\b(?:returned|returns|responded(?: with)?|response|replied(?: with)?|answered(?: with)?|got"
    r"|received|failed with|status)\W{1,2}$",
    re.IGNORECASE,
)
_ANSWER_ENDS = re.compile(
    r"^(?:$|[^\w\s]|\s+(?:for|from|on|when|after|while|instead|but|and|with|at|by|in|during|[A-Z]))"
)
_STATUS_AFTER = re.compile(
    r"^:?[ _-](?:Client|Server|Internal|Bad|Not|Too|Service|Gateway|Unauthori|Forbidden|Conflict"
    r"|Payment|Method|Request|Gone"
    r"|Length|Precondition|Payload|Content|URI|Unsupported|Unprocessable|Locked|Failed Dep|Insufficient)"
)
_MEMORY = re.compile(r"0x[0-9A-Fa-f]{8}$")
_COUNTED = re.compile(r"\(?\b\d+ sub-exceptions?\)?|(?<=One or more errors occurred\.) \(.*\)", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_AGAIN = re.compile(r"(<\w+>)(?:(?:, ?|; ?|: ?|/| and | or | |->|\|)\1)+")
_ONE_OR_MANY = re.compile(
    r"<n> (?!has\b|was\b|is\b|does\b|this\b)([a-z]{2,}?)(?:(?<=i)es|s)\b(?: (were|are|have|do)\b)?"
)
_ONE = {"were": " was", "are": " is", "have": " has", "do": " does"}
_QUOTED_AGAIN = re.compile(r"(['\"`])<(?:email|str|path|host|url|n)>\1")
_NAMED_TWICE = re.compile(r"<(?:str|host)> \(<host>\)(?=, port)")
_ANGLED = re.compile(r"<(<\w+>)>")
_IN_BRACKETS = re.compile(
    r"\{[^{}]*<[^{}]*\}|\[(?!<\w+>\])[^\[\]]*<[^\[\]]*\]|\((?=[^()]*<)(?![^()]*code )[^()]*,[^()]*\)"
)
_BLANK = re.compile(r"\s+")
_BARE = re.compile(r"[\W_]*$")
# French sets blanks within its quotes.
_QUOTED_APART = " \u00a0\u202f"


def normalised(message: str, type_: str = "", most: int = KEPT) -> str:
    """The message as it would read at any other time. `type_` tells whether what it quotes is of the code."""
    text = versions.alike(_COUNTED.sub("", _COLOUR.sub("", message[:LONGEST])))
    kept: list[str] = []
    for line in carried.without(text, _BEFORE).splitlines():
        plain = "" if _BARE.match(line) else carried.named(_line(line, type_))
        if plain and plain not in kept:
            kept.append(plain)
        if len(kept) == LINES:
            break
    return " / ".join(kept)[:most]


def _line(line: str, type_: str) -> str:
    text = _FINDS.sub(lambda found: _instead(found, type_), line)
    text = _NAMED_TWICE.sub("<str>", _QUOTED_AGAIN.sub("<str>", _ANGLED.sub(r"\1", text)))
    text = _AGAIN.sub(r"\1", text)
    for _ in range(3):
        shorter = _IN_BRACKETS.sub(carried.DATA, text)
        if shorter == text:
            break
        text = shorter
    text = _ONE_OR_MANY.sub(_one, text)
    return _BLANK.sub(" ", _AGAIN.sub(r"\1", text)).strip()


def _one(found: re.Match[str]) -> str:
    word = found[1][:-1] + "y" if found[1].endswith("i") else found[1]
    return f"<n> {word}{_ONE.get(found[2] or '', '')}"


def _instead(found: re.Match[str], type_: str) -> str:
    return _BY_KIND[str(found.lastgroup)](found, type_)


def _before(found: re.Match[str], most: int = 40) -> str:
    return found.string[max(0, found.start() - most) : found.start()]


def _word(found: re.Match[str], _: str) -> str:
    text = found.group()
    if _ID_LETTERS.match(text) or _is_random(text):
        return "<n>"
    keeps = not _DIGIT.search(text) or text.lower() in _WORDS or bool(_CODE_WORD.fullmatch(text))
    return text if keeps else "<n>"


def _is_random(word: str) -> bool:
    """An id with a prefix that has no digit by chance."""
    if not (prefixed := _PREFIXED.match(word)):
        return False
    capitals: float = sum(letter.isupper() for letter in prefixed[1]) / len(prefixed[1])
    return _LEAST_OF_A_KIND <= capitals <= 1 - _LEAST_OF_A_KIND


def _number(found: re.Match[str], type_: str) -> str:
    text = found.group()
    if text.lower() in _WORDS or (_CODE_WORD.fullmatch(text) and not text.isdigit()):
        return text
    return text if _says_which(found) else "<n>"


def _path(found: re.Match[str], _: str) -> str:
    return places.path(found.group(), _before(found))


def _file(found: re.Match[str], _: str) -> str:
    name = places.kept(found.group())
    return f"<path>/{name}" if name else "<path>"


def _ipv6(found: re.Match[str], type_: str) -> str:
    """Colons stand in other things too: those are read without them."""
    text = found.group()
    known = places.ipv6(text)
    if known is not None:
        return known
    return re.sub(r"\w+", lambda part: part.group() if not _DIGIT.search(part.group()) else "<n>", text)


def _text(found: re.Match[str], type_: str) -> str:
    inner = found.group()[1:-1].strip(_QUOTED_APART)
    if name := _name_of_code(found, inner, type_):
        return f"'{name}'"
    if inner and _SAYS_WHY.search(_before(found)):
        return f"'{_line(inner, type_)}'"
    if re.match(r"(?:https?|wss?|grpcs?)://\S+$", inner):
        return places.url(inner)
    if places.is_endpoint(inner, _before(found)):
        return places.shape(inner)
    if places.is_path(inner) and (name := places.kept(inner)):
        return f"<path>/{name}"
    return "<str>"


def _name_of_code(found: re.Match[str], inner: str, type_: str) -> str:
    """What is quoted, if it names a thing of the code; without the digits of one time."""
    if _is_dated(inner, as_code=found.group().startswith("`")):
        return ""
    if not _IDENTIFIER.fullmatch(inner) or _is_id(inner):
        return inner if found.group().startswith("`") and _IN_CODE.fullmatch(inner) else ""
    after = found.string[found.end() : found.end() + 40]
    named = type_ in _OF_CODE or bool(_BEFORE.search(_before(found, 30))) or bool(_AFTER.match(after))
    return _RUN.sub("<n>", inner) if named or found.group().startswith("`") else ""


def _is_dated(name: str, *, as_code: bool) -> bool:
    """Hyphens and digits: no language writes a name of the code so. `as_code`: it is quoted as one all the same."""
    if "-" not in name or not _DIGIT.search(name):
        return False
    return name.lower() not in _WORDS and (not as_code or bool(_KEBAB.match(name)))


def _is_id(name: str) -> bool:
    """Many digits here and there, or nothing but what hexadecimal numbers are written with."""
    runs = len(re.findall(r"\d+", name))
    digits = sum(letter.isdigit() for letter in name)
    return bool(_HEXADECIMAL.match(name)) or runs > 3 or (digits > 5 and digits * 2 > len(name))


def _says_which(found: re.Match[str]) -> bool:
    text, around = found.group(), found.string
    before, after = around[max(0, found.start() - 40) : found.start()], around[found.end() : found.end() + 16]
    if _MEMORY.match(text):
        return bool(_CODED.search(before))
    if len(text) > 6 or not text.lstrip("-").isdigit():
        return False
    status = len(text) == 3 and "100" <= text <= "599"
    if _CODED.search(before):
        # "Error: 12 pages are missing" counts.
        return not _PLAIN_ERROR.search(before) or not re.match(r" [a-z]", after)
    if status and _ANSWERED.search(before) and _ANSWER_ENDS.match(after):
        return True
    return status and bool(_STATUS_AFTER.match(after))


_BY_KIND: dict[str, Callable[[re.Match[str], str], str]] = {
    "url": lambda found, _: places.url(found.group()),
    "email": lambda found, _: "<email>",
    "time": lambda found, _: "<time>",
    "ids": lambda found, _: "<n>",
    "ipv6": _ipv6,
    "source": lambda found, _: places.source(found.group()),
    "file": _file,
    "host": lambda found, _: places.host(found.group()),
    "path": _path,
    "text": _text,
    "id_of": lambda found, _: f"{found.group().partition('=')[0]}=<str>",
    "hash": lambda found, _: "<n>",
    "number": _number,
    "word": _word,
}
