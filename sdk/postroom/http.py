"""Asking Postroom over HTTP: limits on time, retries, TLS with client certificates, refusals as clear errors.

An agent's work never waits for long on a Postroom that is away: after a failure the next questions fail at once
for a while (`RESTS`), and whoever asked goes on with what it knows.
"""

from __future__ import annotations

import json
import logging
import os
import random
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from postroom import __version__
from postroom.errors import PostroomError, TransientError

if TYPE_CHECKING:
    import httpx

USUAL_URL = "http://127.0.0.1:8000"
# What may pass by itself when the same question is asked again.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
# Seconds in which a Postroom that did not answer is left alone: doubled with each failure.
FIRST_REST, LONGEST_REST = 1.0, 30.0
# A Retry-After above this is not waited for; the caller hears of it instead.
PATIENCE = 5.0


class AwayError(TransientError):
    """Postroom cannot be reached or does not work. See that POSTROOM_URL is right and that it runs."""


class RefusedError(PostroomError):
    """Postroom refuses the request. Its text says why and what to do."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
        self.remedy = str(document.get("remedy") or "")
        self.errors = list(document.get("errors") or ())
        super().__init__(_sentence(self))


class TokenRefusedError(RefusedError):
    """Postroom does not know this token. Set POSTROOM_TOKEN to one that `manage.py token create` printed."""


class ForbiddenError(RefusedError):
    """The token lacks the right. Give its account a role that has it, in this environment and for this agent."""


class UnknownThingError(RefusedError):
    """Postroom has nothing of this name."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and who we are: for Postroom itself and for mutual TLS."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        return context


@dataclass(frozen=True, slots=True)
class Options:
    """How Postroom is asked."""

    url: str = USUAL_URL
    token: str = field(default="", repr=False)
    timeout: float = 5.0
    attempts: int = 3
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: 2xx, or 304 where an ETag was sent."""

    status: int
    body: Any
    etag: str = ""


def from_environment(environ: Mapping[str, str] = os.environ, **given: Any) -> Options:
    """Options from `POSTROOM_URL`, `POSTROOM_TOKEN` (or `…_FILE`) and the TLS files; what is given comes first."""
    tls = Tls(
        environ.get("POSTROOM_CA_FILE", ""),
        environ.get("POSTROOM_CLIENT_CERT_FILE", ""),
        environ.get("POSTROOM_CLIENT_KEY_FILE", ""),
    )
    said: dict[str, Any] = {
        "url": environ.get("POSTROOM_URL") or USUAL_URL,
        "token": _token(environ),
        "tls": tls,
    }
    return Options(**said | {name: value for name, value in given.items() if value is not None})


class Client:
    """Asks one Postroom. May be used by threads; after a fork each process opens connections of its own."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.options = options or from_environment()
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._pool: tuple[int, httpx.Client] | None = None
        self._failures, self._rests_until, self._why = 0, 0.0, ""

    def get(self, path: str, query: Mapping[str, Any] | None = None, etag: str = "") -> Answer:
        headers = {"If-None-Match": etag} if etag else {}
        return self._ask("GET", path, params=dict(query or {}), headers=headers)

    def post(self, path: str, body: Any, key: str = "", probe: bool = False) -> Answer:
        """`key` makes a repetition harmless: Postroom does the same thing once. A `probe` asks in a rest as well:
        it is for threads that nobody waits for, and ends the rest when it succeeds."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask("POST", path, probe=probe, json=body, headers=headers)

    def patch(self, path: str, body: Any) -> Answer:
        return self._ask("PATCH", path, json=body)

    def delete(self, path: str) -> Answer:
        return self._ask("DELETE", path)

    def form(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self._ask("POST", path, data=dict(fields))

    @property
    def is_away(self) -> bool:
        """Did it not answer lately, so that the next question would fail at once?"""
        return self._clock() < self._rests_until

    def close(self) -> None:
        with self._lock:
            if self._pool and self._pool[0] == os.getpid():
                self._pool[1].close()
            self._pool = None

    def _ask(self, method: str, path: str, probe: bool = False, **request: Any) -> Answer:
        if self.is_away and not probe:
            raise AwayError(self._why)
        # Who failed all attempts before is given one now: a caller does not pay for the same silence again.
        most = 1 if self._failures else self.options.attempts
        for attempt in range(1, most + 1):
            try:
                answer = self._once(method, path, request)
            except AwayError as problem:
                if attempt == most or _asked_for(problem) > PATIENCE:
                    self._rest(problem)
                    raise
                self._sleep(_pause(attempt, problem))
            else:
                self._answered()
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, request: dict[str, Any]) -> Answer:
        import httpx

        try:
            response = self._http().request(method, path, **request)
        except (httpx.TransportError, httpx.InvalidURL) as problem:
            reason = str(problem) or type(problem).__name__
            raise AwayError(f"Postroom at {self.options.url} cannot be reached: {reason}") from problem
        try:
            return read(response.status_code, response.content, response.headers)
        except RefusedError:
            # A refusal is an answer as well.
            self._answered()
            raise

    def _http(self) -> httpx.Client:
        with self._lock:
            if not self._pool or self._pool[0] != os.getpid():
                self._pool = (os.getpid(), self._open())
            return self._pool[1]

    def _open(self) -> httpx.Client:
        import httpx

        said = self.options
        _quiet(said.url)
        headers = {"User-Agent": f"postroom/{__version__}", "Accept": "application/json"}
        if said.token:
            headers["Authorization"] = f"Bearer {said.token}"
        verify = said.tls.context() if said.url.startswith("https:") else True
        timeout = httpx.Timeout(said.timeout, connect=min(2.0, said.timeout))
        return httpx.Client(base_url=said.url, headers=headers, timeout=timeout, verify=verify)

    def _answered(self) -> None:
        self._failures, self._rests_until = 0, 0.0

    def _rest(self, problem: AwayError) -> None:
        self._failures += 1
        rest = min(LONGEST_REST, FIRST_REST * 2 ** (self._failures - 1))
        self._rests_until = self._clock() + max(rest, min(_asked_for(problem), LONGEST_REST))
        self._why = str(problem)


class _Ours(logging.Filter):
    """Keeps a heartbeat every few seconds out of the agent's log; what goes wrong is said by whoever asked."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def filter(self, record: logging.LogRecord) -> bool:
        asked = record.args[1] if isinstance(record.args, tuple) and len(record.args) > 1 else ""
        return not str(asked).startswith(self.url)


def _quiet(url: str) -> None:
    """httpx writes a line for each request; ours are no news."""
    log = logging.getLogger("httpx")
    if not any(isinstance(each, _Ours) and each.url == url for each in log.filters):
        log.addFilter(_Ours(url))


def read(status: int, content: bytes, headers: Mapping[str, str]) -> Answer:
    """An answer, or the error that it stands for. Pure."""
    if status < 300 or status == 304:
        return Answer(status, _json(content), headers.get("etag", ""))
    document = _json(content)
    document = document if isinstance(document, dict) else {}
    if status in PASSING:
        detail = document.get("detail") or f"HTTP {status}"
        text = f"Postroom does not answer as it should: {detail}"
        raise AwayError(text, retry_after=retry_after(headers.get("retry-after", "")))
    raise REFUSALS.get(status, RefusedError)(status, document)


REFUSALS: Mapping[int, type[RefusedError]] = {
    401: TokenRefusedError,
    403: ForbiddenError,
    404: UnknownThingError,
}


def retry_after(text: str) -> float | None:
    """Seconds to wait, from seconds or a date; None when there is nothing to be read."""
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(TypeError, ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return None


def _asked_for(problem: AwayError) -> float:
    return problem.retry_after or 0.0


def _pause(attempt: int, problem: AwayError) -> float:
    """What was asked for, or a little more each time; never the same for two agents."""
    return _asked_for(problem) or 0.1 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _sentence(refusal: RefusedError) -> str:
    faults = "; ".join(f"{each.get('field')}: {each.get('detail')}" for each in refusal.errors if each)
    return " ".join(part for part in (refusal.detail, faults, refusal.remedy) if part)


def _token(environ: Mapping[str, str]) -> str:
    if file := environ.get("POSTROOM_TOKEN_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get("POSTROOM_TOKEN", "").strip()
