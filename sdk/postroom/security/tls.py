"""TLS and mutual TLS towards brokers, as Celery wants it said."""

from __future__ import annotations

import ssl
from typing import Any

from postroom.errors import ConfigurationError
from postroom.http import Tls


def broker_use_ssl(broker_url: str, tls: Tls) -> dict[str, Any]:
    """Celery's `broker_use_ssl` for this broker. Both sides prove who they are when there is a `cert_file`.

        >>> broker_use_ssl("amqps://broker/", Tls("ca.pem"))["ca_certs"]
        'ca.pem'

    The broker's certificate is always checked; to trust a private authority, name its file.
    """
    scheme = broker_url.removeprefix("postroom+").partition(":")[0]
    if scheme not in {"rediss", "amqps"}:
        raise ConfigurationError(f"{scheme}:// is not encrypted: use rediss:// or amqps:// for TLS.")
    if tls.key_file and not tls.cert_file:
        raise ConfigurationError(
            "A key file without a certificate proves nothing: name the cert_file as well."
        )
    prefix = "ssl_" if scheme == "rediss" else ""
    said = {"ca_certs": tls.ca_file, "certfile": tls.cert_file, "keyfile": tls.key_file}
    files = {f"{prefix}{name}": value for name, value in said.items() if value}
    return files | {f"{prefix}cert_reqs": ssl.CERT_REQUIRED}
