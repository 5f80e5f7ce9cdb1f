"""Who stands behind a plan or an operation, with the rights that they have now."""

from __future__ import annotations

from dataclasses import replace

from agents.operations.models import RedrivePolicy
from agents.operations.models.plans import Asked
from core.access import grants
from core.access.api import Grant, Kind, Scope, Subject
from core.access.models import ServiceAccount, User
from core.access.services import Actor

POSTROOM = Actor(Subject(Kind.SYSTEM, "postroom", "postroom"), "operations")
_POLICY = "policy:"


def asked(subject: Subject) -> dict[str, object]:
    """The columns of `Asked`."""
    bounds = subject.bounds
    return {
        "by_kind": str(subject.kind),
        "by_id": subject.id,
        "by_name": subject.name,
        "by_bounds": [bounds.environment, bounds.queue, bounds.agent],
    }


def subject_of(row: Asked) -> Subject | None:
    """Who asked, with their rights as they are now, within the bounds of then; None when they are gone."""
    found = _found(row)
    return replace(found, bounds=Scope(*row.by_bounds)) if found else None


def of_policy(policy: RedrivePolicy) -> Subject:
    """A policy acts in its own name, within its scope."""
    grant = Grant("policy", policy.permissions, policy.scope)
    return Subject(Kind.SYSTEM, f"{_POLICY}{policy.pk}", f"policy {policy.name}", (grant,), via="policy")


def _found(row: Asked) -> Subject | None:
    if row.by_kind == Kind.PERSON:
        person = User.objects.filter(pk=row.by_id, is_active=True).first()
        return grants.subject_of(person) if person else None
    if row.by_kind == Kind.SERVICE:
        account = ServiceAccount.objects.filter(pk=row.by_id).first()
        return grants.subject_of(account) if account else None
    if row.by_id.startswith(_POLICY):
        policy = RedrivePolicy.objects.filter(pk=row.by_id.removeprefix(_POLICY), enabled=True).first()
        return of_policy(policy) if policy else None
    return None
