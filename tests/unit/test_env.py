"""Parsing of environment values: what is allowed, and what the refusal says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import env

ACCEPTED: list[tuple[Callable[[str], Any], str, Any]] = [
    (env.text, "  ana ", "ana"),
    (env.path, "~/rooms", Path.home() / "rooms"),
    (env.switch, "Yes", True),
    (env.switch, "0", False),
    (env.whole_number, "0", 0),
    (env.duration, "30s", timedelta(seconds=30)),
    (env.duration, "7d", timedelta(days=7)),
    (env.host_port, "127.0.0.1:8000", env.HostPort("127.0.0.1", 8000)),
    (env.host_port, "[::1]:0", env.HostPort("::1", 0)),
    (env.one_of("json", "console"), " json ", "json"),
    (env.several_of("redis", "postgres"), "postgres, redis", ("postgres", "redis")),
    (env.several_of("redis"), "", ()),
    (env.comma_list, "a, b,,c ", ("a", "b", "c")),
    (env.networks, "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
    (env.jwt_algorithms, "ES256,RS256", ("ES256", "RS256")),
    (env.http_url, "https://keys.example/jwks/", "https://keys.example/jwks"),
    (env.intake_url, "unix:/run/intake.sock", "unix:/run/intake.sock"),
    (env.intake_url, "http://intake:4318", "http://intake:4318"),
    (env.database_url, "sqlite:////var/p.db", env.DatabaseUrl("sqlite", "/var/p.db")),
    (env.database_url, "sqlite:///p.db", env.DatabaseUrl("sqlite", "p.db")),
    (
        env.database_url,
        "postgresql://u:p%2Fw@h:5433/db?sslmode=require",
        env.DatabaseUrl("postgresql", "db", "h", 5433, "u", "p/w", (("sslmode", "require"),)),
    ),
    (env.database_url, "postgres:///db", env.DatabaseUrl("postgresql", "db")),
    (env.redis_url, "unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
    (env.redis_url, "rediss://:secret@h:6380/0", "rediss://:secret@h:6380/0"),
    (
        env.brokers,
        "main=redis://h:6379/0,shop=amqps://u:p@r/orders",
        (env.BrokerUrl("main", "redis://h:6379/0"), env.BrokerUrl("shop", "amqps://u:p@r/orders")),
    ),
]

REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    (env.text, "  ", "must not be empty"),
    (env.path, "", "must not be empty"),
    (env.switch, "maybe", "on and off"),
    (env.whole_number, "-1", "whole number"),
    (env.whole_number, "²", "whole number"),
    (env.duration, "0d", "above 0"),
    (env.duration, "7", "a unit"),
    (env.duration, "999999999999d", "36500d or less"),
    (env.duration, "999999d", "36500d or less"),
    (env.host_port, "8000", "HOST:PORT"),
    (env.host_port, "h:65536", "HOST:PORT"),
    (env.host_port, ":8000", "HOST:PORT"),
    (env.one_of("json", "console"), "xml", "json, console"),
    (env.several_of("redis", "postgres"), "redis,mysql", "redis, postgres"),
    (env.networks, "10.0.0.0/99", "10.0.0.0/99"),
    (env.jwt_algorithms, "none", "RS256"),
    (env.jwt_algorithms, "RS256,HS256", "RS256"),
    (env.jwt_algorithms, "", "RS256"),
    (env.http_url, "ftp://h", "http://"),
    (env.http_url, "https://[::1", "http://"),
    (env.intake_url, "intake:4318", "unix:/PATH"),
    (env.database_url, "mysql://h/db", "postgresql://"),
    (env.database_url, "postgresql://h", "postgresql://"),
    (env.database_url, "sqlite://p.db", "sqlite:///PATH"),
    (env.redis_url, "http://h", "redis://"),
    (env.redis_url, "redis://", "redis://"),
    (env.brokers, "redis://h", "name=url"),
    (env.brokers, "Main=redis://h", "small letters"),
    (env.brokers, "main=kafka://h", "broker main"),
    (env.brokers, "main=amqp://", "broker main"),
    (env.brokers, "a=redis://h,a=redis://i", "same name"),
]


PARSERS = sorted({parse for parse, _, _ in ACCEPTED}, key=lambda parse: parse.__qualname__)


@pytest.mark.parametrize(("parse", "raw", "value"), ACCEPTED)
def test_value__accepted(parse: Callable[[str], Any], raw: str, value: Any) -> None:
    assert parse(raw) == value


@pytest.mark.parametrize(("parse", "raw", "says"), REFUSED)
def test_value__refused(parse: Callable[[str], Any], raw: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        parse(raw)
    assert says in str(refusal.value)


@pytest.mark.parametrize("parse", [env.database_url, env.redis_url, env.brokers])
@pytest.mark.parametrize("raw", ["postgresql://u:open/sesame@h:5432/db", "x=redis://u:open/sesame@h/0"])
def test_a_refusal_never_quotes_a_password(parse: Callable[[str], Any], raw: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        parse(raw)
    assert "sesame" not in str(refusal.value)
    assert "open" not in str(refusal.value)


@pytest.mark.parametrize(
    "value", [env.database_url("postgresql://u:sesame@h/db"), env.brokers("a=amqp://u:sesame@h")]
)
def test_a_parsed_value_does_not_show_its_password(value: object) -> None:
    assert "sesame" not in repr(value)


@given(raw=st.text())
@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_any_text_is_parsed_or_refused_with_a_sentence(parse: Callable[[str], Any], raw: str) -> None:
    refusal = None
    try:
        parse(raw)
    except ValueError as problem:
        refusal = str(problem)
    assert refusal is None or len(refusal) > 10


def test_an_address_reads_as_it_is_written() -> None:
    assert [str(env.host_port(raw)) for raw in ("[::1]:80", "h:80")] == ["[::1]:80", "h:80"]


def test_a_broker_knows_its_kind() -> None:
    kinds = [each.kind for each in env.brokers("a=rediss://h,b=amqps://h,c=unix:///s")]
    assert kinds == ["redis", "rabbitmq", "redis"]
