"""Accounts, roles, grants, tokens, approval limits and approvals."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in."""
