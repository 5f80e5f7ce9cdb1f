"""Postroom's table of contents."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("dashboard.pages.urls")),
    path("", include("dashboard.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "dashboard.pages.errors.bad_request"
handler404 = "dashboard.pages.errors.not_found"
handler500 = "dashboard.pages.errors.server_error"
