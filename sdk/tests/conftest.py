"""The library's tests stand on real servers, and know nothing of Django."""

from __future__ import annotations

from tests.support.server_fixtures import (  # noqa: F401
    postgres_server,
    postgres_url,
    rabbitmq_program,
    rabbitmq_url,
    redis_server,
    redis_url,
    vhost,
)
