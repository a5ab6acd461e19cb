"""Lavalink's error answers, as seen on 4.2.2."""

import time
from http import HTTPStatus


class LavalinkError(Exception):
    """A request that is answered with an error body; `status` is the HTTP status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class BadRequest(LavalinkError):
    """Bad JSON, a wrong type, a bad path or query value: Lavalink says no more than this."""

    def __init__(self, message: str = "Bad Request") -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, message)


def error_body(error: LavalinkError, path: str, *, trace: bool) -> dict[str, object]:
    """The JSON body; `trace` is there only for requests with `?trace=true`."""
    body: dict[str, object] = {
        "timestamp": int(time.time() * 1000),
        "status": error.status,
        "error": HTTPStatus(error.status).phrase,
        "message": error.message,
        "path": path,
    }
    if trace:
        body["trace"] = f"ResponseStatusException: {error.message}\n\tat sandbox.lavalink"
    return body
