"""What the API accepts of a request, and the calls that nothing here answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from sandbox.gemini.account import Account

ROLES = ("", "user", "model", "function")
MODEL_PREFIXES = ("models/", "tunedModels/")


def fault_of(request: Any) -> str | None:
    """What the API would say about a request that it does not accept (ai.google.dev/api/generate-content)."""
    if not request.model.startswith(MODEL_PREFIXES):
        return "* GenerateContentRequest.model: unexpected model name format"
    if not request.contents:
        return "* GenerateContentRequest.contents: contents is not specified"
    for number, content in enumerate(request.contents):
        if content.role not in ROLES:
            return "Please use a valid role: user, model."
        if not any(_says_something(part) for part in content.parts):
            return f"* GenerateContentRequest.contents[{number}].parts: contents.parts must not be empty."
        if any(part.function_response.name and not part.function_response.id for part in content.parts):
            return f"* GenerateContentRequest.contents[{number}].parts: function_response.id must not be empty."
    if request.contents[-1].role == "model":
        return "Please ensure that the last turn is of role user."
    if request.generation_config.presence_penalty or request.generation_config.frequency_penalty:
        return "Penalty is not enabled for this model"
    if request.generation_config.max_output_tokens < 0:
        return "* GenerateContentRequest.generation_config.max_output_tokens: must be positive."
    return None


def _says_something(part: Any) -> bool:
    return bool(part.text or part.function_call.name or part.function_response.name or part.inline_data.data)


def noting(deserialize: Callable[[bytes], Any], account: Account) -> Callable[[bytes], Any]:
    """`deserialize` for gRPC, which answers what cannot be read with INTERNAL and tells nobody."""

    def read(body: bytes) -> Any:
        try:
            return deserialize(body)
        except Exception as error:
            account.faults.append(f"a request that is no message of its method: {error}")
            raise

    return read


class Unserved(grpc.GenericRpcHandler):
    """The last handler: gRPC answers what none has taken with UNIMPLEMENTED."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def service(self, handler_call_details: Any) -> None:
        """Note the method; never a handler."""
        self._account.faults.append(f"no such method here: {handler_call_details.method}")
