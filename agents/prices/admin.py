"""Prices in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from agents.prices import services
from agents.prices.models import ModelPrice
from core import clock
from core.access.admin_kit import RoomAdmin
from core.access.api import Permission
from core.access.services import of_request


@admin.register(ModelPrice)
class ModelPriceAdmin(RoomAdmin):
    """What models cost. A price that changes gets a new row with its own day; the past keeps the old one."""

    opens = Permission.MANAGE_PRICES
    list_display = ("model", "provider", "valid_from", "input", "output", "cached", "currency")
    list_filter = ("provider", "currency")
    search_fields = ("model", "provider")
    fields = services.FIELDS

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"valid_from": clock.now().date(), **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: ModelPrice, form: Any, change: bool) -> None:
        services.save_price(obj, of_request(request))

    def delete_model(self, request: HttpRequest, obj: ModelPrice) -> None:
        services.delete_price(obj, of_request(request))
