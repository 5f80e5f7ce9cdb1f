"""Everything below /api/v1/, one line each: the table of contents of the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from dashboard.api import audit

urlpatterns: list[URLPattern | URLResolver] = [
    path("audit", audit.AuditTrail.as_view(), name="api-audit"),
    path("audit/verification", audit.AuditVerification.as_view(), name="api-audit-verification"),
    path("audit/<uuid:id>", audit.AuditEntry.as_view(), name="api-audit-entry"),
]
