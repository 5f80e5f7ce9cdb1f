"""Where something is, without what differs from one place to the next: addresses, files, and the shape of endpoints."""

from __future__ import annotations

import re
from ipaddress import ip_address

_HEX = r"[0-9A-Fa-f]{1,4}"
IPV6 = (
    rf"\[(?:{_HEX})?(?::(?:{_HEX})?){{2,8}}(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}})?(?:%\w+)?\](?::\d{{1,5}})?"
    rf"|(?<![\w:])(?:{_HEX})?(?::(?:{_HEX})?){{2,8}}(?:(?:\.\d{{1,3}}){{3}})?(?:%\w+)?(?::\d{{1,5}})?(?![\w:])"
)
_COLONS = 7
_NUMBERS = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+|/\d{1,2})?(?![\w])(?!\.\d)"
_DOMAINS = (
    "com|net|org|io|dev|ai|app|co|local|localdomain|internal|intern|svc|example|test|lan|cloud|invalid|corp|home|gov|edu|mil"
    "|info|biz|consul|cluster"
)
# Two letters may as well be an ending or a property.
_COUNTRIES = "de|fr|nl|uk|eu|ch|at|it|es|se|no|dk|fi|be|ie|us|ca|au|jp|cn|br|cz|pt|pl|in|nz|gr|hu|ro"
_NAME = r"[A-Za-z0-9_][\w-]{0,62}"
HOST = (
    rf"(?:{_NAME}(?:\.[\w-]{{1,63}}){{0,8}})?/(?:<unresolved>:\d+|{_NUMBERS})|{_NUMBERS}"
    rf"|(?:(?<=ENOTFOUND )|(?<=EAI_AGAIN )){_NAME}(?:\.[\w-]{{1,63}}){{0,8}}\.?"
    rf"|(?<=lookup ){_NAME}(?:\.[\w-]{{1,63}}){{0,8}}\.?(?= on |: no such|: i/o|: server|: [Tt]emp)"
    rf"|localhost(?::\d{{2,5}})?(?!\w)"
    rf"|[A-Za-z][\w-]{{0,62}}(?:\.[\w-]{{1,63}}){{1,8}}:\d{{2,5}}(?!\w)"
    rf"|[A-Za-z][\w-]{{0,62}}:(?:25|53|80|443|465|587|[1-9]\d{{3,4}})(?!\w)"
    rf"|{_NAME}(?:\.[\w-]{{1,63}}){{0,8}}\.(?:{_DOMAINS})(?![\w-])(?!\.\w)"
    rf"|{_NAME}(?:\.[\w-]{{1,63}}){{1,8}}\.(?:{_COUNTRIES})(?![\w-])(?!\.\w)"
)
_PORTED = re.compile(r"[A-Za-z][\w-]*:\d+$")
# What has a number behind a colon, and is no host.
_KEYS = re.compile(
    r"^(?:\w*(?:code|status|error|errno|line|column|col|id|number|no|page|port|pid|order|user|row|index"
    r"|position|offset|size"
    r"|length|count|http|signal|exit|sqlstate|state|version|step|entry|customer|invoice|item|char|byte"
    r"|key|value|amount"
    r"|total|ticket|job|task|year|attempt|retry|account|tenant|batch|record)s?):",
    re.IGNORECASE,
)

# Files of a program or of how it is set up: which one is missing is the cause. Others are what it works on.
_OF_PROGRAMS = (
    "py|pyc|pyd|mjs|cjs|js|ts|tsx|jsx|rb|php|go|rs|java|class|jar|war|dll|dylib|exe|sh|bat|ps1|ya?ml|toml|ini|conf|cfg|cnf"
    "|env|properties|pem|crt|cer|key|p12|pfx|jks|keystore|sock|socket|pid|service|sql|j2|jinja2?|tmpl|mustache|hbs|erb"
    "|proto|xsd|xsl|xslt|wsdl|graphql|ttf|otf|exs?|cs|kt|scala|c|h|cpp|so(?:\\.\\d+)*"
)
_OF_DATA = (
    "pdf|tiff?|png|jpe?g|gif|webp|heic|svg|bmp|csv|tsv|xlsx?|docx?|pptx?|odt|ods|txt|md|jsonl?|ndjson|xml|zip|t?gz|bz2|xz|zst"
    "|tar|7z|parquet|avro|orc|feather|html?|eml|msg|mbox|wav|mp3|mp4|mov|ogg|log|dat|data|bin|tmp|temp|bak|part|edi|ics|vcf"
    "|rtf|pkl|npy|pt|onnx|safetensors|gguf|db|sqlite3?|lock"
)
_PROGRAM = re.compile(
    rf"[\w.@+-]*[A-Za-z][\w@+-]*\.(?:{_OF_PROGRAMS})|\.env[\w.]*|Dockerfile|Makefile", re.IGNORECASE
)
_SET_UP = re.compile(
    r"(?:app)?(?:settings|config(?:uration)?|credentials|secrets?|package(?:-lock)?|tsconfig|manifest"
    r"|schema|service[_-]account"
    r"|logging|firebase|token)(?:[._-][a-z]+)?\.(?:json|xml|txt)",
    re.IGNORECASE,
)
_LETTERS = r"\w.@%+=~,()&#!$-"
_PLAIN = rf"[{_LETTERS}]"
PATH = (
    # Windows: folders may have blanks, since a backslash follows.
    r"(?:[A-Za-z]:[\\/]|\\\\)(?:[^\\/:*?\"<>|\r\n']{1,120}[\\/]){0,20}[^\s\\/:*?\"<>|',;)]*"
    r"(?:(?: [^\s\\/:*?\"<>|',;]{1,60}){1,4}\.[A-Za-z]\w{1,4}(?=[:,;)'\"]|$))?"
    rf"|(?<![\w>/.)}}])(?:~|\.{{1,2}})?/{_PLAIN}+(?:/{_PLAIN}*(?::{_PLAIN}+)*)*"
    r"(?:\?[\w.~%&=+\[\]-]*)?"
    # A blank, and then an ending or one more folder: still the same path, unless it had its ending.
    rf"(?:(?<!\.\w\w)(?<!\.\w\w\w)(?<!\.\w\w\w\w)(?:"
    rf"(?: (?!/)[{_LETTERS}/]{{1,60}}){{1,5}}\.[A-Za-z]\w{{1,4}}(?=[:,;)'\"]|$)"
    rf"|(?: (?!/){_PLAIN}{{1,60}}){{1,3}}/[{_LETTERS}/]{{1,200}}\.[A-Za-z]\w{{1,11}}(?!\w)"
    rf"|(?: [A-Z0-9]{_PLAIN}{{0,60}}){{1,2}}(?=: )))?"
)
FILE = (
    rf"(?:[\w@+-][\w.@+-]{{0,80}}/){{0,8}}[\w@+-][\w.@+-]{{0,80}}\.(?:{_OF_DATA})(?![\w-])(?!\.\w)"
    rf"|(?:[\w@+-][\w.@+-]{{0,80}}/){{1,8}}[\w@+-][\w.@+-]{{0,80}}\.(?:{_OF_PROGRAMS})(?![\w-])(?!\.\w)"
)
SOURCE = (
    r"[\w-]{1,80}\.(?:py|pyx|js|mjs|ts|tsx|java|kt|scala|go|rs|rb|php|cs|cc?|cpp|h|hpp|exs?|erl"
    r"|sql|ya?ml)(?::\d+){1,2}(?!\w)"
)
# A host in brackets, then all up to what closes the sentence around it; in a query commas and the like stand too.
URL = r"[A-Za-z][A-Za-z0-9+.-]{1,20}://(?:\[[0-9A-Fa-f:.%]+\])?[^\s'\"<>)\]},;?]*(?:\?[^\s'\"<>)\]}]*)?"

_ENDPOINT = re.compile(
    r"(?:\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)|\b(?:url|uri|endpoint|route"
    r"|resource)\b\W{0,3})\s*[\"'`]?$"
)
_API = re.compile(r"/(?:api|v\d{1,2}|rest|graphql|rpc)(?:/|$)")
# Behind these a name stands, and no word of the endpoint.
_HOLDERS = re.compile(
    r"(?:tenants?|customers?|accounts?|users?|orgs?|organi[sz]ations?|buckets?|workspaces?|teams?|shops?|stores?|merchants?"
    r"|suppliers?|companies|namespaces?|realms?|vhosts?|repos?|topics|queues|indices|collections|deployments|models?)$",
    re.IGNORECASE,
)
_SHAPED = frozenset({"http", "https", "ws", "wss", "grpc", "grpcs"})
_VERSION = re.compile(r"v\d{1,2}(?:\.\d)?$")
_DIGITS = re.compile(r"\d{2,}")
_DATA = re.compile(rf"\.(?:{_OF_DATA})$", re.IGNORECASE)
_STORE = re.compile(
    r"(?:^|\.)(?:s3|blob|storage|r2|minio|gcs)[.-].*\.|^(?:s3|minio|storage)(?:[.:]|$)|\.(?:blob|r2|cos)\.",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[.:,;)]+$")
_LONG_WORD, _DEEPEST = 28, 8


def host(text: str) -> str:
    """An address in place of any other; a number behind a name that is no host's stays a number."""
    if _PORTED.match(text) and _KEYS.match(text):
        return f"{text.partition(':')[0]}:<n>"
    return "<host>." if text.endswith(".") else "<host>"


def ipv6(text: str) -> str | None:
    """None: it only looks like one. A port may stand behind it, also without brackets."""
    bare = text.partition("]")[0].lstrip("[").partition("%")[0]
    for each in (bare, bare.rpartition(":")[0]):
        try:
            ip_address(each)
        except ValueError:
            continue
        # `bad::face` may be a name of the code.
        plain = text == "::" or each.count(":") == _COLONS or any(letter.isdigit() for letter in text)
        return "<host>" if plain else None
    return None


def url(text: str) -> str:
    """An endpoint keeps its shape: which one it was is the cause, and which thing was asked of it is not."""
    scheme, _, rest = text.partition("://")
    end = _AFTER.search(rest)
    rest, after = (rest[: end.start()], end.group()) if end else (rest, "")
    host, _, asked = rest.partition("/")
    if scheme.lower() not in _SHAPED or is_of_data(host, asked):
        return f"<url>{after}"
    return f"<url>{shape('/' + asked)}{after}"


def is_of_data(host: str, path: str) -> bool:
    """Does the address name a file that somebody keeps? Then its folders are a matter of whose it is."""
    bare = re.split(r"[?#]", path)[0]
    return bool(_STORE.search(host)) or (bool(_DATA.search(bare)) and not _API.search(f"/{bare}"))


def shape(path: str) -> str:
    """Of an endpoint: words stay, ids go, what is asked for goes."""
    bare = re.split(r"[?#]", path)[0]
    parts = [_segment(part) for part in bare.split("/") if part]
    before = ["", *parts]
    named = (
        "<n>" if _HOLDERS.match(one) else _segment(part) for one, part in zip(before, parts, strict=False)
    )
    return "".join(f"/{part}" for part in [*named][:_DEEPEST])


def _segment(part: str) -> str:
    if _VERSION.match(part):
        return part
    varies = (
        any(each.isdigit() for each in part)
        or len(part) > _LONG_WORD
        or bool(re.search(r"[%@=~]|\.\w+$", part))
    )
    return "<n>" if varies else part


def path(text: str, before: str) -> str:
    """A file's place in one word; behind it its name, where it is the program's own and no data. `before` tells an
    endpoint from a file."""
    end = _AFTER.search(text)
    bare, after = (text[: end.start()], end.group()) if end else (text, "")
    if is_endpoint(bare, before):
        return shape(bare) + after
    if bare.startswith("/") and bare.count("/") == 1 and "." not in bare:
        return f"/{_DIGITS.sub('<n>', bare[1:])}{after}"
    name = kept(bare)
    return f"<path>/{name}{after}" if name else f"<path>{after}"


def is_endpoint(bare: str, before: str) -> bool:
    """Is the path one of a service, as far as it says so itself or what stands before it?"""
    return bool(re.match(r"/\S+$", bare)) and (bool(_ENDPOINT.search(before)) or _is_api(bare))


def _is_api(bare: str) -> bool:
    return bool(_API.match(bare)) and not re.search(rf"\.(?:{_OF_PROGRAMS}|{_OF_DATA})$", bare, re.IGNORECASE)


def kept(path: str) -> str:
    """The name of a program's own file; empty: a file of data, or none."""
    name = re.split(r"[\\/]", path)[-1]
    if _PROGRAM.fullmatch(name) or _SET_UP.fullmatch(name):
        return _DIGITS.sub("<n>", name)
    return ""


def is_path(text: str) -> bool:
    return bool(re.match(r"(?:[A-Za-z]:[\\/]|\\\\|(?:~|\.{1,2})?/)\S", text))


def source(text: str) -> str:
    """A place in a source file, whose lines shift."""
    return f"{text.partition(':')[0]}:<n>"
