"""Django's settings, made from the options. Nothing else in the project reads the environment."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp import constants as csp

from core import databases, logs, redis_url
from core.data_dir import DataDir, DataDirError
from core.options import Config, SettingRefusedError, load

ROOT = Path(__file__).resolve().parent.parent


def _start() -> tuple[Config, DataDir]:
    """Read the options and make the data directory, or end with one clear sentence."""
    try:
        config = load(os.environ)
        data = DataDir(config.data_dir)
        data.make()
    except (SettingRefusedError, DataDirError) as problem:
        sys.exit(f"postroom: {problem}")
    return config, data


POSTROOM, DATA = _start()

SECRET_KEY = POSTROOM.secret_key or DATA.secret("secret")
AUDIT_KEY = POSTROOM.audit_key or DATA.secret("audit")
SIGNING_KEY = POSTROOM.signing_key or DATA.secret("signing")
DEBUG = POSTROOM.debug
ALLOWED_HOSTS = list(POSTROOM.allowed_hosts)
ROOT_URLCONF = "core.urls"
ASGI_APPLICATION = "core.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

INSTALLED_APPS = [
    "core.access.admin_site.PostroomAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "core.apps.CoreConfig",
    "core.access.apps.AccessConfig",
    "core.access.audit.apps.AuditConfig",
    "agents.spans.apps.SpansConfig",
    "agents.registry.apps.RegistryConfig",
    "agents.prices.apps.PricesConfig",
    "agents.searches.apps.SearchesConfig",
    "agents.topology.apps.TopologyConfig",
    "agents.ledger.apps.LedgerConfig",
    "agents.queues.apps.QueuesConfig",
    "agents.queues.control.apps.ControlConfig",
    "agents.deadletters.apps.DeadlettersConfig",
    "agents.operations.apps.OperationsConfig",
    "agents.alerts.apps.AlertsConfig",
    "dashboard.apps.DashboardConfig",
    "dashboard.api.apps.ApiConfig",
]

MIDDLEWARE = [
    "core.request_log.RequestLogMiddleware",
    "core.access.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "dashboard.pages.errors.ErrorPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.access.middleware.AccessMiddleware",
    "axes.middleware.AxesMiddleware",
]

# ---- Databases and Redis ---------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = databases.connections(
    DATA, POSTROOM.database_url, POSTROOM.telemetry_database_url
)
DATABASE_ROUTERS = ["core.databases.Router"]
REDIS_URL = redis_url.find(POSTROOM.redis_url, DATA)
INTAKE_URL = POSTROOM.intake_url or f"http://{POSTROOM.otlp_http_bind or '127.0.0.1:4318'}"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "postroom"},
    }
}

# ---- People and sessions ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "access.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_NAME = "postroom_session"
# A session ends after a working day however busy it is, and sooner when nobody uses it.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = 2 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "postroom_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "dashboard.pages.errors.forged"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]

# Five wrong passwords from one address for one name: a quarter of an hour of rest. By name *and* address, so that a
# stranger cannot lock the admin out.
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "core.access.sign_in.locked_out"
# REMOTE_ADDR is the client's own address: TrustedProxyMiddleware saw to it.
AXES_CLIENT_IP_CALLABLE = "core.access.sign_in.address_of"

# ---- What a page may load --------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF, csp.NONCE],
        "style-src": [csp.SELF, csp.NONCE],
        "img-src": [csp.SELF, "data:"],
        "font-src": [csp.SELF],
        "connect-src": [csp.SELF],
        "manifest-src": [csp.SELF],
        "form-action": [csp.SELF],
        "base-uri": [csp.NONE],
        "frame-ancestors": [csp.NONE],
    }
}

# ---- Logs ------------------------------------------------------------------------------------------------------
LOGGING = logs.config(POSTROOM.log_format, POSTROOM.log_level)

# ---- https -----------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = POSTROOM.https
# Safe to believe: TrustedProxyMiddleware takes the header off every request that no trusted proxy sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Probes and Prometheus come from inside, past whatever speaks https to the users.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if POSTROOM.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = POSTROOM.https

# ---- Pages -----------------------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = ROOT / ".build" / "static"
STATICFILES_DIRS = [ROOT / "static"]
# Scripts from npm, when they were gathered.
if (_packages := ROOT / ".build" / "packages").is_dir():
    STATICFILES_DIRS.append(_packages)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "core.static_storage.HashedStorage"
    },
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# ---- The API ---------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["dashboard.api.door.SubjectAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["dashboard.api.door.DeclaredPermission"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "dashboard.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Postroom",
    "DESCRIPTION": "The control room for the messages of multi-agent systems: everything that the pages do.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": None,
    "SERVE_PERMISSIONS": ["dashboard.api.door.DeclaredPermission"],
    "COMPONENT_SPLIT_REQUEST": True,
    # Two fields named `state` with different words need a name each.
    "ENUM_NAME_OVERRIDES": {
        "Permission": "dashboard.api.access_shapes.NAMES",
        "TokenState": "dashboard.api.access_shapes.TOKEN_STATES",
        "ApprovalState": "dashboard.api.access_shapes.APPROVAL_STATES",
        "MessageState": "agents.ledger.values.STATES",
        "EventKind": "dashboard.api.message_shapes.KINDS",
        "EventSource": "dashboard.api.message_shapes.SOURCES",
        "AgentState": "dashboard.api.agents_shapes.STATES",
        "LetterState": "dashboard.api.letters_shapes.STATES",
        "FailureClass": "dashboard.api.letters_shapes.CLASSES",
        "FailureReason": "dashboard.api.letters_shapes.REASONS",
        "AlertState": "dashboard.api.alerts.STATES",
        "AlertSeverity": "dashboard.api.alerts.SEVERITIES",
        "AlertSignal": "dashboard.api.alert_rules.SIGNALS",
        "SilenceKind": "dashboard.api.alert_rules.SILENCES",
        "SilenceState": "dashboard.api.alert_rules.SILENCE_STATES",
        "ChannelKind": "dashboard.api.channels.CHANNELS",
        "NoticeKind": "dashboard.api.channels.NOTICE_KINDS",
        "NoticeState": "dashboard.api.channels.NOTICE_STATES",
        "PolicyEffect": "dashboard.api.sender_policies.EFFECTS",
        "TraceState": "dashboard.api.trace_shapes.TRACE_STATES",
        "Health": "dashboard.api.topology.HEALTH",
        "OperationAction": "dashboard.api.operations_shapes.ACTIONS",
        "OperationState": "dashboard.api.operations_shapes.STATES",
        "PlanState": "dashboard.api.operations_shapes.PLAN_STATES",
        "MemberState": "dashboard.api.operations_shapes.ITEM_STATES",
        "GuardKind": "dashboard.api.operations_shapes.GUARDS",
        "MaskKind": "dashboard.api.mask_rules.KINDS",
        "GuardStanding": "dashboard.api.operations_shapes.STANDINGS",
        "OutcomeVerdict": "dashboard.api.operations_shapes.VERDICTS",
        "StuckVerdict": "dashboard.api.stuck_shapes.VERDICTS",
        "Triage": "dashboard.api.groups_shapes.TRIAGE",
        "RunState": "dashboard.api.workflows.RUN_STATES",
        "PauseState": "dashboard.api.consumption.PAUSE_STATES",
        "QueueStanding": "dashboard.api.queue_shapes.STANDINGS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "dashboard.api.heartbeats_schema.add",
        "dashboard.api.events_schema.add",
        "dashboard.api.schema_parts.add_problems",
    ],
}
