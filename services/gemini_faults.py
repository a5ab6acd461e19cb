"""What can go wrong in a call to Gemini, by what it means for the asker and for the ledger."""

from __future__ import annotations

import re
from typing import Any

# How gRPC itself words the loss of a connection on which the call had been sent (as opposed to "failed to connect").
_LOST = re.compile(
    r"Stream removed|Socket closed|recvmsg|sendmsg|RST_STREAM|GOAWAY|keepalive|ping timeout", re.IGNORECASE
)

_LONGEST_WORDS = 300


class GeminiError(Exception):
    """The API did not do what was asked."""

    def __init__(self, words: str = "", retry_after: float | None = None, *, refused: bool = True) -> None:
        """`words` are the API's own: for the log alone, which redacts them, as some repeat the key."""
        super().__init__(f"{type(self).__name__}: {words}" if words else type(self).__name__)
        self.retry_after = retry_after
        """Seconds that the API wants to be left alone (`google.rpc.RetryInfo`)."""
        self.refused = refused
        """Whether the API itself said no. It bills no call that it answers with an error before the first chunk
        (ai.google.dev/gemini-api/docs/billing); a call whose answer was lost on the way, it may."""


class RateLimited(GeminiError):
    """429: the quota of the minute or of the day is used up."""


class BadKey(GeminiError):
    """The API key is not valid."""


class Denied(GeminiError):
    """403: the key may not use the API, or not from this country."""


class ModelGone(GeminiError):
    """404: no such model, or not for this key."""


class BadRequest(GeminiError):
    """The API does not accept what was sent."""


class Unavailable(GeminiError):
    """500, 503, a connection that could not be made or broke, or one to something else than the API."""


class TimedOut(GeminiError):
    """504, or nothing came for too long."""


def fault_of(error: Any) -> GeminiError | None:
    """What google.api_core's `GoogleAPICallError` means; None for any other error.

    It is known by what it carries: its package is imported only where a key is set.
    """
    if (code := getattr(error, "grpc_status_code", None)) is None:
        return None
    delays = (getattr(detail, "retry_delay", None) for detail in error.details or ())
    retry_after = next((delay.ToTimedelta().total_seconds() for delay in delays if delay is not None), None)
    words = _words(code.name, error.reason, error.message or "")
    if error.reason == "API_KEY_INVALID":
        return BadKey(words)
    match code.name:
        case "RESOURCE_EXHAUSTED":
            return RateLimited(words, retry_after)
        case "UNAUTHENTICATED":
            return BadKey(words)
        case "PERMISSION_DENIED" | "FAILED_PRECONDITION":
            # The latter in countries where it is not offered (ai.google.dev/gemini-api/docs/troubleshooting).
            return Denied(words)
        case "NOT_FOUND":
            return ModelGone(words)
        case "DEADLINE_EXCEEDED":
            return TimedOut(words)
        case "INVALID_ARGUMENT" | "OUT_OF_RANGE" | "ALREADY_EXISTS":
            return BadRequest(words)
        case _:
            return Unavailable(words, retry_after, refused=_LOST.search(error.message or "") is None)


def _words(status: str, reason: str | None, message: str) -> str:
    # The first line says what is the matter; those after it hold numbers that are others each time.
    first = message.strip().partition("\n")[0].strip()[:_LONGEST_WORDS]
    return ": ".join(filter(None, (f"{status} ({reason})" if reason else status, first)))
