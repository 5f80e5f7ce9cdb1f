"""Prices as a Django app; they are precious, so their table lies in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class PricesConfig(AppConfig):
    name = "agents.prices"
    label = "prices"
    verbose_name = "Prices"
