"""An issuer of JWTs: keys, a JWKS over HTTP, tokens good and bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import clock

ISSUER, AUDIENCE = "https://issuer.example", "postroom"


@lru_cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One key a name: making them takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    return public | {"kid": kid, "use": "sig"}


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good JWT, with changes; a change to None takes a claim away."""
    now = int(clock.unix())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "robot", "iat": now, "exp": now + 300}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(key: Any, *, kid: str | None = "one", algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def unsigned(**changes: Any) -> str:
    """`alg: none`."""
    return jwt.encode(claims(**changes), None, "none")  # type: ignore[arg-type]


def confused(public_pem: str, **changes: Any) -> str:
    """HS256 with the public key as the secret: what a verifier believes that takes the algorithm from the JWT.

    Put together by hand, since the library refuses to.
    """
    head = _part({"alg": "HS256", "typ": "JWT", "kid": "one"})
    body = _part(claims(**changes))
    mac = hmac.new(public_pem.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@dataclass
class Published:
    """A key list that a test may change while it is served."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    fetched: int = 0
    broken: bool = False
    url: str = ""


@contextmanager
def published(*keys: dict[str, Any]) -> Iterator[Published]:
    state = Published(list(keys))

    def answer(path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        state.fetched += 1
        return (503, {}) if state.broken else (200, {"keys": state.keys})

    with serving(answer) as url:
        state.url = f"{url}/jwks"
        yield state


@contextmanager
def serving(answer: Callable[[str, bytes], tuple[int, dict[str, Any]]]) -> Iterator[str]:
    """A small HTTP server on a free port that answers JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, body = answer(self.path, self.rfile.read(length))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - http.server looks for this name

        def log_message(self, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
