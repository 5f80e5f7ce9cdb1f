"""Asking Postroom: retries, patience, refusals, TLS, and not asking one that is away."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from postroom.http import (
    AwayError,
    Client,
    ForbiddenError,
    Options,
    RefusedError,
    Tls,
    TokenRefusedError,
    from_environment,
    retry_after,
)

PROBLEM = {
    "title": "Invalid",
    "detail": "The request is refused.",
    "remedy": "Correct it.",
    "errors": [{"field": "version", "detail": "It is no version."}],
}


class Server:
    """Answers what is in its list, one after the other; the last one again and again."""

    def __init__(self, *answers: tuple[int, Any, dict[str, str]]) -> None:
        self.answers, self.asked = list(answers), []  # type: list[Any], list[dict[str, str]]
        self.server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        assert self.server
        return int(self.server.server_port)

    @contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[Server]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.asked.append({name.lower(): value for name, value in self.headers.items()})
                status, body, headers = owner.answers.pop(0) if len(owner.answers) > 1 else owner.answers[0]
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(content))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer  # noqa: N815 - the server's names

            def log_message(self, *_: object) -> None:
                """Quietly."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()


class Time:
    """Sleeping costs nothing, and is noted."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []  # type: float, list[float]

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(server: Server, time: Time | None = None, **options: Any) -> Client:
    said = Options(f"http://127.0.0.1:{server.port}", "secret", timeout=5.0, **options)
    time = time or Time()
    return Client(said, clock=time.clock, sleep=time.sleep)


def test_it_asks_again_after_the_time_that_it_was_told() -> None:
    time = Time()
    with Server((503, PROBLEM, {"Retry-After": "2"}), (200, {"ok": 1}, {"ETag": '"7"'})).serving() as server:
        answer = client(server, time).get("/api/v1/agents")
    assert (answer.body, answer.etag, time.slept) == ({"ok": 1}, '"7"', [2.0])
    assert server.asked[0]["authorization"] == "Bearer secret"


def test_a_longer_patience_than_ours_is_the_callers_affair() -> None:
    with (
        Server((429, PROBLEM, {"Retry-After": "60"})).serving() as server,
        pytest.raises(AwayError, match="The request is refused") as told,
    ):
        client(server).get("/")
    assert (told.value.retry_after, len(server.asked)) == (60.0, 1)


def test_one_that_is_away_is_left_alone_for_a_while_and_a_probe_finds_it_again() -> None:
    time = Time()
    with Server((500, None, {}), (500, None, {}), (500, None, {}), (200, {}, {})).serving() as server:
        asking = client(server, time)
        with pytest.raises(AwayError):
            asking.get("/")
        assert (len(server.asked), asking.is_away) == (3, True)
        with pytest.raises(AwayError):
            asking.get("/")
        assert len(server.asked) == 3
        asking.post("/", {}, probe=True)
        assert not asking.is_away
        assert asking.get("/").status == 200


def test_a_refusal_says_what_is_wrong_and_what_to_do_and_is_no_reason_to_ask_again() -> None:
    with Server((400, PROBLEM, {})).serving() as server:
        with pytest.raises(RefusedError) as told:
            client(server).post("/", {})
        assert str(told.value) == "The request is refused. version: It is no version. Correct it."
        assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "error"), [(401, TokenRefusedError), (403, ForbiddenError)])
def test_each_kind_of_refusal_has_its_own_error(status: int, error: type[Exception]) -> None:
    with Server((status, None, {})).serving() as server, pytest.raises(error):
        client(server).get("/")


def test_nobody_there__away() -> None:
    with pytest.raises(AwayError, match="cannot be reached"):
        Client(Options("http://127.0.0.1:9", timeout=1.0), sleep=lambda _: None).get("/")


def test_what_goes_well_is_not_in_the_agents_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), Server((200, {}, {})).serving() as server:
        client(server).get("/")
    assert "HTTP Request" not in caplog.text


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), ("-1", 0.0), ("soon", None), ("", None)])
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_retry_after_as_a_date() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    assert 90 < (retry_after(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) or 0) <= 100


def test_the_environment_says_where_and_a_file_may_hold_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    said = {"POSTROOM_URL": "https://postroom", "POSTROOM_TOKEN_FILE": str(tmp_path / "token")}
    found = from_environment(said | {"POSTROOM_CA_FILE": "ca.pem"})
    assert (found.url, found.token, found.tls.ca_file) == ("https://postroom", "from a file", "ca.pem")
    assert from_environment(said, url="http://other").url == "http://other"
    assert "from a file" not in repr(found)


# ---- TLS -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of it for a server and for an agent."""
    folder = tmp_path_factory.mktemp("papers")
    authority = certificate(folder, "ca", None)
    for name in ("server", "agent"):
        certificate(folder, name, authority)
    return folder


def test_mutual_tls__accepted_with_a_certificate_and_refused_without(papers: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem", papers / "server.key")
    context.load_verify_locations(papers / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with Server((200, {"ok": 1}, {})).serving(context) as server:
        url = f"https://127.0.0.1:{server.port}"
        ours = Tls(str(papers / "ca.pem"), str(papers / "agent.pem"), str(papers / "agent.key"))
        assert Client(Options(url, tls=ours)).get("/").body == {"ok": 1}
        nobody = Options(url, attempts=1, tls=Tls(str(papers / "ca.pem")))
        with pytest.raises(AwayError, match=r"certificate|alert|reset|closed|EOF|disconnected"):
            Client(nobody).get("/")
        with pytest.raises(AwayError, match="CERTIFICATE_VERIFY_FAILED"):
            Client(Options(url, attempts=1)).get("/")


def certificate(folder: Path, name: str, authority: Any) -> Any:
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = authority or (subject, key)
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return subject, key
