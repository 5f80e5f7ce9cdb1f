"""The API describes itself: every path, every refusal, and a reader that keeps the security policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.support.api_client import Program


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def routes(resolver: Any, before: str = "/") -> Iterator[str]:
    """Every path of the URL map, parameters as the schema writes them."""
    for entry in resolver.url_patterns:
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        elif isinstance(entry, URLPattern):
            yield path


def test_schema_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)


def test_every_path_of_the_api_is_described(schema: dict[str, Any]) -> None:
    served = {path for path in routes(get_resolver()) if path.startswith("/api/v1/")}
    assert "/api/v1/audit" in served
    assert served <= set(schema["paths"])


def test_every_operation_says_what_a_refusal_looks_like(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            refusal = operation["responses"]["default"]["content"]
            assert list(refusal) == ["application/problem+json"], (method, path)
            assert operation["security"], (method, path)


@pytest.mark.django_db
def test_schema_and_reader__for_whoever_has_any_role() -> None:
    agent = Program("agent")
    assert agent.get("/api/schema/").status_code == 200
    assert agent.get("/api/schema/?format=json").json()["openapi"].startswith("3.1")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_schema_and_reader__refused_to_strangers(path: str) -> None:
    assert Client().get(path).status_code == 401


@pytest.mark.django_db
def test_reader_keeps_the_security_policy() -> None:
    answer = Program("viewer").get("/api/docs/")
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "unsafe" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts
    assert all(f'nonce="{nonce[1]}"' in script and "src=" in script for script in scripts)
    assert "<style" not in page
    assert not re.search(r"\son\w+=|\sstyle=", page)
