"""Who can be given a role: people, and the machines that act for nobody in particular."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signs in.

    Django's superuser and staff flags mean nothing here: only grants open anything.
    """

    oidc_subject = models.CharField(
        "subject at the sign-in provider",
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        help_text="The provider's `sub` for this person. Filled in at the first single sign-on.",
    )


class ServiceAccount(models.Model):
    """A machine: an agent, an exporter, a script."""

    name = models.CharField(max_length=150, unique=True)
    description = models.CharField(max_length=500, blank=True)
    active = models.BooleanField(default=True, help_text="Off: its tokens and JWTs are refused at once.")
    jwt_subject = models.CharField(
        "JWT subject",
        max_length=255,
        null=True,
        blank=True,
        unique=True,
        help_text="The `sub` of the JWTs that stand for this account. Its rights come from its grants here.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
