"""Bearer tokens."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from core import clock
from core.access.models.accounts import ServiceAccount, User
from core.access.models.grants import Scoped, _exactly_one


class Token(Scoped):
    """A secret that stands for an account, within at most its own scope. The secret itself is shown once."""

    name = models.CharField(max_length=150)
    prefix = models.CharField(max_length=16, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="tokens")
    service_account = models.ForeignKey(
        ServiceAccount, models.CASCADE, null=True, blank=True, related_name="tokens"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.CheckConstraint(
                condition=_exactly_one("user", "service_account"), name="token_has_one_holder"
            ),
            models.CheckConstraint(condition=~Q(environment=""), name="token_is_bound"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def holder(self) -> Any:
        return self.user or self.service_account

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= clock.now():
            return "expired"
        return "live"
