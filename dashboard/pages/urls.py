"""The console's pages."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from dashboard.pages import (
    agent,
    agents,
    alerts,
    approvals,
    audit,
    letter,
    letters,
    logs,
    message,
    messages,
    my_permissions,
    overview,
    sign_in,
    topology,
    trace,
    traces,
    where,
    workflow,
    workflows,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    path("where", where.where, name="where"),
    path("palette", where.palette, name="palette"),
    path("alerts/<uuid:id>/acknowledge", alerts.acknowledge, name="alerts-acknowledge"),
    path("alerts/<uuid:id>/clear", alerts.clear, name="alerts-clear"),
    path("approvals", approvals.approvals_inbox, name="approvals"),
    path("approvals/<uuid:id>/approve", approvals.approve, name="approvals-approve"),
    path("approvals/<uuid:id>/reject", approvals.reject, name="approvals-reject"),
    path("approvals/<uuid:id>/withdraw", approvals.withdraw, name="approvals-withdraw"),
    path("agents", agents.agents, name="agents"),
    path("agents/<uuid:id>", agent.agent, name="agents-agent"),
    path("agents/<uuid:id>/version", agent.change_version, name="agents-version"),
    path("agents/<uuid:id>/deregister", agent.deregister, name="agents-deregister"),
    path("messages", messages.messages, name="messages"),
    path("messages/counts", messages.counts, name="messages-counts"),
    path("messages/one/<path:message_id>", message.message, name="messages-message"),
    path("letters", letters.letters, name="letters"),
    path("letters/newer", letters.newer, name="letters-newer"),
    path("letters/<uuid:id>", letter.letter, name="letters-letter"),
    path("traces", traces.traces, name="traces"),
    path("traces/around", traces.around, name="traces-around"),
    path("traces/newer", traces.newer, name="traces-newer"),
    path("logs", logs.logs, name="logs"),
    path("traces/<str:trace_id>", trace.trace, name="traces-trace"),
    path("traces/<str:trace_id>/rows", trace.rows, name="traces-rows"),
    path("traces/<str:trace_id>/spans/<str:span_id>", trace.span, name="traces-span"),
    path("workflows", workflows.workflows, name="workflows"),
    path("workflows/newest", workflows.newest, name="workflows-newest"),
    path("workflows/<uuid:id>", workflow.workflow, name="workflows-workflow"),
    path("topology", topology.topology, name="topology"),
    path("topology/node", topology.node, name="topology-node"),
    path("audit", audit.audit, name="audit"),
    path("audit/<int:sequence>", audit.entry, name="audit-entry"),
    path("my-permissions", my_permissions.my_permissions, name="my-permissions"),
    path("password", sign_in.change_password, name="change-password"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-in/provider", sign_in.oidc_start, name="oidc-start"),
    path("sign-in/return", sign_in.oidc_return, name="oidc-return"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
]

if settings.DEBUG:
    from dashboard.pages import styleguide

    urlpatterns.append(path("styleguide", styleguide.styleguide, name="styleguide"))
