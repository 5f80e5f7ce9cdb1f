"""What an operating system calls an error: each has its own number, and words in the language that it speaks. One name
stands for all of them, that of POSIX, and the prose beside a number goes.
"""

from __future__ import annotations

import re

# By the numbers of Linux, of macOS and the BSDs, of Windows' sockets and of Windows itself.
_NUMBERS = {
    "ECONNREFUSED": (111, 61, 10061, 1225),
    "ECONNRESET": (104, 54, 10054),
    "ECONNABORTED": (103, 53, 10053, 1236),
    "EPIPE": (32, 109, 232),
    "ETIMEDOUT": (110, 60, 10060, 121),
    "EHOSTUNREACH": (113, 65, 10065, 1232),
    "ENETUNREACH": (101, 51, 10051, 1231),
    "EADDRINUSE": (98, 48, 10048),
    "EADDRNOTAVAIL": (99, 49, 10049),
    "ENOENT": (2,),
    "EACCES": (13, 10013),
    "EPERM": (1,),
    "EEXIST": (17,),
    "ENOSPC": (28,),
    "EMFILE": (24, 10024),
    "EDQUOT": (122, 69),
    "EROFS": (30,),
}
# Windows counts its own errors where POSIX has others.
_OF_WINDOWS = {
    2: "ENOENT",
    3: "ENOENT",
    5: "EACCES",
    32: "EACCES",
    80: "EEXIST",
    112: "ENOSPC",
    183: "EEXIST",
}
_BY_NUMBER = {number: name for name, numbers in _NUMBERS.items() for number in numbers}
# What each of them is, as words say it (likeness.py).
KINDS = {
    "ECONNREFUSED": "refused",
    "ECONNRESET": "reset",
    "ECONNABORTED": "reset",
    "EPIPE": "reset",
    "ETIMEDOUT": "late",
    "EHOSTUNREACH": "unreachable",
    "ENETUNREACH": "unreachable",
    "ENOENT": "absent",
    "EACCES": "denied",
    "ENOSPC": "full",
}
# As Python calls them, where it tells them by types.
_TYPES = {
    "ECONNREFUSED": "ConnectionRefusedError",
    "ECONNRESET": "ConnectionResetError",
    "ECONNABORTED": "ConnectionAbortedError",
    "EPIPE": "BrokenPipeError",
    "ETIMEDOUT": "TimeoutError",
    "ENOENT": "FileNotFoundError",
    "EACCES": "PermissionError",
    "EPERM": "PermissionError",
    "EEXIST": "FileExistsError",
}
_GENERAL = frozenset({"OSError", "IOError", "EnvironmentError", "error"})
_PROSE = r"(?: [^:'\"(\[\n]*[^:'\"(\[\n ])?"
_CODED: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\[(?P<system>Errno|WinError) (?P<number>\d+)\]{_PROSE}",
        r"Os \{ code: (?P<number>\d+), kind: \w+, message: \"[^\"\n]*\" \}",
        r"(?:(?<=: )|^)[^:\"'(\n]{1,200} \(os error (?P<number>\d+)\)",
        # A client of Redis repeats the words behind the address.
        r"(?<=\bError )(?P<number>\d+)(?P<rest> connecting to \S+?\.)(?: [^\n]*|(?=\n|$))",
    )
)
# The address that it was about; and several addresses, for which it is the same.
_ADDRESS = r" ?\('[^'()\n]{0,100}', \d+(?:, \d+){0,2}\)"
_ADDRESSED = re.compile(rf"(\[Errno [A-Z]+\]){_ADDRESS}")
_SEVERAL = re.compile(r"Multiple exceptions: (\[Errno [A-Z]+\])(?:, \1)+(?!,)")
_NAMED = re.compile(r"\[Errno ([A-Z]+)\]")


def named(message: str) -> str:
    """The message with the names of what systems number."""
    text = message
    for pattern in _CODED:
        text = pattern.sub(_name, text)
    return message if text is message else _SEVERAL.sub(r"\1", _ADDRESSED.sub(r"\1", text))


def _name(found: re.Match[str]) -> str:
    parts, number = found.groupdict(), int(found["number"])
    of_windows = _OF_WINDOWS.get(number) if parts.get("system") == "WinError" else None
    name = of_windows or _BY_NUMBER.get(number)
    return f"[Errno {name}]{parts.get('rest') or ''}" if name else found.group()


def is_known(number: str) -> bool:
    """Of a number that stands beside a type."""
    return number.isdigit() and int(number) in _BY_NUMBER


def type_of(type_: str, message: str) -> str:
    """A general type says what its number says: so do those that Python has for some of them."""
    names = set(_NAMED.findall(message)) if type_ in _GENERAL else set()
    return _TYPES.get(names.pop(), type_) if len(names) == 1 else type_
