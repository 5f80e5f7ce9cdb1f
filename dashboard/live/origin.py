"""May a page from there open a socket here? A browser sends our cookie along with any page's websocket. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.http.request import validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


def allowed(origin: str, host: str, *, hosts: Iterable[str], trusted: Iterable[str], https: bool) -> bool:
    """Same scheme, host and port as the console itself, under a host name that is ours; or on the list of others.

    Behind a proxy that ends TLS we see no scheme, so without `https` either one is accepted.
    """
    if origin in trusted:
        return True
    came, here = urlsplit(origin), urlsplit(f"//{host}")
    if came.scheme not in ({"https"} if https else DEFAULT_PORTS) or not here.hostname:
        return False
    if not validate_host(here.hostname if ":" not in here.hostname else f"[{here.hostname}]", list(hosts)):
        return False
    default = DEFAULT_PORTS[came.scheme]
    ports = _port(came.netloc, default), _port(here.netloc, default)
    return None not in ports and (came.hostname, ports[0]) == (here.hostname, ports[1])


def _port(netloc: str, default: int) -> int | None:
    """None for one that is no number."""
    try:
        return urlsplit(f"//{netloc}").port or default
    except ValueError:
        return None
