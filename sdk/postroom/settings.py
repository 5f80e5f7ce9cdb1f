"""What the surroundings say: the variables that the library reads. Each can be given in code instead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from postroom.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Postroom and the broker are."""

    url: str = ""
    token: str = ""
    broker_url: str = ""
    # The broker's name in Postroom.
    broker: str = "main"
    environment: str = "default"
    # Letters that no broker takes, until it does.
    spool: str = ""
    # Where large payloads go: a folder, redis://…, or any address that fsspec knows, such as s3://bucket/folder.
    content_url: str = ""

    def needs_broker(self) -> str:
        if not self.broker_url:
            raise ConfigurationError(
                "No broker: give broker_url= or set POSTROOM_BROKER_URL to redis://… or amqp://…"
            )
        return self.broker_url


_NAMES = {
    "url": "POSTROOM_URL",
    "token": "POSTROOM_TOKEN",
    "broker_url": "POSTROOM_BROKER_URL",
    "broker": "POSTROOM_BROKER_NAME",
    "environment": "POSTROOM_ENVIRONMENT",
    "spool": "POSTROOM_SPOOL",
    "content_url": "POSTROOM_CONTENT_URL",
}


def read(**given: str | None) -> Settings:
    """From code where it says something, else from the environment; NAME_FILE names a file to read it from."""
    found = {field: given.get(field) or _from_environment(name) for field, name in _NAMES.items()}
    return Settings(**{field: value for field, value in found.items() if value})


def _from_environment(name: str) -> str:
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, "").strip()
