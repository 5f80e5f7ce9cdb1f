"""Which addresses are free, and what to do about one that is not."""

from __future__ import annotations

import errno
import os
import socket

from core.env import HostPort
from core.up.failures import StartRefusedError


def problem(address: HostPort) -> str | None:
    """Why nothing can listen there, or None."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address.host, address.port))
        except socket.gaierror:
            return "this machine does not know the host name"
        except OSError as failure:
            in_use = failure.errno == errno.EADDRINUSE
            return "something else listens there" if in_use else os.strerror(failure.errno or 0).lower()
    return None


def free(host: str) -> HostPort:
    """An address whose port the system has just called free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.bind((host, 0))
        return HostPort(host, trial.getsockname()[1])


def web(address: HostPort) -> HostPort:
    """The console's address is what users type: it never moves by itself."""
    if why := problem(address):
        raise StartRefusedError(
            f"Postroom cannot listen on {address}: {why}. Stop what uses it, or choose another: "
            f"`make run PORT={address.port + 1}` or `manage.py up --bind {address.host}:{address.port + 1}`."
        )
    return address


def otlp(address: HostPort | None, setting: str, default: str) -> HostPort | None:
    """A taken default gives way to a free port; an address that somebody chose does not."""
    if address is None or (why := problem(address)) is None:
        return address
    if str(address) == default:
        return free(address.host)
    raise StartRefusedError(
        f"{setting}={address} cannot be used: {why}. Choose another address, or leave it empty to do without."
    )
