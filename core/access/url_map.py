"""The whole URL map: every HTTP and websocket route with what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from core.access import routes

OPEN, SIGNED_IN, BARE = "open", "signed in", "NOTHING DECLARED"


@dataclass(frozen=True, slots=True)
class Route:
    """A route. `needs` is a permission's name, several of them, OPEN, SIGNED_IN, or BARE, which nobody may use."""

    kind: str
    path: str
    name: str
    needs: str

    @property
    def bare(self) -> bool:
        return self.needs == BARE


def http_routes(urlconf: str | None = None) -> list[Route]:
    """Every HTTP route, in the order in which they are tried."""
    return list(_walk(get_resolver(urlconf).url_patterns, "/", ""))


def _walk(patterns: Sequence[Any], prefix: str, namespace: str) -> Iterator[Route]:
    for each in patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            inner = ":".join(filter(None, (namespace, each.namespace)))
            yield from _walk(each.url_patterns, path, inner)
        elif isinstance(each, URLPattern):
            name = ":".join(filter(None, (namespace, each.name)))
            yield Route("http", path, name, _needs(name, each.callback))


def websocket_routes(declared: Iterable[Any]) -> list[Route]:
    """Every websocket route of a list of things that have `path`, `name` and `permission`."""
    return [Route("websocket", f"/{each.path}", each.name, str(each.permission or BARE)) for each in declared]


def _needs(name: str, view: Any) -> str:
    if name in routes.OPEN_ROUTES:
        return OPEN
    if name in routes.SIGNED_IN_ROUTES:
        return SIGNED_IN
    needed = routes.needed_by(view)
    by_method = getattr(view, "permission_by_method", {})
    words = [_words(needed), *(f"{method}: {_words(each)}" for method, each in by_method.items())]
    return ", ".join(filter(None, words)) or BARE


def _words(needed: routes.Needed | None) -> str:
    if needed is None:
        return ""
    return " or ".join(sorted(needed)) if isinstance(needed, frozenset) else str(needed)


def table(found: Sequence[Route]) -> str:
    """The map as text, a line a route."""
    width = max((len(route.path) for route in found), default=0)
    return "\n".join(f"{route.kind:<9}  {route.path:<{width}}  {route.needs}" for route in found)
