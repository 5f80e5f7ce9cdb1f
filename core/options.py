"""Every POSTROOM_ setting: its name, its default, what is allowed, and what it is for.

Read once, at the start. docs/settings.md is made from this list, and a test keeps them equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from core import env


class SettingRefusedError(Exception):
    """A setting is unknown or has a value that is not allowed; the start stops here."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as users write it. `default` is text, as if it had been given; None means off or derived."""

    name: str
    parse: Callable[[str], Any]
    default: str | None
    about: str
    secret: bool = False
    empty_means_off: bool = False

    @property
    def field(self) -> str:
        return self.name.removeprefix("POSTROOM_").lower()


OPTIONS: tuple[Option, ...] = (
    Option(
        "POSTROOM_DATA_DIR", env.path, "./.postroom", "Where the embedded databases, keys and sockets live."
    ),
    Option(
        "POSTROOM_DATABASE_URL",
        env.database_url,
        None,
        "Accounts, letters, operations, alerts: what is precious. Without it: a SQLite file in the data directory.",
        secret=True,
    ),
    Option(
        "POSTROOM_TELEMETRY_DATABASE_URL",
        env.database_url,
        None,
        "Spans, logs, samples: what is large and expires. Without it: beside the first (on PostgreSQL in a schema "
        "of its own).",
        secret=True,
    ),
    Option(
        "POSTROOM_REDIS_URL",
        env.redis_url,
        None,
        "Celery's broker, live state and leases. Without it: the embedded server that `manage.py up` starts.",
        secret=True,
    ),
    Option(
        "POSTROOM_BROKERS",
        env.brokers,
        None,
        "The brokers whose queues are shown, name=url,name=url (redis, rediss, amqp, amqps). Without it: "
        "`main`, the Redis above.",
        secret=True,
    ),
    Option(
        "POSTROOM_BROKER_MANAGEMENT",
        env.management_urls,
        "",
        "Where RabbitMQ's management API answers, name=url,name=url by the brokers' names (http, https; a user in it "
        "replaces the broker's). Without it: port 15672 of the broker's own host (15671 with TLS).",
        secret=True,
    ),
    Option("POSTROOM_BIND", env.host_port, "127.0.0.1:8000", "Where pages, API and websockets answer."),
    Option(
        "POSTROOM_OTLP_HTTP_BIND",
        env.host_port,
        "127.0.0.1:4318",
        "Where OTLP/HTTP, heartbeats and events arrive. Empty: off (the web port still takes them).",
        empty_means_off=True,
    ),
    Option(
        "POSTROOM_OTLP_GRPC_BIND",
        env.host_port,
        "127.0.0.1:4317",
        "Where OTLP/gRPC arrives. Empty: off.",
        empty_means_off=True,
    ),
    Option(
        "POSTROOM_INTAKE_URL",
        env.intake_url,
        None,
        "Where web passes the machines' paths on to, http://HOST:PORT or unix:/PATH. Without it: the address of "
        "OTLP/HTTP above.",
    ),
    Option(
        "POSTROOM_ADMIN_PASSWORD",
        env.text,
        None,
        "The admin's password at the first start. Without it: made up and printed once.",
        secret=True,
    ),
    Option(
        "POSTROOM_SECRET_KEY",
        env.text,
        None,
        "Signs sessions and links. Without it: made once and kept in the data directory.",
        secret=True,
    ),
    Option(
        "POSTROOM_AUDIT_KEY",
        env.text,
        None,
        "Keys the audit trail's chain. Without it: made once and kept in the data directory. Several hosts "
        "must share one.",
        secret=True,
    ),
    Option(
        "POSTROOM_SIGNING_KEY",
        env.text,
        None,
        "Postroom's own key for what it signs, such as redrives, is made from it. Without it: made once and kept in "
        "the data directory. Several hosts must share one.",
        secret=True,
    ),
    Option(
        "POSTROOM_ALLOWED_HOSTS",
        env.comma_list,
        "127.0.0.1,localhost,[::1]",
        "Host names that requests may carry.",
    ),
    Option(
        "POSTROOM_TRUSTED_PROXIES",
        env.networks,
        "",
        "Addresses or networks whose X-Forwarded-… headers are believed.",
    ),
    Option(
        "POSTROOM_HTTPS",
        env.switch,
        "off",
        "On when users reach Postroom over https: secure cookies, HSTS, redirects.",
    ),
    Option(
        "POSTROOM_DEBUG", env.switch, "off", "For developing Postroom itself: the style guide, error details."
    ),
    Option(
        "POSTROOM_ENCRYPTION_KEYS",
        env.comma_list,
        "",
        "Keys for letters' bodies at rest, newest first.",
        secret=True,
    ),
    Option("POSTROOM_JWT_JWKS_URL", env.http_url, None, "Accept JWTs signed by the keys published here."),
    Option(
        "POSTROOM_JWT_KEY_FILE",
        env.path,
        None,
        "Accept JWTs signed by the public key (PEM or JWKS) in this file.",
    ),
    Option("POSTROOM_JWT_ISSUER", env.text, None, "The `iss` that a JWT must carry."),
    Option("POSTROOM_JWT_AUDIENCE", env.text, "postroom", "The `aud` that a JWT must carry."),
    Option(
        "POSTROOM_JWT_ALGORITHMS",
        env.jwt_algorithms,
        "RS256,ES256,EdDSA",
        "The signature algorithms that are accepted; `none` and the HS family never are.",
    ),
    Option("POSTROOM_JWT_LEEWAY", env.duration, "30s", "How far apart the clocks may be."),
    Option("POSTROOM_OIDC_ISSUER", env.http_url, None, "Let people sign in at this OpenID provider."),
    Option("POSTROOM_OIDC_CLIENT_ID", env.text, None, "Postroom's name at the provider."),
    Option("POSTROOM_OIDC_CLIENT_SECRET", env.text, None, "Postroom's secret at the provider.", secret=True),
    Option("POSTROOM_OIDC_SCOPES", env.text, "openid email profile", "What is asked of the provider."),
    Option("POSTROOM_OIDC_NAME", env.text, "single sign-on", "What the sign-in button calls the provider."),
    Option(
        "POSTROOM_OUTBOUND_ALLOW",
        env.hosts_and_networks,
        "",
        "Hosts (`*.internal`), addresses and networks that health checks, cards and webhooks may reach although they "
        "are not public.",
    ),
    Option(
        "POSTROOM_PUBLIC_URL",
        env.http_url,
        None,
        "Where users reach Postroom, such as `https://postroom.example`: what links in notices begin with. Without "
        "it they begin with `http://` and POSTROOM_BIND.",
    ),
    Option("POSTROOM_RETENTION_SPANS", env.duration, "7d", "How long spans and logs are kept."),
    Option("POSTROOM_RETENTION_LEDGER", env.duration, "7d", "How long the life of a message is kept."),
    Option(
        "POSTROOM_RETENTION_LETTERS",
        env.duration,
        "90d",
        "How long processed and purged letters are kept. A held letter is never removed.",
    ),
    Option(
        "POSTROOM_RETENTION_PURGED",
        env.duration,
        "7d",
        "How long a purge can be taken back; then the letters' bodies and headers are erased.",
    ),
    Option(
        "POSTROOM_RETENTION_AUDIT", env.duration, "400d", "How long the audit trail is kept, in whole months."
    ),
    Option(
        "POSTROOM_PATIENCE",
        env.patience,
        "",
        "How long is too long, QUEUE=WAIT/WORK or QUEUE=WAIT/WORK/RETRY in seconds, separated by commas; `*` stands "
        "for anything, the first that matches decides. Without it: learned per queue.",
    ),
    Option(
        "POSTROOM_ENVIRONMENT",
        env.text,
        "default",
        "The environment of what does not name its own.",
    ),
    Option("POSTROOM_LOG_FORMAT", env.one_of("console", "json"), "console", "How log lines are written."),
    Option(
        "POSTROOM_LOG_LEVEL", env.one_of("debug", "info", "warning", "error"), "info", "How much is logged."
    ),
    Option(
        "POSTROOM_TEST_REQUIRE",
        env.several_of("postgres", "rabbitmq", "redis", "chromium"),
        "",
        "Tests only: what must be there; a missing one fails instead of being skipped.",
    ),
)

# What belongs to the agents' side may stand in the same environment and is none of the server's business.
AGENT_SIDE = frozenset(
    {"POSTROOM_URL", "POSTROOM_TOKEN", "POSTROOM_TOKEN_FILE", "POSTROOM_BROKER_URL", "POSTROOM_AGENT_DIR"}
    | {"POSTROOM_BROKER_URL_FILE", "POSTROOM_BROKER_NAME", "POSTROOM_CONTENT_URL", "POSTROOM_SPOOL"}
    | {"POSTROOM_CA_FILE", "POSTROOM_CLIENT_CERT_FILE", "POSTROOM_CLIENT_KEY_FILE"}
)


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """The settings, parsed. Field names are the options' names, in small letters, without POSTROOM_."""

    data_dir: Path
    database_url: env.DatabaseUrl | None
    telemetry_database_url: env.DatabaseUrl | None
    redis_url: str | None
    brokers: tuple[env.BrokerUrl, ...] | None
    broker_management: tuple[tuple[str, str], ...]
    bind: env.HostPort
    otlp_http_bind: env.HostPort | None
    otlp_grpc_bind: env.HostPort | None
    intake_url: str | None
    admin_password: str | None
    secret_key: str | None
    audit_key: str | None
    signing_key: str | None
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    https: bool
    debug: bool
    encryption_keys: tuple[str, ...]
    jwt_jwks_url: str | None
    jwt_key_file: Path | None
    jwt_issuer: str | None
    jwt_audience: str
    jwt_algorithms: tuple[str, ...]
    jwt_leeway: timedelta
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret: str | None
    oidc_scopes: str
    oidc_name: str
    outbound_allow: tuple[str, ...]
    public_url: str | None
    retention_spans: timedelta
    retention_ledger: timedelta
    retention_letters: timedelta
    retention_purged: timedelta
    retention_audit: timedelta
    patience: tuple[tuple[str, float, float, float], ...]
    environment: str
    log_format: str
    log_level: str
    test_require: tuple[str, ...]

    def __repr__(self) -> str:
        """Fit for a log or an error page: which secrets are set, never what they are."""
        return f"Config({', '.join(self._shown(option) for option in OPTIONS)})"

    def _shown(self, option: Option) -> str:
        value = getattr(self, option.field)
        return f"{option.field}={'(hidden)' if option.secret and value else repr(value)}"


def load(environ: Mapping[str, str]) -> Config:
    """Read every option from the environment, or raise SettingRefusedError naming the first one that is wrong."""
    _refuse_unknown(environ)
    config = Config(**{option.field: _value(option, environ) for option in OPTIONS})
    _refuse_half_set(config)
    return config


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {option.name for option in OPTIONS}
    known |= {f"{name}_FILE" for name in known} | AGENT_SIDE
    for name in sorted(environ):
        if name.startswith("POSTROOM_") and name not in known:
            near = _nearest(name, known)
            raise SettingRefusedError(
                f"{name} is not a setting of Postroom. Did you mean {near}? docs/settings.md lists all."
            )


def _refuse_half_set(config: Config) -> None:
    """Settings that mean something only together. A token of any issuer, say, must not be let in by omission."""
    keys = config.jwt_jwks_url or config.jwt_key_file
    if config.jwt_jwks_url and config.jwt_key_file:
        raise SettingRefusedError(
            "POSTROOM_JWT_JWKS_URL and POSTROOM_JWT_KEY_FILE are both set; keep one of them."
        )
    if bool(keys) != bool(config.jwt_issuer):
        raise SettingRefusedError(
            "JWTs need POSTROOM_JWT_ISSUER and one of POSTROOM_JWT_JWKS_URL and POSTROOM_JWT_KEY_FILE; "
            f"{'the issuer is' if keys else 'the keys are'} missing."
        )
    oidc = (config.oidc_issuer, config.oidc_client_id, config.oidc_client_secret)
    if any(oidc) and not all(oidc):
        raise SettingRefusedError(
            "Sign-in at a provider needs POSTROOM_OIDC_ISSUER, POSTROOM_OIDC_CLIENT_ID and "
            "POSTROOM_OIDC_CLIENT_SECRET together."
        )


def _nearest(name: str, known: set[str]) -> str:
    import difflib

    return (difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0) or ["another"])[0]


def _value(option: Option, environ: Mapping[str, str]) -> Any:
    raw = _raw(option, environ)
    if raw is None or (raw == "" and option.empty_means_off):
        return None
    try:
        return option.parse(raw)
    except ValueError as problem:
        shown = "(hidden)" if option.secret else repr(raw)
        raise SettingRefusedError(f"{option.name}={shown} is refused: {problem}.") from None


def _raw(option: Option, environ: Mapping[str, str]) -> str | None:
    """The text of a setting: given, in the file that _FILE names, or the default. Empty means not given."""
    given, file = environ.get(option.name), environ.get(f"{option.name}_FILE")
    if given and file:
        raise SettingRefusedError(f"{option.name} and {option.name}_FILE are both set; keep one of them.")
    if file:
        return _read(option, file)
    if given == "" and option.empty_means_off:
        return ""
    return given or option.default


def _read(option: Option, file: str) -> str:
    try:
        content = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as problem:
        raise SettingRefusedError(
            f"{option.name}_FILE={file!r} cannot be read: {_reason(problem)}."
        ) from None
    if not content:
        raise SettingRefusedError(f"{option.name}_FILE={file!r} is empty.")
    return content


def _reason(problem: Exception) -> str:
    return re.sub(r"^\[Errno \d+\] ", "", str(problem)).partition(":")[0].lower()
