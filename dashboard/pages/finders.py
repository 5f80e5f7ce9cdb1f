"""What the search box finds today: pages, accounts, tokens, entries of the audit trail. Later rooms add theirs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from agents.deadletters import selectors as custody
from agents.deadletters.models import Letter
from agents.deadletters.showing import Veil
from agents.ledger import selectors as ledger
from agents.ledger.models import MessageRow
from agents.queues import selectors as brokers
from agents.registry import selectors as registry
from core.access.api import Permission, Subject, may
from core.access.audit import selectors as audit
from core.access.audit.models import Entry
from core.access.models import ServiceAccount, Token, User
from dashboard import words
from dashboard.pages import search, telemetry_found
from dashboard.pages.search import Found


def register_all() -> None:
    search.register("pages", search.find_pages)
    search.register("agents", agents)
    search.register("queues", queues)
    search.register("traces", telemetry_found.traces)
    search.register("messages", messages)
    search.register("letters", letters)
    search.register("messages and conversations in spans", telemetry_found.messages)
    search.register("accounts", accounts)
    search.register("tokens", tokens)
    search.register("audit entries", audit_entries)


def agents(text: str, subject: Subject, at_most: int) -> list[Found]:
    """Agents by a part of their id or name."""
    named = Q(agent_id__icontains=text) | Q(name__icontains=text)
    found = registry.seen_by(subject).filter(named).order_by("agent_id", "environment")[:at_most]
    return [
        Found(row.agent_id, reverse("agents-agent", args=(row.pk,)), row.environment, "agents")
        for row in found
    ]


def queues(text: str, subject: Subject, at_most: int) -> list[Found]:
    """Queues by a part of their name."""
    found = brokers.seen_by(subject).filter(name__icontains=text).order_by("name", "broker")[:at_most]
    return [
        Found(
            row.name,
            reverse("queues-queue", args=(row.broker, row.name)),
            f"on {row.broker} · {row.environment}",
            "queues",
        )
        for row in found
    ]


def messages(text: str, subject: Subject, at_most: int) -> list[Found]:
    """A message by its id, or those of a trace or a conversation."""
    if len(text) < telemetry_found.SHORTEST or any(letter.isspace() for letter in text):
        return []
    rows = list(ledger.by_id(subject, text)[:at_most])
    return [_message(*each) for each in zip(rows, ledger.shown_states(rows), strict=True)]


def _message(row: MessageRow, state: str) -> Found:
    url = f"{reverse('messages-message', args=(row.message_id,))}?{urlencode({'of': row.environment})}"
    where = " · ".join(part for part in (state, row.queue, row.environment) if part)
    return Found(f"message {words.short_id(row.message_id)}", url, where, "messages")


def letters(text: str, subject: Subject, at_most: int) -> list[Found]:
    """A letter by its own id, or those of a message or a trace."""
    if len(text) < telemetry_found.SHORTEST or any(letter.isspace() for letter in text):
        return []
    rows = custody.seen_by(subject).filter(custody.of_id(text)).order_by(*custody.NEWEST)[:at_most]
    found = list(rows)
    Veil().over(found)
    return [_letter(row) for row in found]


def _letter(row: Letter) -> Found:
    url = reverse("letters-letter", args=(row.pk,))
    return Found(f"letter: {row.why[:80]}", url, f"{row.state} · {row.queue}", "letters")


def accounts(text: str, subject: Subject, at_most: int) -> list[Found]:
    """People and service accounts by a part of their name."""
    if not may(subject, Permission.MANAGE_ACCESS):
        return []
    return list(islice(_accounts(text), at_most))


def _accounts(text: str) -> Iterator[Found]:
    for user in User.objects.filter(username__icontains=text).order_by("username"):
        url = reverse("admin:access_user_change", args=(user.pk,))
        yield Found(user.get_username(), url, "person", "account")
    for account in ServiceAccount.objects.filter(name__icontains=text):
        url = reverse("admin:access_serviceaccount_change", args=(account.pk,))
        yield Found(account.name, url, account.description or "service account", "program")


def tokens(text: str, subject: Subject, at_most: int) -> list[Found]:
    """Tokens by a part of their name, or by the beginning that logs and the trail show of them."""
    if not may(subject, Permission.MANAGE_ACCESS):
        return []
    named = Token.objects.filter(name__icontains=text) | Token.objects.filter(prefix__startswith=text)
    return [
        Found(token.name, reverse("admin:access_token_change", args=(token.pk,)), token.state, "permissions")
        for token in named.distinct()[:at_most]
    ]


def audit_entries(text: str, subject: Subject, at_most: int) -> list[Found]:
    """Entries of the trail by id or by number."""
    if not may(subject, Permission.READ_AUDIT):
        return []
    wanted = _by_id_or_number(text)
    found = Entry.objects.filter(audit.visible(subject), **wanted) if wanted else Entry.objects.none()
    return [_entry(entry) for entry in found[:at_most]]


def _by_id_or_number(text: str) -> dict[str, UUID | int]:
    try:
        return {"id": UUID(text)}
    except ValueError:
        return {"sequence": int(text)} if text.isascii() and text.isdigit() and len(text) < 19 else {}


def _entry(entry: Entry) -> Found:
    url = reverse("audit-entry", args=(entry.sequence,))
    return Found(f"{entry.action} by {entry.by_name}", url, f"entry {entry.sequence}", "audit")
