"""The REST API's paths."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from dashboard.api import health, schema, sender_policies

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
    path(".well-known/jwks.json", sender_policies.jwks, name="jwks"),
    path("api/schema/", schema.Schema.as_view(), name="api-schema"),
    path("api/docs/", schema.docs, name="api-docs"),
    path("api/v1/", include("dashboard.api.v1")),
]
