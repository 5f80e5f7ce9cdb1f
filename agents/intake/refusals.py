"""Why a whole request is turned away. Each refusal carries its status in HTTP and in gRPC and says what to do next."""

from __future__ import annotations

from agents.intake import limits


class RefusalError(Exception):
    """A request that is not taken; its text is for the sender."""

    http = 400
    grpc = 3  # INVALID_ARGUMENT
    retry_after: int | None = None


class UnreadableError(RefusalError):
    """The body is broken, cut off, or not what its headers say."""


class UnknownTypeError(RefusalError):
    """A Content-Type or Content-Encoding that intake does not read."""

    http = 415


class TooLargeError(RefusalError):
    """The body is above the limit, as it was sent or when unpacked."""

    http = 413
    grpc = 8  # RESOURCE_EXHAUSTED, without RetryInfo: sending it again does not help

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than {limit // limits.MIB} MiB. Send smaller batches.")


class TooManyError(RefusalError):
    """More in one request than is unfolded at once."""

    http = 413
    grpc = 8

    def __init__(self, most: int = limits.MAX_ITEMS) -> None:
        super().__init__(f"The request holds more than {most} items. Send smaller batches.")


class UnauthenticatedError(RefusalError):
    """No proof, or one that is not valid (any more)."""

    http = 401
    grpc = 16


class ForbiddenError(RefusalError):
    """A valid proof without the right to write."""

    http = 403
    grpc = 7


class OverloadedError(RefusalError):
    """As much is in flight as intake takes on; nothing of this request was kept."""

    http = 429
    grpc = 8
    retry_after = limits.RETRY_AFTER_SECONDS

    def __init__(self) -> None:
        super().__init__("Intake is full. Send the same request again after the time given.")


class UnavailableError(RefusalError):
    """The store cannot commit (disk full, database gone) or intake is ending; nothing of this request was kept."""

    http = 503
    grpc = 14
    retry_after = 5
