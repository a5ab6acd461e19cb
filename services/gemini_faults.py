"""What can go wrong in a call to Gemini, by what it means for the asker and for the ledger."""

from __future__ import annotations


class GeminiError(Exception):
    """The API did not do what was asked."""

    def __init__(self, retry_after: float | None = None, *, refused: bool = True) -> None:
        super().__init__(type(self).__name__)
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
    """500, 503, or a connection that could not be made or broke."""


class TimedOut(GeminiError):
    """504, or nothing came for too long."""
