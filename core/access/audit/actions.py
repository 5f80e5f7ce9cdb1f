"""Every action that the audit trail knows: the one place that declares them.

Each room adds its own. A value is written as thing.happened and never changes its meaning: entries outlive code.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What was done. The value is what filters, exports and the API carry."""

    # The trail about itself.
    AUDIT_SEGMENT_DROPPED = "audit.segment_dropped"
    AUDIT_CHECKPOINTS_STARTED = "audit.checkpoints_started"
    AUDIT_EXPORTED = "audit.exported"

    # What an agent reports of its own doing; its own word for it is the target.
    AGENT_REPORTED = "agent.reported"

    # Alerts.
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_CLEARED = "alert.cleared"
    RULE_CREATED = "alert_rule.created"
    RULE_CHANGED = "alert_rule.changed"
    RULE_DELETED = "alert_rule.deleted"
    SILENCE_MADE = "silence.made"
    SILENCE_ENDED = "silence.ended"
    CHANNEL_CREATED = "channel.created"
    CHANNEL_CHANGED = "channel.changed"
    CHANNEL_DELETED = "channel.deleted"
    CHANNEL_TESTED = "channel.tested"
    NOTICE_SENT_AGAIN = "notice.sent_again"

    # Operations.
    PLAN_MADE = "plan.made"
    OPERATION_STARTED = "operation.started"
    OPERATION_APPROVED = "operation.approved"
    OPERATION_REJECTED = "operation.rejected"
    OPERATION_PAUSED = "operation.paused"
    OPERATION_RESUMED = "operation.resumed"
    OPERATION_HALTED = "operation.halted"
    OPERATION_CANCELLED = "operation.cancelled"
    OPERATION_ENDED = "operation.ended"
    OPERATION_SETTLED = "operation.settled"
    LETTERS_ERASED = "letters.erased"
    LETTERS_EXPORTED = "letters.exported"
    LETTERS_EXPORT_ENDED = "letters.export_ended"
    LETTER_REVEALED = "letter.revealed"
    POLICY_CREATED = "redrive_policy.created"
    POLICY_CHANGED = "redrive_policy.changed"
    POLICY_DELETED = "redrive_policy.deleted"

    # Queues and those who consume them.
    QUEUE_PEEKED = "queue.peeked"
    CONSUMPTION_PAUSED = "consumption.paused"
    CONSUMPTION_RESUMED = "consumption.resumed"
    TASK_CANCELLED = "task.cancelled"

    # The demo's fault panel.
    DEMO_BROKEN = "demo.broken"
    DEMO_MENDED = "demo.mended"

    # Failure groups and letters.
    GROUP_TRIAGED = "failure_group.triaged"
    GROUP_NOTED = "failure_group.noted"
    GROUPS_MERGED = "failure_group.merged"
    GROUP_SPLIT = "failure_group.split"
    GROUP_MERGE_UNDONE = "failure_group.merge_undone"
    LETTER_SOURCE_ADDED = "letter_source.added"
    LETTER_SOURCE_CHANGED = "letter_source.changed"
    LETTER_SOURCE_REMOVED = "letter_source.removed"
    MASK_RULE_CHANGED = "mask_rule.changed"
    MASK_RULE_REMOVED = "mask_rule.removed"
    SAVED_SEARCH_CHANGED = "saved_search.changed"
    SAVED_SEARCH_REMOVED = "saved_search.removed"

    # The registry.
    AGENT_REGISTERED = "agent.registered"
    AGENT_CHANGED = "agent.changed"
    AGENT_DEREGISTERED = "agent.deregistered"
    VERSION_DRAINED = "agent.version_drained"
    VERSION_OPENED = "agent.version_opened"
    VERSION_WEIGHED = "agent.version_weighed"

    AGENT_KEYS_CHANGED = "agent.keys_changed"
    SENDER_POLICY_CREATED = "sender_policy.created"
    SENDER_POLICY_CHANGED = "sender_policy.changed"
    SENDER_POLICY_DELETED = "sender_policy.deleted"

    # What models cost.
    PRICE_ENTERED = "price.entered"
    PRICE_CHANGED = "price.changed"
    PRICE_DELETED = "price.deleted"

    # Access.
    SIGNED_IN = "access.signed_in"
    SIGNED_OUT = "access.signed_out"
    SIGN_IN_REFUSED = "access.sign_in_refused"
    CREDENTIAL_REFUSED = "access.credential_refused"
    PASSWORD_CHANGED = "access.password_changed"  # noqa: S105 - the name of an action
    ACCOUNT_CREATED = "access.account_created"
    ACCOUNT_CHANGED = "access.account_changed"
    ACCOUNT_DELETED = "access.account_deleted"
    ROLE_CREATED = "access.role_created"
    ROLE_CHANGED = "access.role_changed"
    ROLE_DELETED = "access.role_deleted"
    GRANT_GIVEN = "access.grant_given"
    GRANT_TAKEN = "access.grant_taken"
    GROUP_CHANGED = "access.group_changed"
    LIMIT_CREATED = "access.limit_created"
    LIMIT_CHANGED = "access.limit_changed"
    LIMIT_DELETED = "access.limit_deleted"
    TOKEN_CREATED = "access.token_created"  # noqa: S105
    TOKEN_REVOKED = "access.token_revoked"  # noqa: S105
    APPROVAL_ASKED = "approval.asked"
    APPROVAL_GIVEN = "approval.given"
    APPROVAL_REFUSED = "approval.refused"
    APPROVAL_WITHDRAWN = "approval.withdrawn"
    APPROVAL_EXPIRED = "approval.expired"
