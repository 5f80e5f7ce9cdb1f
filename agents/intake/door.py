"""What both doors of intake, HTTP and gRPC, do with a request: who sends it, may they, and its way to the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import DatabaseError

from agents.intake import writers
from agents.intake.admission import Admission
from agents.intake.committer import Committer
from agents.intake.pipeline import Ready, Request
from agents.intake.pulse import Pulse
from agents.intake.refusals import ForbiddenError, UnauthenticatedError, UnavailableError
from agents.intake.trouble import Alarm, Trouble
from agents.intake.writers import Writer
from agents.ledger.values import Told
from agents.registry.values import Heartbeat
from core import metrics
from core.access import subjects
from core.access.api import Kind, Permission, Subject, may
from core.access.credentials import CredentialRefusedError

MAX_WRITERS = 1_000
SIGN_IN = "Send a token: Authorization: Bearer TOKEN. `manage.py token create NAME --role ingest` makes one."


@dataclass(frozen=True, slots=True)
class Door:
    """The parts that every request passes, made once per process."""

    committer: Committer
    heartbeats: Pulse[Heartbeat]
    events: Pulse[Told]
    alarms: tuple[Alarm, ...]
    environment: str
    admission: Admission = field(default_factory=Admission)
    _writers: dict[tuple[str, str, str], Writer] = field(default_factory=dict)

    @property
    def trouble(self) -> Trouble | None:
        """What keeps this process from committing, if anything does."""
        return next((alarm.trouble for alarm in self.alarms if alarm.trouble), None)

    async def writer(self, authorization: str, source: str) -> Writer:
        """Who sends this, with the right to write. Raises a RefusalError."""
        subject = await self.subject(authorization, source)
        known = self._writers.get((subject.id, subject.via, subject.stamp))
        return known or self._admit(subject)

    def _admit(self, subject: Subject) -> Writer:
        """A writer's decisions are kept with it until access changes, and with it the stamp."""
        if subject.kind is Kind.ANONYMOUS:
            raise UnauthenticatedError(SIGN_IN)
        if not writers.may_write(subject):
            raise ForbiddenError(may(subject, Permission.WRITE_TELEMETRY).reason)
        if len(self._writers) >= MAX_WRITERS:
            self._writers.clear()
        key = (subject.id, subject.via, subject.stamp)
        self._writers[key] = Writer(subject, self.environment)
        return self._writers[key]

    async def subject(self, authorization: str, source: str) -> Subject:
        try:
            return await subjects.aof_authorization(authorization, source)
        except CredentialRefusedError as problem:
            raise UnauthenticatedError(str(problem)) from None
        except DatabaseError:
            raise UnavailableError("Tokens cannot be checked now. Send the same request again.") from None

    async def take(self, request: Request) -> Ready:
        """Returns when the request is committed. Raises a RefusalError."""
        ready = await self.committer.commit(request)
        if ready.rejected:
            metrics.INTAKE_REJECTED.labels(request.signal).inc(ready.rejected)
        return ready
