"""Every setting: its default, its file, its refusal; and nothing that is not a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import env
from core.options import AGENT_SIDE, OPTIONS, Config, Option, SettingRefusedError, load

# What makes some settings allowed at all.
TOGETHER = {
    "POSTROOM_JWT_JWKS_URL": {"POSTROOM_JWT_ISSUER": "https://issuer.example"},
    "POSTROOM_JWT_KEY_FILE": {"POSTROOM_JWT_ISSUER": "https://issuer.example"},
    "POSTROOM_JWT_ISSUER": {"POSTROOM_JWT_JWKS_URL": "https://issuer.example/keys"},
    "POSTROOM_OIDC_ISSUER": {"POSTROOM_OIDC_CLIENT_ID": "p", "POSTROOM_OIDC_CLIENT_SECRET": "s"},
    "POSTROOM_OIDC_CLIENT_ID": {"POSTROOM_OIDC_ISSUER": "https://o", "POSTROOM_OIDC_CLIENT_SECRET": "s"},
    "POSTROOM_OIDC_CLIENT_SECRET": {"POSTROOM_OIDC_ISSUER": "https://o", "POSTROOM_OIDC_CLIENT_ID": "p"},
}

# For each parser a value that it takes; an option whose parser is not here makes the test fail.
EXAMPLES: dict[Callable[[str], Any], str] = {
    env.text: "a-long-enough-text",
    env.patience: "mail.*=60/300,extract=30/600/120",
    env.path: "/srv/postroom",
    env.switch: "on",
    env.duration: "12h",
    env.host_port: "0.0.0.0:9000",
    env.comma_list: "one,two",
    env.networks: "10.0.0.0/8",
    env.hosts_and_networks: "10.0.0.0/8,*.internal",
    env.jwt_algorithms: "ES256",
    env.http_url: "https://keys.example",
    env.intake_url: "http://intake:4318",
    env.database_url: "postgresql://h/db",
    env.redis_url: "redis://h:6379/0",
    env.brokers: "main=redis://h:6379/0",
    env.management_urls: "main=http://h:15672",
}
WORDS = {"POSTROOM_LOG_FORMAT": "json", "POSTROOM_LOG_LEVEL": "debug", "POSTROOM_TEST_REQUIRE": "redis"}

# Any text is allowed for these; everything else refuses one that makes no sense.
ANYTHING = {env.text, env.path, env.comma_list}


def example(option: Option) -> str:
    return WORDS.get(option.name) or EXAMPLES[option.parse]


def by_name(option: Option) -> str:
    return option.name


def test_without_an_environment_every_setting_has_its_default() -> None:
    config = load({})
    assert config.data_dir == Path("./.postroom")
    assert config.bind == env.HostPort("127.0.0.1", 8000)
    assert (config.database_url, config.redis_url, config.admin_password) == (None, None, None)
    assert config.retention_spans == config.retention_ledger == timedelta(days=7)
    assert config.retention_letters == timedelta(days=90)
    assert config.retention_audit == timedelta(days=400)
    assert config.environment == "default"
    assert not config.https
    assert not config.debug


@pytest.mark.parametrize("option", OPTIONS, ids=by_name)
def test_default_is_a_value_that_would_be_allowed(option: Option) -> None:
    given = {} if option.default is None else {option.name: option.default}
    assert load(given) == load({})


@pytest.mark.parametrize("option", OPTIONS, ids=by_name)
def test_value__accepted(option: Option) -> None:
    config = load({option.name: example(option)} | TOGETHER.get(option.name, {}))
    assert getattr(config, option.field) == option.parse(example(option))


@pytest.mark.parametrize("option", OPTIONS, ids=by_name)
def test_value_from_a_file__accepted(option: Option, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(example(option) + "\n")
    config = load({f"{option.name}_FILE": str(file)} | TOGETHER.get(option.name, {}))
    assert getattr(config, option.field) == option.parse(example(option))


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.parse not in ANYTHING], ids=by_name)
def test_senseless_value__refused(option: Option) -> None:
    with pytest.raises(SettingRefusedError) as refusal:
        load({option.name: "?senseless?"})
    sentence = str(refusal.value)
    assert sentence.startswith(f"{option.name}=")
    assert "is refused: " in sentence
    assert ("?senseless?" in sentence) is not option.secret
    assert ("(hidden)" in sentence) is option.secret


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.empty_means_off], ids=by_name)
def test_empty_means_off_where_the_docs_say_so(option: Option) -> None:
    assert getattr(load({option.name: ""}), option.field) is None


@pytest.mark.parametrize("option", [o for o in OPTIONS if not o.empty_means_off], ids=by_name)
def test_empty_means_not_given_elsewhere(option: Option) -> None:
    assert load({option.name: ""}) == load({})


def test_unknown_name__refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingRefusedError, match="Did you mean POSTROOM_DATABASE_URL\\?"):
        load({"POSTROOM_DATABSE_URL": "sqlite:///x"})


def test_names_of_the_agents_side_are_none_of_our_business() -> None:
    assert load(dict.fromkeys(AGENT_SIDE, "whatever")) == load({})


def test_names_of_others_are_left_alone() -> None:
    assert load({"PATH": "/bin", "OTEL_SERVICE_NAME": "x", "XPOSTROOM_Y": "z"}) == load({})


def test_value_and_file_at_once__refused(tmp_path: Path) -> None:
    with pytest.raises(SettingRefusedError, match="are both set"):
        load({"POSTROOM_SECRET_KEY": "a", "POSTROOM_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_file_that_is_not_there__refused(tmp_path: Path) -> None:
    with pytest.raises(SettingRefusedError, match="cannot be read: no such file"):
        load({"POSTROOM_SECRET_KEY_FILE": str(tmp_path / "nowhere")})


def test_empty_file__refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(SettingRefusedError, match="is empty"):
        load({"POSTROOM_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_file_that_is_no_text__refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingRefusedError, match="POSTROOM_SECRET_KEY_FILE="):
        load({"POSTROOM_SECRET_KEY_FILE": str(tmp_path / "key")})


@pytest.mark.parametrize(
    "environ",
    [
        {"POSTROOM_JWT_JWKS_URL": "https://k.example"},
        {"POSTROOM_JWT_KEY_FILE": "/keys.pem"},
        {"POSTROOM_JWT_ISSUER": "https://i.example"},
        {
            "POSTROOM_JWT_ISSUER": "i",
            "POSTROOM_JWT_KEY_FILE": "/keys.pem",
            "POSTROOM_JWT_JWKS_URL": "https://k.example",
        },
        {"POSTROOM_OIDC_ISSUER": "https://o.example"},
        {"POSTROOM_OIDC_CLIENT_ID": "p", "POSTROOM_OIDC_CLIENT_SECRET": "s"},
    ],
    ids="+".join,
)
def test_settings_that_mean_something_only_together__refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingRefusedError):
        load(environ)


def test_the_config_has_a_field_for_each_option_and_no_other() -> None:
    assert [field.name for field in fields(Config)] == [option.field for option in OPTIONS]


def test_the_config_never_shows_a_secret() -> None:
    secrets = [option for option in OPTIONS if option.secret and option.parse is env.text]
    environ = {option.name: f"sesame-{option.field}" for option in secrets}
    environ |= TOGETHER["POSTROOM_OIDC_CLIENT_SECRET"]
    environ |= {"POSTROOM_REDIS_URL": "redis://:sesame@h", "POSTROOM_ENCRYPTION_KEYS": "sesame"}
    environ |= {
        "POSTROOM_DATABASE_URL": "postgresql://u:sesame@h/d",
        "POSTROOM_BROKERS": "a=amqp://u:sesame@h",
    }
    shown = repr(load(environ))
    assert "sesame" not in shown
    assert "admin_password=(hidden)" in shown
    assert "environment='default'" in shown


def test_what_may_hold_a_password_is_marked_as_a_secret() -> None:
    carrying = {env.database_url, env.redis_url, env.brokers}
    assert [o.name for o in OPTIONS if o.parse in carrying and not o.secret] == []
