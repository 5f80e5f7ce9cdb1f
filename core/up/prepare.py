"""What has to be done before anything starts: tables, the first admin, a token to send telemetry with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the user has to know. The password only at the first start, when it was made up."""

    admin: str
    password: str | None
    ingest_token: str


def dump(prepared: Prepared) -> str:
    return json.dumps(asdict(prepared))


def load(text: str) -> Prepared:
    return Prepared(**json.loads(text))
