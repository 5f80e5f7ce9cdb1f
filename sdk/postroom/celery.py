"""One line for an existing Celery application:

    from postroom.celery import instrument

    instrument(app)

Its tasks stay as they are. From then on a task that has failed for good leaves a letter with its whole body, the life
of every message is told to Postroom, its workers are seen, and every message carries its trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import postroom.delivery.transport  # noqa: F401 - makes postroom+redis:// known to kombu
from postroom import settings
from postroom.errors import Classifier
from postroom.instrumented.office import Office
from postroom.instrumented.wiring import wire
from postroom.runtime.api import Hook


def instrument(
    app: Any,
    *,
    agent_id: str = "",
    version: str = "",
    capabilities: Sequence[str] = (),
    broker: str | None = None,
    environment: str | None = None,
    url: str | None = None,
    token: str | None = None,
    permanent_errors: Iterable[type[BaseException]] = (),
    transient_errors: Iterable[type[BaseException]] = (),
    classifier: Classifier | None = None,
    idempotency: Any = None,
    hooks: Sequence[Hook] = (),
) -> Any:
    """Join a Celery application to Postroom; gives the application back. A second time changes nothing.

    `agent_id` is what Postroom calls its workers: by default the part of the worker's name before the @, and where
    that is only `celery`, the application's own name. `broker` is the broker's name in Postroom. With `idempotency`
    (as an Agent has it) a task that succeeded is not run again when its message is delivered again.

    What is promised depends on the broker's address: see the guide on Celery, and the table of guarantees.
    """
    if getattr(app, "postroom_office", None) is not None:
        return app
    office = Office(
        app,
        settings.read(url=url, token=token, broker=broker, environment=environment),
        agent_id=agent_id,
        version=version,
        capabilities=tuple(capabilities),
        permanent=tuple(permanent_errors),
        transient=tuple(transient_errors),
        classifier=classifier,
        idempotency=idempotency,
        hooks=tuple(hooks),
    )
    app.postroom_office = office
    wire(app, office)
    return app
