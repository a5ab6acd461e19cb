"""Refusals: the status, the words and the details with which the API ends a call.

The details are `google.rpc` messages; which ones come with which status was read off answers that people have posted
(google/generative-ai-docs#356, continuedev/continue#10062 and #10290, google-gemini/gemini-cli#8437).
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc

RETRY_AFTER_S = 1.0
"""What a limit that was switched on asks for."""
FREE_TIER_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
"""What the quota of a key that nobody pays for counts."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call ends with a status other than OK."""

    code: grpc.StatusCode
    message: str
    reason: str | None = None
    """`google.rpc.ErrorInfo.reason`; `LocalizedMessage` comes with it."""
    consumer: str | None = None
    """Who was refused, in the metadata of `ErrorInfo`: a project, or the key itself."""
    retry_after: float | None = None
    """`google.rpc.RetryInfo.retry_delay` in seconds."""
    quota: str | None = None
    """`google.rpc.QuotaFailure`: the id of the quota that is used up."""
    help: str | None = None
    """`google.rpc.Help`: an address to read on."""


BAD_KEY = Refuse(
    grpc.StatusCode.INVALID_ARGUMENT,
    "API key not valid. Please pass a valid API key.",
    reason="API_KEY_INVALID",
)
NO_KEY = Refuse(
    grpc.StatusCode.PERMISSION_DENIED,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
    "or other form of API consumer identity to call this API.",
)
EXPIRED_KEY = Refuse(
    grpc.StatusCode.INVALID_ARGUMENT, "API key expired. Please renew the API key.", reason="API_KEY_INVALID"
)
LEAKED_KEY = Refuse(
    grpc.StatusCode.PERMISSION_DENIED, "Your API key was reported as leaked. Please use another API key."
)
UNAUTHENTICATED = Refuse(
    grpc.StatusCode.UNAUTHENTICATED,
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential.",
    reason="ACCESS_TOKEN_TYPE_UNSUPPORTED",
)
SERVICE_DISABLED = Refuse(
    grpc.StatusCode.PERMISSION_DENIED,
    "Generative Language API has not been used in project 1 before or it is disabled.",
    reason="SERVICE_DISABLED",
    consumer="projects/1",
    help="https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=1",
)
LOCATION = Refuse(grpc.StatusCode.FAILED_PRECONDITION, "User location is not supported for the API use.")
BAD_REQUEST = Refuse(grpc.StatusCode.INVALID_ARGUMENT, "Request contains an invalid argument.")
INTERNAL = Refuse(grpc.StatusCode.INTERNAL, "An internal error has occurred. Please retry.")
DEADLINE = Refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline expired before operation could complete.")
CANCELLED = Refuse(grpc.StatusCode.CANCELLED, "The operation was cancelled.")


def suspended(key: str) -> Refuse:
    """The answer to a key that was suspended: it repeats the key."""
    consumer = f"api_key:{key}"
    message = f"Permission denied: Consumer '{consumer}' has been suspended."
    return Refuse(grpc.StatusCode.PERMISSION_DENIED, message, reason="CONSUMER_SUSPENDED", consumer=consumer)


def model_not_found(model: str) -> Refuse:
    """The answer for a model that is unknown or shut down."""
    return Refuse(
        grpc.StatusCode.NOT_FOUND,
        f"{model} is not found for API version v1beta, or is not supported for generateContent. Call "
        "ListModels to see the list of available models and their supported methods.",
    )


def overloaded(retry_after: float | None = None) -> Refuse:
    """The answer of a model that has too much to do."""
    message = "The model is overloaded. Please try again later."
    return Refuse(grpc.StatusCode.UNAVAILABLE, message, retry_after=retry_after)


def rate_limit(retry_after: float | None) -> Refuse:
    """The answer over the limit: with the quota and a pause where the API tells them."""
    if retry_after is None:
        return Refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "Resource has been exhausted (e.g. check quota).")
    return Refuse(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: "
        f"{FREE_TIER_METRIC}\nPlease retry in {retry_after}s.",
        retry_after=retry_after,
        quota="GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        help="https://ai.google.dev/gemini-api/docs/rate-limits",
    )
