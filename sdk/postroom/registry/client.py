"""The registry as agents use it: register, find who can do a job, go to the next when one fails."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any, TypeVar

from postroom import http
from postroom.errors import TransientError
from postroom.http import AwayError
from postroom.kept import Kept, Shelf
from postroom.registry import choice
from postroom.registry.values import Found, Offer, offer

T = TypeVar("T")

PATH = "/api/v1/agents"
# Seconds for which an answer is used without asking again, and for which it is used while Postroom is away.
FRESH = 5.0
USABLE = 24 * 60 * 60.0
# Seconds for which a version that failed comes last.
AVOIDED = 30.0
MOST = 200
REGISTRATION = ("name", "owner", "description", "labels", "timeout_s", "grace_s", "public_keys")


class RegistryAwayError(TransientError):
    """The registry cannot be asked, and it never answered this question before. Try again when Postroom is back."""


class NobodyFoundError(TransientError):
    """No agent is registered that fits. Look at `postroom agents find` without the narrower conditions."""


class AgentRegistry:
    """Postroom's registry at `url` (else `POSTROOM_URL`). May be used by threads."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        client: http.Client | None = None,
        fresh: float = FRESH,
        chance: Callable[[], float] = random.random,
        shelf: Shelf | None = None,
    ) -> None:
        self.client = client or http.Client(http.from_environment(url=url, token=token))
        self._fresh, self._chance = fresh, chance
        self._shelf = shelf or Shelf("agents")
        self._failing: dict[tuple[str, str, str], float] = {}
        self._lock = Lock()

    def register(
        self,
        *,
        agent_id: str,
        capabilities: Sequence[str] = (),
        endpoint: str = "",
        health_check_url: str = "",
        version: str = "",
        environment: str = "",
        **more: Any,
    ) -> str:
        """Says who an agent is and what it can do; again changes what differs. Returns the id of its entry."""
        if unknown := set(more) - set(REGISTRATION):
            raise TypeError(f"register() takes no {', '.join(sorted(unknown))}")
        said = {
            "agent_id": agent_id,
            "version": version,
            "environment": environment,
            "endpoint": endpoint,
            "health_check_url": health_check_url,
            "capabilities": list(capabilities),
        }
        return str(self.client.post(PATH, said | more).body["id"])

    def register_card(self, url: str, environment: str = "") -> str:
        """Registers an agent that speaks A2A, by its card's address or its own. Returns the id of its entry."""
        said = {"url": url} | ({"environment": environment} if environment else {})
        return str(self.client.post(f"{PATH}/from-card", said).body["id"])

    def deregister(self, agent_id: str, environment: str = "") -> bool:
        """Takes the agent's whole entry out, with all its versions and instances. False: there was none.

        One instance that ends does not do this: it says `stopping` with its last heartbeat.
        """
        entry = next(
            (
                each.id
                for each in self._pages({"environment": environment, "closed": "true"})
                if each.agent_id == agent_id
            ),
            "",
        )
        if entry:
            self.client.delete(f"{PATH}/{entry}")
        return bool(entry)

    def find_agents(
        self,
        capability: str = "",
        *,
        version: str = "",
        max_latency_ms: float | None = None,
        environment: str = "",
        status: str = "",
        key: str = "",
        quantile: str = "",
    ) -> Found:
        """Who can do a job, whom to ask first first. Raises RegistryAwayError when that was never known.

        An answer is asked for anew after some seconds. While Postroom is away the last one serves, for a day, over
        restarts too, and says its `age`.
        """
        said = {
            "capability": capability,
            "version": version,
            "max_latency_ms": max_latency_ms,
            "environment": environment,
            "status": status,
            "key": key,
            "quantile": quantile,
        }
        return self._find({name: value for name, value in said.items() if value not in ("", None)})

    async def find_agents_async(self, capability: str = "", **conditions: Any) -> Found:
        """The same without holding up the event loop."""
        return await asyncio.to_thread(self.find_agents, capability, **conditions)

    def choose(self, found: Sequence[Offer]) -> Iterator[Offer]:
        """Everybody once, drawn by share, who failed lately last: take the first, go on to the next on an error."""
        return iter(choice.order(found, self._still_failing(), self._chance))

    def call(
        self,
        found: Sequence[Offer],
        function: Callable[[Offer], T],
        errors: tuple[type[Exception], ...] = (Exception,),
    ) -> T:
        """`function` of the first that it works with. Another error than `errors` is not tried elsewhere.

        Only for what may be asked twice: a call that failed may have had its effect.
        """
        last: Exception | None = None
        for each in self.choose(found):
            try:
                return function(each)
            except errors as problem:
                self.failed(each)
                last = problem
        raise last or NobodyFoundError(_docstring(NobodyFoundError))

    def failed(self, each: Offer) -> None:
        """This version did not answer: for a while it comes last."""
        with self._lock:
            self._failing[each.key] = time.monotonic() + AVOIDED

    def _still_failing(self) -> set[tuple[str, str, str]]:
        now = time.monotonic()
        with self._lock:
            self._failing = {key: until for key, until in self._failing.items() if until > now}
            return set(self._failing)

    def _find(self, query: dict[str, Any]) -> Found:
        name = json.dumps([self.client.options.url, query], sort_keys=True)
        kept = self._shelf.get(name)
        if kept and self._shelf.age(kept) < self._fresh:
            return self._found(kept)
        try:
            return self._found(self._shelf.put(name, [dict(each.raw) for each in self._pages(query)]))
        except AwayError as problem:
            if kept and self._shelf.age(kept) < USABLE:
                return self._found(kept, str(problem))
            raise RegistryAwayError(f"{_docstring(RegistryAwayError)} ({problem})") from problem

    def _found(self, kept: Kept, away: str = "") -> Found:
        return Found(tuple(offer(each) for each in kept.value), self._shelf.age(kept), away)

    def _pages(self, query: dict[str, Any]) -> Iterator[Offer]:
        cursor: str | None = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            body = self.client.get(PATH, _said(query) | {"limit": MOST} | more).body
            yield from (offer(each) for each in body["results"])
            cursor = body.get("next")


def _said(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in ("", None)}


def _docstring(error: type[Exception]) -> str:
    return (error.__doc__ or error.__name__).strip()
