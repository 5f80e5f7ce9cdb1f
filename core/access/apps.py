"""Access as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "core.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from core import retention
        from core.access import sign_in, signals, sweep

        signals.connect()
        sign_in.connect()
        retention.register("access", sweep.drop_expired)
        post_migrate.connect(_install_roles, sender=self, dispatch_uid="postroom-built-in-roles")


def _install_roles(using: str, **_: object) -> None:
    from core.access import built_in_roles

    if using == "default":
        built_in_roles.install(using)
