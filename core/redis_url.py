"""The Redis address in the spelling each library wants."""

from __future__ import annotations

from core.data_dir import DataDir

NOT_RUNNING = "redis://127.0.0.1:1/0"


def find(given: str | None, data: DataDir) -> str:
    """The address that was set, else the embedded server's while `up` runs, else one that nothing answers."""
    if given:
        return given
    try:
        return data.redis_url.read_text(encoding="utf-8").strip() or NOT_RUNNING
    except OSError:
        return NOT_RUNNING


def for_celery(url: str) -> str:
    """kombu writes a unix socket as redis+socket://."""
    return (
        url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")
        if url.startswith("unix://")
        else url
    )
