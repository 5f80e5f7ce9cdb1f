"""Who may ask whom for what: fetched from Postroom, kept, and applied here.

While Postroom is away the last answer serves, for a day. Where there never was one, the message waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

from postroom.errors import NotNowError, UnauthorisedError
from postroom.http import AwayError, Client
from postroom.kept import Kept, Shelf

PATH = "/api/v1/sender-policies"
FRESH, USABLE = 30.0, 24 * 3600.0
ALLOW, DENY = "allow", "deny"


class PoliciesAwayError(NotNowError):
    """Postroom cannot say who may ask for what, and never said so before. The message waits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns as in scopes: `*` and `?`."""

    sender: str
    recipient: str
    action: str
    allows: bool

    def fits(self, sender: str, recipient: str, action: str) -> bool:
        return (
            fnmatchcase(sender, self.sender)
            and fnmatchcase(recipient, self.recipient)
            and fnmatchcase(action, self.action)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in their order; the first that fits decides, else the default."""

    rules: Sequence[Rule]
    default: bool

    def allows(self, sender: str, recipient: str, action: str) -> bool:
        return next(
            (rule.allows for rule in self.rules if rule.fits(sender, recipient, action)), self.default
        )


class Policies:
    """What Postroom says about one recipient. May be used by threads."""

    def __init__(
        self,
        client: Client,
        recipient: str,
        environment: str,
        *,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client, self._recipient, self._environment = client, recipient, environment
        self._shelf = shelf or Shelf("policies", clock)
        self._name = f"{client.options.url} {environment} {recipient}"
        self._lock = Lock()
        self._read: tuple[float, Policy] = (0.0, Policy((), default=False))

    def require(self, sender: str, action: str) -> None:
        """Raises UnauthorisedError when the sender may not ask for this, PoliciesAwayError when that is not known."""
        if not self.now().allows(sender, self._recipient, action):
            raise UnauthorisedError(
                f"{sender} may not ask {self._recipient} for {action}: no sender policy in Postroom allows it."
            )

    def now(self) -> Policy:
        """The policy. Raises PoliciesAwayError."""
        with self._lock:
            kept = self._kept()
            if self._read[0] != kept.at:
                self._read = (kept.at, read(kept.value))
            return self._read[1]

    def _kept(self) -> Kept:
        kept = self._shelf.get(self._name)
        if kept and self._shelf.age(kept) < FRESH:
            return kept
        try:
            return self._fetch(kept)
        except AwayError as problem:
            if kept and self._shelf.age(kept) < USABLE:
                return kept
            sentence = (PoliciesAwayError.__doc__ or "").strip()
            raise PoliciesAwayError(f"{sentence} ({problem})", retry_after=problem.retry_after) from problem

    def _fetch(self, kept: Kept | None) -> Kept:
        query = {"recipient": self._recipient, "environment": self._environment}
        answer = self._client.get(PATH, query, etag=kept.etag if kept else "")
        return self._shelf.touch(self._name) if answer.status == 304 else self._put(answer.body, answer.etag)

    def _put(self, body: Any, etag: str) -> Kept:
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            raise AwayError("Postroom does not answer with a list of sender policies.")
        return self._shelf.put(self._name, {"results": body["results"], "default": body.get("default")}, etag)


def read(said: Mapping[str, Any]) -> Policy:
    """An answer as rules. Pure; what is neither allow nor deny denies."""
    rules = [
        Rule(
            str(each.get("sender", "")),
            str(each.get("recipient") or "*"),
            str(each.get("action") or "*"),
            each.get("effect") == ALLOW,
        )
        for each in said["results"]
    ]
    return Policy(rules, said.get("default") == ALLOW)
