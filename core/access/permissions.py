"""Every permission, in the domain's words: the one place that declares them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a subject may do. The value is the name that roles, tokens and the API carry."""

    SEE = "see"
    READ_PAYLOADS = "read_payloads"
    EXPORT = "export"
    TRIAGE = "triage"
    REDRIVE = "redrive"
    EDIT = "edit"
    MOVE = "move"
    PURGE = "purge"
    RESTORE = "restore"
    SETTLE = "settle"
    APPROVE = "approve"
    CONTROL_AGENTS = "control_agents"
    MANAGE_AGENTS = "manage_agents"
    MANAGE_ALERTS = "manage_alerts"
    MANAGE_LETTERS = "manage_letters"
    MANAGE_PRICES = "manage_prices"
    MANAGE_ACCESS = "manage_access"
    READ_AUDIT = "read_audit"
    OBSERVE = "observe"
    WRITE_TELEMETRY = "write_telemetry"
    REGISTER = "register"
    DISCOVER = "discover"
    WRITE_LETTERS = "write_letters"
    RAISE_ALERTS = "raise_alerts"
    WRITE_AUDIT = "write_audit"


@dataclass(frozen=True, slots=True)
class About:
    """How a permission reads on a page."""

    title: str
    means: str


ABOUT: dict[Permission, About] = {
    Permission.SEE: About("See", "See agents, queues, messages, letters and traces, payloads masked."),
    Permission.READ_PAYLOADS: About(
        "Read payloads", "See the bodies and headers of messages and letters unmasked."
    ),
    Permission.EXPORT: About("Export", "Take lists of letters and messages out as files."),
    Permission.TRIAGE: About("Triage", "Acknowledge, assign, mute and annotate failure groups."),
    Permission.REDRIVE: About("Redrive", "Send letters back to a queue."),
    Permission.EDIT: About("Edit", "Change a letter's body or headers in a redrive."),
    Permission.MOVE: About("Move", "Move waiting messages to another queue."),
    Permission.PURGE: About(
        "Purge", "Throw letters or waiting messages away, with a way back until they expire."
    ),
    Permission.RESTORE: About("Restore", "Take purged letters back."),
    Permission.SETTLE: About("Settle", "Decide by hand what became of a message whose outcome is unknown."),
    Permission.APPROVE: About("Approve", "Be the second person that a large operation needs."),
    Permission.CONTROL_AGENTS: About(
        "Control agents", "Pause and resume consumption, cancel a running task."
    ),
    Permission.MANAGE_AGENTS: About("Manage agents", "Change the registry, drain and weight versions."),
    Permission.MANAGE_ALERTS: About("Manage alerts", "Change rules, silences and where notices go."),
    Permission.MANAGE_LETTERS: About(
        "Manage letters", "Change letter sources, masking and redrive policies."
    ),
    Permission.MANAGE_PRICES: About("Manage prices", "Change what models are said to cost."),
    Permission.MANAGE_ACCESS: About(
        "Manage access", "Change accounts, roles, grants, tokens and approval limits."
    ),
    Permission.READ_AUDIT: About("Read the audit trail", "See and export who did what."),
    Permission.OBSERVE: About("Observe Postroom", "Read Postroom's own metrics and what it is missing."),
    Permission.WRITE_TELEMETRY: About("Write telemetry", "Send spans, logs, heartbeats and events."),
    Permission.REGISTER: About("Register", "Register an agent and change its own entry."),
    Permission.DISCOVER: About("Discover", "Ask the registry who can do a job, and read sender policies."),
    Permission.WRITE_LETTERS: About("Write letters", "Hand over messages that an agent gave up on."),
    Permission.RAISE_ALERTS: About("Raise alerts", "Alert the on-call team."),
    Permission.WRITE_AUDIT: About("Write audit entries", "Add entries to the audit trail."),
}
