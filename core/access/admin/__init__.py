"""Django's admin for accounts, roles, grants, tokens and approval limits."""

from __future__ import annotations

from core.access.admin import accounts, grants, limits, roles, tokens

__all__ = ["accounts", "grants", "limits", "roles", "tokens"]
