"""Saved searches as a Django app; they are precious, so their table lies in `default`."""

from __future__ import annotations

from django.apps import AppConfig


class SearchesConfig(AppConfig):
    name = "agents.searches"
    label = "searches"
    verbose_name = "Saved searches"
