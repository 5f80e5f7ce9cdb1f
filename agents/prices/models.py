"""The price table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

_AMOUNT: Any = {"max_digits": 16, "decimal_places": 6, "validators": [MinValueValidator(Decimal(0))]}


class ModelPrice(models.Model):
    """What a million tokens of a model cost from a day on. A new price is a new row: the past keeps its own."""

    model = models.CharField(
        max_length=200, help_text="A model's name as spans say it; * stands for any text, as in large-2*."
    )
    provider = models.CharField(
        max_length=200, blank=True, help_text="gen_ai.provider.name as spans say it; empty: any."
    )
    valid_from = models.DateField(help_text="From the beginning of this day, in UTC.")
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD or EUR.")],
    )
    input = models.DecimalField("a million input tokens", **_AMOUNT)
    output = models.DecimalField("a million output tokens", **_AMOUNT)
    cached = models.DecimalField(
        "a million cached input tokens", null=True, blank=True, help_text="Empty: as other input.", **_AMOUNT
    )

    class Meta:
        ordering = ("model", "provider", "-valid_from")
        constraints = [
            models.UniqueConstraint(fields=["model", "provider", "valid_from"], name="prices_one_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.model}{f' of {self.provider}' if self.provider else ''} from {self.valid_from}"
