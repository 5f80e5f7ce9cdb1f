"""The audit trail's tables. Entries, seals and drops are only ever added: triggers refuse the rest."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One thing that somebody did."""

    # Gapless, given under the head's lock.
    sequence = models.BigIntegerField(primary_key=True)
    id = models.UUIDField(unique=True)
    segment = models.CharField(max_length=7)
    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=80)
    by_kind = models.CharField(max_length=20)
    by_id = models.TextField()
    by_name = models.TextField()
    by_via = models.TextField()
    on_kind = models.TextField()
    on_id = models.TextField()
    on_name = models.TextField()
    environment = models.TextField(null=True)
    queue = models.TextField(null=True)
    agent = models.TextField(null=True)
    source = models.TextField()
    why = models.TextField()
    before = models.TextField(null=True)
    after = models.TextField(null=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "entries"
        default_permissions = ()
        indexes = (
            models.Index(fields=("action", "sequence"), name="audit_action"),
            models.Index(fields=("by_name", "sequence"), name="audit_who"),
            models.Index(fields=("on_id", "sequence"), name="audit_on"),
        )


class Head(models.Model):
    """Where the chain ends: one row, locked by whoever adds to it."""

    sequence = models.BigIntegerField()
    # What the next entry chains to: the last entry, or the seal after it.
    hash = models.CharField(max_length=64)
    segment = models.CharField(max_length=7)

    class Meta:
        default_permissions = ()


class Seal(models.Model):
    """A month that is over. It stays when the month's entries go, so that the chain still verifies."""

    segment = models.CharField(max_length=7, primary_key=True)
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    count = models.BigIntegerField()
    first_hash = models.CharField(max_length=64)
    last_hash = models.CharField(max_length=64)
    # The seal before this one: what the month's first entry chains to.
    previous = models.CharField(max_length=64)
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()


class Drop(models.Model):
    """Leave to remove a sealed month's entries: with it the triggers let them go, and `verify` accepts the hole."""

    seal = models.OneToOneField(Seal, models.PROTECT, primary_key=True)
    at = models.DateTimeField()
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()


class Verification(models.Model):
    """One check of the whole chain, and what it found."""

    at = models.DateTimeField(db_index=True)
    took_ms = models.IntegerField()
    entries = models.BigIntegerField()
    last_sequence = models.BigIntegerField()
    holds = models.BooleanField()
    broken_at = models.BigIntegerField(null=True)
    finding = models.TextField()

    class Meta:
        default_permissions = ()
