"""Everything below /api/v1/, one line each: the table of contents of the API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from dashboard.api import (
    access,
    agents,
    alerts,
    audit,
    letters,
    logs,
    messages,
    sender_policies,
    topology,
    traces,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("agents", agents.Agents.as_view(), name="api-agents"),
    path("agents/from-card", agents.FromCard.as_view(), name="api-agents-from-card"),
    path("agents/<uuid:id>", agents.OneAgent.as_view(), name="api-agent"),
    path("me", access.Me.as_view(), name="me"),
    path("roles", access.Roles.as_view(), name="api-roles"),
    path("roles/<slug:name>", access.OneRole.as_view(), name="api-role"),
    path("grants", access.Grants.as_view(), name="api-grants"),
    path("grants/<int:id>", access.OneGrant.as_view(), name="api-grant"),
    path("tokens", access.Tokens.as_view(), name="api-tokens"),
    path("tokens/<int:id>", access.OneToken.as_view(), name="api-token"),
    path("approval-limits", access.ApprovalLimits.as_view(), name="api-approval-limits"),
    path("approval-limits/<int:id>", access.OneApprovalLimit.as_view(), name="api-approval-limit"),
    path("approvals", access.Approvals.as_view(), name="api-approvals"),
    path("approvals/<uuid:id>", access.OneApproval.as_view(), name="api-approval"),
    path("approvals/<uuid:id>/approve", access.Approve.as_view(), name="api-approval-approve"),
    path("approvals/<uuid:id>/reject", access.Reject.as_view(), name="api-approval-reject"),
    path("approvals/<uuid:id>/withdraw", access.Withdraw.as_view(), name="api-approval-withdraw"),
    path("traces", traces.Traces.as_view(), name="api-traces"),
    path("traces/facets", traces.TraceFacets.as_view(), name="api-trace-facets"),
    path("traces/suggestions", traces.Suggestions.as_view(), name="api-trace-suggestions"),
    path("traces/<str:trace_id>", traces.OneTrace.as_view(), name="api-trace"),
    path("messages", messages.Messages.as_view(), name="api-messages"),
    path("messages/<path:message_id>", messages.OneMessage.as_view(), name="api-message"),
    path("logs", logs.Logs.as_view(), name="api-logs"),
    path("dead-letters", letters.Letters.as_view(), name="api-letters"),
    path("dead-letters/<uuid:id>", letters.OneLetter.as_view(), name="api-letter"),
    path("dead-letters/<uuid:id>/body", letters.LetterBody.as_view(), name="api-letter-body"),
    path("alerts", alerts.Alerts.as_view(), name="api-alerts"),
    path("alerts/raise", alerts.RaiseAlert.as_view(), name="api-alerts-raise"),
    path("alerts/<uuid:id>", alerts.OneAlert.as_view(), name="api-alert"),
    path("alerts/<uuid:id>/acknowledge", alerts.AcknowledgeAlert.as_view(), name="api-alert-acknowledge"),
    path("alerts/<uuid:id>/clear", alerts.ClearAlert.as_view(), name="api-alert-clear"),
    path("sender-policies", sender_policies.SenderPolicies.as_view(), name="api-sender-policies"),
    path("sender-policies/<int:id>", sender_policies.OneSenderPolicy.as_view(), name="api-sender-policy"),
    path("audit", audit.AuditTrail.as_view(), name="api-audit"),
    path("audit/verification", audit.AuditVerification.as_view(), name="api-audit-verification"),
    path("audit/<uuid:id>", audit.AuditEntry.as_view(), name="api-audit-entry"),
    path("topology", topology.Topology.as_view(), name="api-topology"),
]
