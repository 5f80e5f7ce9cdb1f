"""What `up` is going to start, decided before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core import tracing
from core.data_dir import DataDir
from core.env import HostPort
from core.options import OPTIONS, Config
from core.up import ports, redis, sockets
from core.up.redis import PrivateRedis

OTLP_HTTP, OTLP_GRPC = "POSTROOM_OTLP_HTTP_BIND", "POSTROOM_OTLP_GRPC_BIND"
DEFAULTS = {option.name: option.default or "" for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Plan:
    """The addresses, and what the children find in their environment."""

    web: HostPort
    otlp_http: HostPort | None
    otlp_grpc: HostPort | None
    intake_url: str
    redis: PrivateRedis | None
    redis_url: str
    environ: Mapping[str, str]
    # Sentences for the user about what was decided differently from what the settings say.
    notes: tuple[str, ...] = ()

    @property
    def intake_socket(self) -> Path | None:
        return Path(self.intake_url.removeprefix("unix:")) if self.intake_url.startswith("unix:") else None


def make(
    config: Config, data: DataDir, bind: HostPort | None, environ: Mapping[str, str], folder: Path
) -> Plan:
    """Settle every address, or refuse the start with a sentence."""
    web = ports.web(bind or config.bind)
    http = ports.otlp(config.otlp_http_bind, OTLP_HTTP, DEFAULTS[OTLP_HTTP])
    grpc = ports.otlp(config.otlp_grpc_bind, OTLP_GRPC, DEFAULTS[OTLP_GRPC])
    private = None if config.redis_url else redis.plan(folder, redis.program())
    redis_url = config.redis_url or (private.url if private else "")
    intake = config.intake_url or _intake_url(http, folder)
    doors = [(door.host, door.port) for door in (web, http, grpc) if door]
    echo = tracing.into_itself(environ, doors)
    given = {
        "POSTROOM_DATA_DIR": str(data.root),
        "POSTROOM_BIND": str(web),
        OTLP_HTTP: str(http or ""),
        OTLP_GRPC: str(grpc or ""),
        "POSTROOM_INTAKE_URL": intake,
        "POSTROOM_REDIS_URL": redis_url,
    }
    children = with_settings(tracing.without_otel(environ) if echo else environ, given)
    notes = (*_moved(config, http, grpc), *(_ECHO if echo else ()))
    return Plan(web, http, grpc, intake, private, redis_url, children, notes)


_ECHO = (
    "The OTEL_ variables of this shell point to Postroom itself; its own traces stay off, or each would cause "
    "the next.",
)


def with_settings(environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The environment with these settings in place of what stood there, in a file or not."""
    hidden = {f"{name}_FILE" for name in given}
    kept = {name: value for name, value in environ.items() if name not in hidden}
    return kept | dict(given) | {"PYTHONUNBUFFERED": "1"}


def _intake_url(http: HostPort | None, folder: Path) -> str:
    """Web reaches intake at its port, or through a socket where the port is switched off."""
    if http:
        return f"http://{HostPort(_reachable(http.host), http.port)}"
    socket = folder / "intake.sock"
    if sockets.fits(socket):
        return f"unix:{socket}"
    return f"http://{ports.free('127.0.0.1')}"


def _reachable(host: str) -> str:
    from core.up.ready import reachable

    return reachable(host)


def _moved(config: Config, http: HostPort | None, grpc: HostPort | None) -> tuple[str, ...]:
    pairs = (("OTLP/HTTP", config.otlp_http_bind, http), ("OTLP/gRPC", config.otlp_grpc_bind, grpc))
    return tuple(
        f"{name} listens on {found}, because {wanted} is taken."
        for name, wanted, found in pairs
        if found and found != wanted
    )
