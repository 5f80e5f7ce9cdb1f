"""Roles, and the grants that join them to somebody within a scope."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q

from core.access.api import Permission, Scope
from core.access.models.accounts import ServiceAccount, User

_NAMES = frozenset(str(permission) for permission in Permission)


class Role(models.Model):
    """A named set of permissions. The built-in ones are the same everywhere: copy one to change it."""

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200, blank=True)
    permissions = models.JSONField(default=list)
    built_in = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("-built_in", "name")

    def __str__(self) -> str:
        return self.name

    def allowed(self) -> frozenset[Permission]:
        """What the role may do. A name that this version does not know opens nothing."""
        return frozenset(Permission(name) for name in self.permissions if name in _NAMES)


class Scoped(models.Model):
    """Patterns of environment, queue and agent."""

    environment = models.CharField(max_length=200, default="*")
    queue = models.CharField(max_length=200, default="*")
    agent = models.CharField(max_length=200, default="*")

    class Meta:
        abstract = True

    @property
    def scope(self) -> Scope:
        return Scope(self.environment, self.queue, self.agent)


_HOLDERS = ("user", "group", "service_account")


def _exactly_one(*fields: str) -> Q:
    """A condition: one of the fields is set, and only one."""
    whole = Q()
    for chosen in fields:
        whole |= Q(**{f"{field}__isnull": field != chosen for field in fields})
    return whole


class GrantRow(Scoped):
    """A role joined to a person, a group or a service account within a scope."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="grants")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="grants")
    service_account = models.ForeignKey(
        ServiceAccount, models.CASCADE, null=True, blank=True, related_name="grants"
    )
    role = models.ForeignKey(Role, models.PROTECT, related_name="grants")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "grant"
        ordering = ("role__name", "pk")
        constraints = [
            models.CheckConstraint(condition=_exactly_one(*_HOLDERS), name="grant_has_one_holder"),
            *(
                models.UniqueConstraint(
                    fields=(holder, "role", "environment", "queue", "agent"),
                    condition=Q(**{f"{holder}__isnull": False}),
                    name=f"grant_once_per_{holder}",
                )
                for holder in _HOLDERS
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} to {self.holder_name}, {self.scope}"

    @property
    def holder(self) -> Any:
        return self.user or self.group or self.service_account

    @property
    def holder_kind(self) -> str:
        return next(name for name in _HOLDERS if getattr(self, f"{name}_id") is not None)

    @property
    def holder_name(self) -> str:
        return str(self.holder)
