"""The REST API's paths."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from dashboard.api import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.prometheus, name="metrics"),
]
