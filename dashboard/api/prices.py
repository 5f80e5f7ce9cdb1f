"""The price table for programs: what models are said to cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.prices import services
from agents.prices.models import ModelPrice
from core.access.api import Permission
from core.access.services import Actor
from dashboard.api import paging, query
from dashboard.api.problems import Problem, ProblemError, invalid
from dashboard.api.schema_parts import PAGING, listed
from dashboard.api.views import ApiView, source_of

ORDER = ("model", "provider", "-valid_from", "pk")
# Whoever sees costs may know what they are made of.
READ = frozenset({Permission.SEE, Permission.MANAGE_PRICES})


def _amount(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=16, decimal_places=6, min_value=Decimal(0), **options)


class PriceFilters(query.Filters):
    """Which prices."""

    model = serializers.CharField(required=False, help_text="Exactly as it stands in the table.")
    provider = serializers.CharField(required=False)


class PriceGiven(serializers.Serializer[Any]):
    """What a million tokens cost from the beginning of a day in UTC. `*` in the model stands for any text."""

    model = serializers.CharField(max_length=200)
    provider = serializers.CharField(max_length=200, required=False, allow_blank=True)
    valid_from = serializers.DateField()
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, help_text="Without one: USD.")
    input = _amount()
    output = _amount()
    cached = _amount(required=False, allow_null=True, help_text="Null: as other input.")


class PriceShape(PriceGiven):
    """One price; amounts are text, since they are exact."""

    id = serializers.IntegerField()


class AmountShape(serializers.Serializer[Any]):
    currency = serializers.CharField()
    amount = serializers.CharField(help_text="A decimal number as text: exact.")


class CostShape(serializers.Serializer[Any]):
    """What tokens came to, by the prices of their days. Currencies are kept apart."""

    amounts = AmountShape(many=True)
    no_price_for = serializers.ListField(
        child=serializers.CharField(), help_text="Models that nobody entered a price for: not in the amounts."
    )


def shape(price: ModelPrice) -> dict[str, Any]:
    return {"id": price.pk, **PriceGiven(price).data}


class PriceView(ApiView):
    """A view of prices."""

    permission = READ
    permission_by_method = dict.fromkeys(("POST", "PATCH", "DELETE"), Permission.MANAGE_PRICES)

    @property
    def actor(self) -> Actor:
        return Actor(self.subject, source_of(self.request))

    def found(self, id: int) -> ModelPrice:
        price = ModelPrice.objects.filter(pk=id).first()
        if price is None:
            raise ProblemError(Problem(404, "Not found", f"There is no price {id}."))
        return price

    def saved(self, price: ModelPrice, given: dict[str, Any]) -> ModelPrice:
        for name, value in given.items():
            setattr(price, name, value)
        try:
            price.validate_constraints()
        except ValidationError:
            raise invalid(
                "valid_from",
                f"There is a price of {price.model} from {price.valid_from} on already.",
                "Change that one, or take another day.",
            ) from None
        services.save_price(price, self.actor)
        return price


class Prices(PriceView):
    """All of them, and entering one."""

    @extend_schema(
        operation_id="prices_list",
        summary="What models are said to cost, by model, the newest price first",
        parameters=[PriceFilters, *PAGING],
        responses=listed(PriceShape),
    )
    def get(self, request: Request) -> Response:
        rows = ModelPrice.objects.filter(**query.read(request, PriceFilters))
        return paging.response(request, paging.page(request, rows, ORDER), shape)

    @extend_schema(
        operation_id="prices_create",
        summary="Enter a price; what was used before its day keeps the price it had",
        request=PriceGiven,
        responses={201: PriceShape},
    )
    def post(self, request: Request) -> Response:
        said = query.body(request, PriceGiven)
        return Response(shape(self.saved(ModelPrice(), said)), status=201)


class OnePrice(PriceView):
    """One price."""

    @extend_schema(operation_id="prices_get", summary="One price", responses=PriceShape)
    def get(self, request: Request, id: int) -> Response:
        return Response(shape(self.found(id)))

    @extend_schema(
        operation_id="prices_change", summary="Correct a price", request=PriceGiven, responses=PriceShape
    )
    def patch(self, request: Request, id: int) -> Response:
        price = self.found(id)
        said = query.body(request, PriceGiven, partial=True)
        return Response(shape(self.saved(price, said)))

    @extend_schema(operation_id="prices_delete", summary="Delete a price", responses={204: None})
    def delete(self, request: Request, id: int) -> HttpResponse:
        services.delete_price(self.found(id), self.actor)
        return HttpResponse(status=204)
