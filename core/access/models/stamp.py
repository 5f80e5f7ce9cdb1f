"""The access stamp: one number that grows with every change of access."""

from __future__ import annotations

from django.db import models


class Stamp(models.Model):
    """One row. Processes compare it to know that what they remember of access is out of date."""

    value = models.BigIntegerField(default=0)
