"""Every change of access goes through here, and each writes its audit entry in the same transaction."""

from __future__ import annotations

from core.access.services.accounts import (
    change_account,
    change_password,
    create_person,
    create_service_account,
    delete_account,
    set_groups,
)
from core.access.services.actor import Actor, may_manage, of_command, of_request
from core.access.services.errors import AccessError
from core.access.services.first_start import ensure_demo_token, ensure_first_admin, ensure_ingest_token
from core.access.services.grants import give, take_away
from core.access.services.limits import delete_limit, save_limit
from core.access.services.roles import change_role, create_role, delete_role
from core.access.services.tokens import (
    NewToken,
    create_named_token,
    create_token,
    revoke_named,
    revoke_token,
)

__all__ = [
    "AccessError",
    "Actor",
    "NewToken",
    "change_account",
    "change_password",
    "change_role",
    "create_named_token",
    "create_person",
    "create_role",
    "create_service_account",
    "create_token",
    "delete_account",
    "delete_limit",
    "delete_role",
    "ensure_demo_token",
    "ensure_first_admin",
    "ensure_ingest_token",
    "give",
    "may_manage",
    "of_command",
    "of_request",
    "revoke_named",
    "revoke_token",
    "save_limit",
    "set_groups",
    "take_away",
]
