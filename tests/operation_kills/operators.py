"""Operators who redrive what is there, purge some of it, and take some of that back, through the API."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import httpx

from tests.operation_kills.database import AWAY
from tests.operation_kills.house import House, Tokens
from tests.operation_kills.letters import PURGED, REDRIVEN

HTTP_CONFLICT, HTTP_SERVER_ERROR = 409, 500
# Nothing of what kills do here is to hold an operation up: it is to survive.
REDRIVE = {
    "rate": "full",
    "canary": "off",
    "halt_when": {"same_failure_ratio": None, "failure_ratio": None, "consumer_down": False},
    "outcome_within": 900,
}
REST = 0.3
# Whose request was cut off waits a minute for its answer: so many that there is always somebody who goes on.
REDRIVERS, PURGERS = 4, 3
# Nobody starts another one beside so many that go on: while workers are dead, all would be about the same letters.
MOST = 12


class RefusedError(Exception):
    """The API said no, and means it."""


class Api:
    """Asks until there is an answer. What starts something has a key, so it happens once."""

    def __init__(self, house: House, tokens: Tokens, ending: threading.Event) -> None:
        self._house, self._ending, self._tokens = house, ending, tokens
        self._http = httpx.Client(timeout=30)
        self.statuses = Counter[int]()

    def carry_out(self, action: str, select: dict[str, Any], options: dict[str, Any], *, keyed: bool) -> str:
        """The operation's id; empty where there was nothing to do, or the end came first. Without a key a plan whose
        answer was lost is made again, and the one before stays unused."""
        wanted = {"action": action, "select": select, "options": options}
        plan = self._until("POST", "plans", wanted, keyed=keyed)
        while plan and plan["state"] == "sealing" and not self._ending.wait(0.2):
            plan = self._until("GET", f"plans/{plan['id']}")
        if not plan or plan["state"] != "sealed" or not plan["count"]:
            return ""
        with suppress(RefusedError):
            return self._start(plan["id"])
        return ""

    def _start(self, plan: str) -> str:
        started = self._until("POST", "operations", {"plan": plan, "reason": "repaired"})
        if started and started["state"] == "awaiting_approval":
            # Refused: an answer was lost, and it is approved already.
            with suppress(RefusedError):
                shown = {"sha256": started["sha256"]}
                self._until("POST", f"operations/{started['id']}/approve", shown, keyed=False, second=True)
        return str(started["id"]) if started else ""

    def settle(self, operation: str, letters: list[str], verdict: str) -> None:
        self._until(
            "POST", f"operations/{operation}/settle", {"verdict": verdict, "letters": letters}, keyed=False
        )

    def _until(
        self, method: str, path: str, body: Any = None, *, keyed: bool = True, second: bool = False
    ) -> dict[str, Any] | None:
        token = self._tokens.second if second else self._tokens.first
        headers = {"Authorization": f"Bearer {token}"}
        if keyed and method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        while not self._ending.is_set():
            answer = self._once(method, path, body, headers)
            if answer is not None and answer.is_success:
                found: dict[str, Any] = answer.json()
                return found
            if answer is not None and not _comes_again(answer):
                raise RefusedError(answer.text)
            self._ending.wait(0.3)
        return None

    def _once(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response | None:
        url = f"{self._house.url}/api/v1/{path}"
        try:
            answer = self._http.request(method, url, json=body, headers=headers)
        except httpx.TransportError:
            self.statuses[0] += 1
            return None
        self.statuses[answer.status_code] += 1
        return answer


def _comes_again(answer: httpx.Response) -> bool:
    """Nobody could do it now; or it is being done, by a request whose answer was lost."""
    in_progress = answer.status_code == HTTP_CONFLICT and "progress" in answer.text
    return in_progress or answer.status_code >= HTTP_SERVER_ERROR


class Operators:
    """As a context: those who redrive, and those who purge and restore."""

    def __init__(self, house: House, tokens: Tokens, chance: random.Random) -> None:
        self.started = Counter[str]()
        self.problems: list[str] = []
        # So many letters must wait before a redrive begins.
        self.least = 1
        self._house, self._chance, self._ending = house, chance, threading.Event()
        self._apis: list[Api] = []
        jobs = [self._redrive] * REDRIVERS + [self._purge] * PURGERS
        self._threads = [
            threading.Thread(target=self._work, args=(job, self._api(tokens)), daemon=True) for job in jobs
        ]

    @property
    def statuses(self) -> dict[int, int]:
        return dict(sum((each.statuses for each in self._apis), Counter[int]()))

    def __enter__(self) -> Operators:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)

    def _api(self, tokens: Tokens) -> Api:
        self._apis.append(Api(self._house, tokens, self._ending))
        return self._apis[-1]

    def _work(self, job: Callable[[Api], None], api: Api) -> None:
        while not self._ending.wait(REST):
            try:
                job(api)
            except AWAY:
                time.sleep(REST)
            except RefusedError as problem:
                self.problems.append(str(problem))

    def _redrive(self, api: Api) -> None:
        """A large part at once where there is much, which a worker seals; else what there is."""
        going_on = sum(
            each.state not in {"done", "done_with_unknown"} for each in self._house.database.operations()
        )
        if going_on < MOST and self._house.database.held(REDRIVEN) >= self.least:
            self._carry_out(api, "redrive", {"filter": {"error": REDRIVEN}}, REDRIVE)

    def _purge(self, api: Api) -> None:
        if not self._house.database.held(PURGED):
            return
        purge = self._carry_out(api, "purge", {"filter": {"error": PURGED}}, {})
        while purge and not self._ending.wait(REST):
            if self._is_over(purge):
                self._carry_out(api, "restore", {"receipt": purge}, {})
                return

    def _is_over(self, operation: str) -> bool:
        with suppress(*AWAY):
            return any(
                each.id == operation and each.state == "done" for each in self._house.database.operations()
            )
        return False

    def _carry_out(self, api: Api, action: str, select: dict[str, Any], options: dict[str, Any]) -> str:
        started = api.carry_out(action, select, options, keyed=self._chance.random() < 0.5)
        self.started[action] += bool(started)
        return started
