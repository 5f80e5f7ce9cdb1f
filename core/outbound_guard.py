"""The same rules as outbound's for a library that connects by itself: in a process of its own, and for good.

Python tells an audit hook of every connection before it is made, whoever makes it. So what is checked is the very
address that is connected to, and there is no way past it: not by a redirect, a proxy, a thread or a name that
changes. Programs are not started and local sockets not used.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from core.outbound import Allowed, RefusedError, why_not

CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
NEVER = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})


def keep_to(allow: Iterable[str]) -> None:
    """From now on this process connects only to what outbound would call. Cannot be taken back."""
    allowed, names = Allowed.of(allow), dict[str, set[str]]()
    resolve = socket.getaddrinfo

    def noting(host: Any, *args: Any, **named: Any) -> list[Any]:
        """Which names stand for an address: POSTROOM_OUTBOUND_ALLOW may name a host."""
        found = resolve(host, *args, **named)
        for each in found:
            names.setdefault(_bare(each[4][0]), set()).add(str(host))
        return list(found)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in NEVER:
            raise RefusedError("Postroom starts no program to hand a notice over.")
        if event in CONNECTS:
            check(args[1], allowed, names)

    socket.getaddrinfo = noting
    sys.addaudithook(hook)


def check(target: Any, allowed: Allowed, names: dict[str, set[str]]) -> None:
    """Raises RefusedError unless this may be connected to."""
    if target is None:
        return
    if not isinstance(target, tuple):
        raise RefusedError("Postroom hands nothing over to a local socket.")
    try:
        address = ip_address(_bare(target[0]))
    except ValueError:
        raise RefusedError(f"{target[0]} was not resolved, so it could not be checked.") from None
    hosts = names.get(_bare(target[0]), set()) or {_bare(target[0])}
    refusals = [why_not(host, address, allowed) for host in sorted(hosts)]
    if all(refusals):
        raise RefusedError(refusals[0])


def _bare(address: Any) -> str:
    return str(address).partition("%")[0]
