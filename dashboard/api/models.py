"""Requests that must not be done twice."""

from __future__ import annotations

from django.db import models


class RepeatableRequest(models.Model):
    """A POST under its Idempotency-Key: claimed by whoever does it, then holding its answer."""

    subject = models.CharField(max_length=120)
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    # Who is doing it, and until when nobody else may; null when it is done.
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    location = models.TextField(default="")
    body = models.TextField(default="")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("subject", "route", "key"), name="api_repeatable_once"),
        )
