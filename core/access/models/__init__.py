"""Accounts, roles, grants, tokens, approval limits and approvals."""

from __future__ import annotations

from core.access.models.accounts import ServiceAccount, User
from core.access.models.approvals import Approval, ApprovalLimit
from core.access.models.grants import GrantRow, Role
from core.access.models.stamp import Stamp
from core.access.models.tokens import Token

__all__ = ["Approval", "ApprovalLimit", "GrantRow", "Role", "ServiceAccount", "Stamp", "Token", "User"]
