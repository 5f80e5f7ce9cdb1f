"""The console's pages."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from dashboard.pages import overview, where

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("where", where.where, name="where"),
    path("palette", where.palette, name="palette"),
]

if settings.DEBUG:
    from dashboard.pages import styleguide

    urlpatterns.append(path("styleguide", styleguide.styleguide, name="styleguide"))
