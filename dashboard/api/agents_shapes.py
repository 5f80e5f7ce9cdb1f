"""What travels about agents: the shapes of requests and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from rest_framework import serializers

from agents.registry.offers import Latency, Offer, Probe, Quantile
from agents.registry.selectors import Known
from agents.registry.services.registration import OF_AGENT, OF_VERSION
from agents.registry.values import State
from agents.registry.versions import RangeRefusedError, read
from core import clock
from dashboard.api import query

STATES = [str(state) for state in State]
QUANTILES = [str(quantile) for quantile in Quantile]
LONGEST_PATIENCE_S = 7 * 24 * 60 * 60
MOST_WEIGHT = 10_000


def _text(most: int, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=most, **more)


def _optional(most: int, **more: Any) -> serializers.CharField:
    return _text(most, required=False, allow_blank=True, **more)


def _address(text: str) -> None:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if text and not usable:
        raise serializers.ValidationError("It must be an http:// or https:// address.")


def _range(text: str) -> None:
    try:
        read(text)
    except RangeRefusedError as problem:
        raise serializers.ValidationError(str(problem)) from None


def _capabilities() -> serializers.ListField:
    return serializers.ListField(child=_text(200), max_length=200, required=False)


def _labels() -> serializers.DictField:
    return serializers.DictField(child=_text(500, allow_blank=True), required=False)


def _seconds(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=0, max_value=LONGEST_PATIENCE_S, required=False, help_text=f"{what}; 0: the usual 15."
    )


# ---- Asking ----------------------------------------------------------------------------------------------------
class AgentFilters(query.Filters):
    """Who can do a job. Healthy ones first; then by weight; then fast, then new ones first."""

    capability = serializers.CharField(required=False)
    version = serializers.CharField(
        required=False, validators=[_range], help_text="A range: `>=2.0,<3`, `^2.1`, `1.x || >=3`."
    )
    max_latency_ms = serializers.FloatField(
        required=False,
        min_value=0,
        help_text="Observed on real spans within the last minutes. A version that nobody called is not left out.",
    )
    quantile = serializers.ChoiceField(QUANTILES, required=False, default="p95")
    status = serializers.ChoiceField(STATES, required=False)
    environment = serializers.CharField(required=False)
    key = serializers.CharField(
        required=False,
        help_text="Each key (a message's id) has an order of its own, in which a version is first as often as its "
        "weight says; the same key meets the same version. Without one the heaviest is first.",
    )
    closed = serializers.BooleanField(
        required=False, default=False, help_text="Also versions that are drained or have no weight."
    )


class AgentRegistration(serializers.Serializer[Any]):
    """Who an agent is, what it can do, and where it answers."""

    agent_id = _text(300)
    environment = _optional(200, help_text="Left out: the one that the token is bound to.")
    version = _optional(200)
    name = _optional(300)
    owner = _optional(200)
    description = _optional(5_000)
    endpoint = _optional(1000, validators=[_address])
    health_check_url = _optional(1000, validators=[_address])
    capabilities = _capabilities()
    labels = _labels()
    public_keys = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="Ed25519 JWKs that it signs with. They replace those before, which stay published for a day. Left "
        "out: nothing changes.",
    )
    timeout_s = _seconds("Seconds without a heartbeat until an instance is late")
    grace_s = _seconds("Seconds more until it is down")


class VersionPatch(serializers.Serializer[Any]):
    """What is to become of one version. `weight` and `drained` take the right to manage agents."""

    version = serializers.CharField(max_length=200, allow_blank=True)
    weight = serializers.IntegerField(min_value=0, max_value=MOST_WEIGHT, required=False)
    drained = serializers.BooleanField(required=False)
    endpoint = _optional(1000, validators=[_address])
    health_check_url = _optional(1000, validators=[_address])
    capabilities = _capabilities()


class AgentPatch(serializers.Serializer[Any]):
    """What is to change; all of it or nothing."""

    name = _optional(300)
    owner = _optional(200)
    description = _optional(5_000)
    labels = _labels()
    timeout_s = _seconds("Seconds without a heartbeat until an instance is late")
    grace_s = _seconds("Seconds more until it is down")
    versions = VersionPatch(many=True, required=False)


class FromCard(serializers.Serializer[Any]):
    """Where an agent describes itself, as A2A has it."""

    url = _text(
        1000, validators=[_address], help_text="The card, or the agent's address: then its well-known card."
    )
    environment = _optional(200)


# ---- Answers ---------------------------------------------------------------------------------------------------
class LatencyShape(serializers.Serializer[Any]):
    p50_ms = serializers.FloatField()
    p95_ms = serializers.FloatField()
    p99_ms = serializers.FloatField()
    observed_at = query.UtcTime()


class ProbeShape(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    said = serializers.CharField()
    took_ms = serializers.FloatField(allow_null=True)
    at = query.UtcTime()


class OfferShape(serializers.Serializer[Any]):
    """A version of an agent. `share` is its part of the traffic among those listed."""

    id = serializers.UUIDField(help_text="The agent's.")
    agent_id = serializers.CharField()
    environment = serializers.CharField()
    version = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField())
    state = serializers.ChoiceField(STATES)
    instances = serializers.DictField(child=serializers.IntegerField())
    capabilities = serializers.ListField(child=serializers.CharField())
    endpoint = serializers.CharField()
    health_check_url = serializers.CharField()
    weight = serializers.IntegerField()
    drained = serializers.BooleanField()
    share = serializers.FloatField()
    latency = LatencyShape(allow_null=True)
    probe = ProbeShape(allow_null=True)
    last_seen = query.UtcTime()


class AgentShape(serializers.Serializer[Any]):
    """An agent with all its versions."""

    id = serializers.UUIDField()
    agent_id = serializers.CharField()
    environment = serializers.CharField()
    name = serializers.CharField()
    owner = serializers.CharField()
    description = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField())
    timeout_s = serializers.IntegerField()
    grace_s = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    registered_at = query.UtcTime(allow_null=True)
    first_seen = query.UtcTime()
    last_seen = query.UtcTime()
    versions = OfferShape(many=True)


def offer(shares: dict[int, float]) -> Callable[[Offer], dict[str, Any]]:
    """How one travels, with its share among those that it is listed with."""

    def shaped(each: Offer) -> dict[str, Any]:
        return {
            "id": str(each.id),
            "agent_id": each.agent_id,
            "environment": each.environment,
            "version": each.version,
            "name": each.name,
            "owner": each.owner,
            "labels": dict(each.labels),
            "state": each.state,
            "instances": {str(state): count for state, count in each.instances.items()},
            "capabilities": list(each.capabilities),
            "endpoint": each.endpoint,
            "health_check_url": each.health_check_url,
            "weight": each.weight,
            "drained": each.drained,
            "share": round(shares.get(each.version_id, 0.0), 4),
            "latency": _latency(each.latency),
            "probe": _probe(each.probe),
            "last_seen": clock.rfc3339(each.last_seen),
        }

    return shaped


def agent(found: Known, shares: dict[int, float]) -> dict[str, Any]:
    row = found.agent
    return {
        "id": str(row.pk),
        "agent_id": row.agent_id,
        "environment": row.environment,
        **{name: getattr(row, name) for name in OF_AGENT},
        "state": found.state,
        "registered_at": clock.rfc3339(row.registered_at) if row.registered_at else None,
        "first_seen": clock.rfc3339(row.first_seen),
        "last_seen": clock.rfc3339(row.last_seen),
        "versions": [offer(shares)(each) for each in found.offers],
    }


def of_version(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in OF_VERSION if name in said}


def _latency(found: Latency | None) -> dict[str, Any] | None:
    if found is None:
        return None
    quantiles = {"p50_ms": found.p50_ms, "p95_ms": found.p95_ms, "p99_ms": found.p99_ms}
    return quantiles | {"observed_at": clock.rfc3339(found.observed_at)}


def _probe(found: Probe | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"ok": found.ok, "said": found.said, "took_ms": found.took_ms, "at": clock.rfc3339(found.at)}
