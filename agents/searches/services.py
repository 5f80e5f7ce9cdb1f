"""Searches that somebody keeps, for themselves or for everybody, each change with an entry in the trail.

A search is the query of a page's address and no right: whoever opens a shared one sees what they may see themselves.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from agents.searches.models import SavedSearch
from agents.searches.values import RIGHTS, Rights, SearchOf
from core import clock
from core.access.api import Place, Subject, may, require
from core.access.audit.api import Action, Target
from core.access.services import AccessError, Actor

EVERYWHERE = Place()
FIELDS = ("name", "of", "query", "shared")
# More than that nobody finds again.
MOST_EACH = 100
LONGEST_NAME, LONGEST_QUERY = 100, 2_000
# Where in a list somebody was is no part of a search.
PASSING = frozenset({"cursor", "after", "limit", "facets", "counts", "view", "csrfmiddlewaretoken"})


class SearchError(AccessError):
    """The search cannot be kept like this. `field` names what to correct, and the text says how."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


def seen_by(subject: Subject) -> QuerySet[SavedSearch]:
    """The subject's own, and those that are shared; of pages that the subject may open."""
    kinds = [kind for kind in SearchOf if may(subject, RIGHTS[kind].view)]
    theirs = Q(owner=owner(subject)) | Q(shared=True)
    return SavedSearch.objects.filter(theirs, of__in=kinds).order_by("name", "pk")


def owner(subject: Subject) -> str:
    """Who keeps a search, whatever they are called by then."""
    return f"{subject.kind}:{subject.id}"


def is_own(search: SavedSearch, subject: Subject) -> bool:
    return search.owner == owner(subject)


def save(search: SavedSearch, actor: Actor) -> SavedSearch:
    """Keep it, or change it to what the value says. Raises SearchError and PermissionRefusedError."""
    try:
        with transaction.atomic():
            return _save(search, actor)
    except IntegrityError:
        raise SearchError("name", f"You have a search {search.name!r} already.") from None


@transaction.atomic
def remove(search: SavedSearch, actor: Actor) -> None:
    """Raises PermissionRefusedError."""
    _require(search, actor.subject)
    before, target = _shown(search), _target(search)
    search.delete()
    actor.record(Action.SAVED_SEARCH_REMOVED, target, before=before)


def may_change(search: SavedSearch, subject: Subject) -> bool:
    """One's own; those of others only who manages what they look for, everywhere."""
    return is_own(search, subject) or bool(may(subject, _rights(search).manage, EVERYWHERE))


def may_share(of: SearchOf, subject: Subject) -> bool:
    return bool(may(subject, RIGHTS[of].share))


def _save(search: SavedSearch, actor: Actor) -> SavedSearch:
    before = SavedSearch.objects.select_for_update().filter(pk=search.pk).first()
    if before is None:
        _begin(search, actor.subject)
    _require(before or search, actor.subject)
    search.name, search.query = search.name.strip(), _lasting(search.query)
    _check(search)
    # Its kind may be another one now.
    _require(search, actor.subject)
    require(actor.subject, _rights(search).view)
    if search.shared and not (before and before.shared):
        # It stands in everybody's list.
        require(actor.subject, _rights(search).share)
    search.save()
    old = _shown(before) if before else None
    actor.record(Action.SAVED_SEARCH_CHANGED, _target(search), before=old, after=_shown(search))
    return search


def _begin(search: SavedSearch, subject: Subject) -> None:
    search.owner, search.owner_name, search.made_at = owner(subject), subject.name, clock.now()
    if SavedSearch.objects.filter(owner=search.owner).count() >= MOST_EACH:
        raise SearchError("name", f"You keep {MOST_EACH} searches already. Remove one first.")


def _require(search: SavedSearch, subject: Subject) -> None:
    if not is_own(search, subject):
        require(subject, _rights(search).manage, EVERYWHERE)


def _rights(search: SavedSearch) -> Rights:
    return RIGHTS[SearchOf(search.of)]


def _check(search: SavedSearch) -> None:
    if not 1 <= len(search.name) <= LONGEST_NAME:
        raise SearchError("name", f"A name has 1 to {LONGEST_NAME} characters.")
    if search.of not in {*SearchOf}:
        raise SearchError("of", f"Allowed are {', '.join(SearchOf)}.")
    if not search.query:
        raise SearchError("query", "There is nothing to keep: the list is not narrowed by anything.")
    if len(search.query) > LONGEST_QUERY:
        raise SearchError("query", f"A search has at most {LONGEST_QUERY:,} characters.")


def _lasting(query: str) -> str:
    """Without what only says where in the list somebody was."""
    try:
        pairs = parse_qsl(query.lstrip("?"), max_num_fields=50)
    except ValueError:
        raise SearchError("query", "Write it as an address does: state=held&q=card.") from None
    return urlencode([(name, value) for name, value in pairs if name not in PASSING])


def _shown(search: SavedSearch) -> dict[str, Any]:
    return {name: getattr(search, name) for name in FIELDS}


def _target(search: SavedSearch) -> Target:
    return Target("saved search", str(search.pk), search.name)
