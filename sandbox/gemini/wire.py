"""Between the protos of `google.ai.generativelanguage.v1beta` and the stand-in's own words."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from sandbox.gemini.account import Call
from sandbox.gemini.refusals import FREE_TIER_METRIC, Refuse
from sandbox.gemini.replies import Blocked, FunctionCall, NoParts, Text, Thinking, Thought, pieces

with warnings.catch_warnings():
    # google.api_core warns of every Python version that will one day be too old for it.
    warnings.simplefilter("ignore", FutureWarning)
    # Untyped: proto-plus makes the message classes at run time.
    v1beta: Any = importlib.import_module("google.ai.generativelanguage_v1beta")

Request = Any
Response = Any

# Fields that the API sends today, and that the package's protos are too old to know, by their numbers in those of
# google-ai-generativelanguage 0.12.1: UsageMetadata.prompt_tokens_details, candidates_tokens_details and
# thoughts_token_count, Part.thought and thought_signature, GenerateContentResponse.response_id.
PROMPT_DETAILS_FIELD = 5
CANDIDATES_DETAILS_FIELD = 7
THOUGHTS_FIELD = 10
THOUGHT_FIELD = 11
SIGNATURE_FIELD = 13
RESPONSE_ID_FIELD = 5
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
        max_output_tokens=request.generation_config.max_output_tokens,
    )


def prompt_tokens(request: Request) -> int:
    """What the prompt costs, the system instruction included."""
    return sum(tokens_of(_text(content)) for content in (request.system_instruction, *request.contents))


def response_of(step: Text | Thought | NoParts | Blocked | FunctionCall | Thinking, model: str) -> Response:
    """The chunk of one step, without usage."""
    response = v1beta.GenerateContentResponse(model_version=model.removeprefix("models/"))
    _add_bytes(v1beta.GenerateContentResponse.pb(response), RESPONSE_ID_FIELD, b"sandbox-response")
    if isinstance(step, Blocked):
        known = v1beta.GenerateContentResponse.PromptFeedback.BlockReason
        v1beta.GenerateContentResponse.pb(response).prompt_feedback.block_reason = _number(step.reason, known)
        return response
    candidate = v1beta.Candidate(index=0)
    if isinstance(step, Text | Thought):
        texts = pieces(step.text, step.parts) if isinstance(step, Text) else [step.text]
        candidate.content = v1beta.Content(role="model", parts=[v1beta.Part(text=text) for text in texts])
    elif isinstance(step, FunctionCall):
        call = v1beta.FunctionCall(name=step.name, args=step.arguments)
        candidate.content = v1beta.Content(role="model", parts=[v1beta.Part(function_call=call)])
    if isinstance(step, Text | NoParts) and step.finish:
        v1beta.Candidate.pb(candidate).finish_reason = _number(step.finish, v1beta.Candidate.FinishReason)
    response.candidates = [candidate]
    parts = v1beta.GenerateContentResponse.pb(response).candidates[0].content.parts
    if isinstance(step, Thought):
        parts[0].MergeFromString(_number_field(THOUGHT_FIELD, 1))
    # The last text and every function call are signed, for clients that send them back.
    if isinstance(step, FunctionCall) or (isinstance(step, Text) and step.finish):
        _add_bytes(parts[-1], SIGNATURE_FIELD, _SIGNATURE)
    return response


def merge(responses: list[Response]) -> Response:
    """What a unary call gets: the last chunk with the parts of all, texts that follow each other as one part."""
    whole = v1beta.GenerateContentResponse()
    pb = v1beta.GenerateContentResponse.pb
    for response in responses:
        before = [part for candidate in pb(whole).candidates for part in candidate.content.parts]
        whole = response
        for candidate in pb(whole).candidates:
            added = list(candidate.content.parts)
            candidate.content.ClearField("parts")
            for part in (*before, *added):
                last = candidate.content.parts[-1] if candidate.content.parts else None
                if last is not None and last.text and part.text:
                    text = last.text + part.text
                    last.MergeFrom(part)
                    last.text = text
                else:
                    candidate.content.parts.append(part)
    return whole


def add_usage(response: Response, call: Call) -> None:
    """Write the call's figures so far into a chunk; what old protos do not know, as the fields that it has."""
    response.usage_metadata = v1beta.GenerateContentResponse.UsageMetadata(
        prompt_token_count=call.prompt_tokens,
        candidates_token_count=call.candidates_tokens,
        total_token_count=call.total_tokens,
    )
    usage = v1beta.GenerateContentResponse.pb(response).usage_metadata
    _add_bytes(usage, PROMPT_DETAILS_FIELD, _text_tokens(call.prompt_tokens))
    if call.candidates_tokens:
        _add_bytes(usage, CANDIDATES_DETAILS_FIELD, _text_tokens(call.candidates_tokens))
    if call.thoughts_tokens:
        usage.MergeFromString(_number_field(THOUGHTS_FIELD, call.thoughts_tokens))


async def refuse(refusal: Refuse, context: Any) -> None:
    """End the call with the refusal's status and details."""
    await context.abort(refusal.code, refusal.message, trailers_of(refusal))


def trailers_of(refusal: Refuse) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that holds `google.rpc.Status` with its details."""
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    for detail in _details_of(refusal):
        status.details.add().Pack(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _details_of(refusal: Refuse) -> list[Any]:
    details = list[Any]()
    if refusal.reason:
        metadata = {"service": "generativelanguage.googleapis.com"}
        metadata |= {"consumer": refusal.consumer} if refusal.consumer else {}
        details.append(error_details_pb2.ErrorInfo(reason=refusal.reason, domain="googleapis.com", metadata=metadata))
        details.append(error_details_pb2.LocalizedMessage(locale="en-US", message=refusal.message))
    if refusal.help:
        link = error_details_pb2.Help.Link(description="Read on", url=refusal.help)
        details.append(error_details_pb2.Help(links=[link]))
    if refusal.quota:
        violation = error_details_pb2.QuotaFailure.Violation(
            quota_metric=FREE_TIER_METRIC,
            quota_id=refusal.quota,
            quota_dimensions={"location": "global"},
            quota_value=20,
        )
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    if refusal.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(refusal.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _text(content: Any) -> str:
    return "".join(part.text for part in content.parts)


def _number(reason: str | int, known: Any) -> int:
    return int(known[reason]) if isinstance(reason, str) else reason


def _text_tokens(count: int) -> bytes:
    """A `ModalityTokenCount` of text."""
    return _number_field(1, 1) + _number_field(2, count)


def _number_field(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _add_bytes(message: Any, field: int, value: bytes) -> None:
    """Add a field that the message's own proto does not know."""
    message.MergeFromString(_varint(field << 3 | _BYTES) + _varint(len(value)) + value)


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
