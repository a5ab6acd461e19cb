"""Between the protos of `google.ai.generativelanguage.v1beta` and the stand-in's own words."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from sandbox.gemini.account import Call
from sandbox.gemini.replies import Blocked, FunctionCall, NoParts, Refuse, Text, Thinking

with warnings.catch_warnings():
    # google.api_core warns of every Python version that will one day be too old for it.
    warnings.simplefilter("ignore", FutureWarning)
    # Untyped: proto-plus makes the message classes at run time.
    v1beta: Any = importlib.import_module("google.ai.generativelanguage_v1beta")

Request = Any
Response = Any

# Fields that the API sends today, and that the package's protos are too old to know, by their numbers:
# UsageMetadata.thoughts_token_count, Part.thought_signature, GenerateContentResponse.response_id.
THOUGHTS_FIELD = 10
SIGNATURE_FIELD = 13
RESPONSE_ID_FIELD = 7
_SIGNATURE = bytes(range(40))
_VARINT, _BYTES = 0, 2


def tokens_of(text: str) -> int:
    """A count that is the same for the same text: a token for every four bytes of UTF-8."""
    return -(-len(text.encode()) // 4)


def call_of(request: Request, key: str | None) -> Call:
    """The account's line for a request."""
    last = request.contents[-1] if request.contents else v1beta.Content()
    return Call(
        model=request.model,
        key=key,
        prompt=_text(last),
        question=last.parts[-1].text if last.parts else "",
        system=_text(request.system_instruction),
    )


def prompt_tokens(request: Request) -> int:
    """What the prompt costs, the system instruction included."""
    return sum(tokens_of(_text(content)) for content in (request.system_instruction, *request.contents))


def response_of(step: Text | NoParts | Blocked | FunctionCall | Thinking, model: str) -> Response:
    """The chunk of one step, without usage."""
    response = v1beta.GenerateContentResponse(model_version=model.removeprefix("models/"))
    _add_bytes(v1beta.GenerateContentResponse.pb(response), RESPONSE_ID_FIELD, b"sandbox-response")
    if isinstance(step, Blocked):
        reasons = v1beta.GenerateContentResponse.PromptFeedback.BlockReason
        response.prompt_feedback.block_reason = reasons[step.reason]
        return response
    candidate = v1beta.Candidate(index=0)
    if isinstance(step, Text):
        candidate.content = v1beta.Content(role="model", parts=[v1beta.Part(text=step.text)])
    elif isinstance(step, FunctionCall):
        call = v1beta.FunctionCall(name=step.name, args=step.arguments)
        candidate.content = v1beta.Content(role="model", parts=[v1beta.Part(function_call=call)])
    if isinstance(step, Text | NoParts) and step.finish:
        known = v1beta.Candidate.FinishReason
        candidate.finish_reason = known[step.finish] if isinstance(step.finish, str) else step.finish
    response.candidates = [candidate]
    # The last text and every function call are signed, for clients that send them back.
    if isinstance(step, FunctionCall) or (isinstance(step, Text) and step.finish):
        parts = v1beta.GenerateContentResponse.pb(response).candidates[0].content.parts
        _add_bytes(parts[0], SIGNATURE_FIELD, _SIGNATURE)
    return response


def add_usage(response: Response, call: Call) -> None:
    """Write the call's figures so far into a chunk; thinking as the field that old protos do not know."""
    response.usage_metadata = v1beta.GenerateContentResponse.UsageMetadata(
        prompt_token_count=call.prompt_tokens,
        candidates_token_count=call.candidates_tokens,
        total_token_count=call.total_tokens,
    )
    if call.thoughts_tokens:
        usage = v1beta.GenerateContentResponse.pb(response).usage_metadata
        usage.MergeFromString(_varint(THOUGHTS_FIELD << 3 | _VARINT) + _varint(call.thoughts_tokens))


async def refuse(refusal: Refuse, context: Any) -> None:
    """End the call with the refusal's status and details."""
    await context.abort(refusal.code, refusal.message, trailers_of(refusal))


def trailers_of(refusal: Refuse) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that holds `google.rpc.Status` with its details."""
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    if refusal.reason:
        info = error_details_pb2.ErrorInfo(
            reason=refusal.reason,
            domain="googleapis.com",
            metadata={"service": "generativelanguage.googleapis.com"},
        )
        status.details.add().Pack(info)
    if refusal.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(refusal.retry_after * 1000))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _text(content: Any) -> str:
    return "".join(part.text for part in content.parts)


def _add_bytes(message: Any, field: int, value: bytes) -> None:
    """Add a field that the message's own proto does not know."""
    message.MergeFromString(_varint(field << 3 | _BYTES) + _varint(len(value)) + value)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
