"""The stand-in behaves as the API is documented to, seen with grpc's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf import empty_pb2
from google.protobuf.unknown_fields import UnknownFieldSet
from google.rpc import error_details_pb2, status_pb2

from sandbox.gemini import GeminiStandIn, Reply
from sandbox.gemini.refusals import (
    BAD_KEY,
    CANCELLED,
    EXPIRED_KEY,
    LEAKED_KEY,
    LOCATION,
    SERVICE_DISABLED,
    UNAUTHENTICATED,
    Refuse,
    rate_limit,
    suspended,
)
from sandbox.gemini.replies import Hang, Reset, Text, Thought
from sandbox.gemini.service import SERVICE
from sandbox.gemini.wire import v1beta

MODEL = "models/gemini-3.5-flash-lite"
KEY = (("x-goog-api-key", "sandbox-key"),)


class Client:
    """Calls by method name over TLS, with the stand-in's root and no other."""

    def __init__(
        self, gemini: GeminiStandIn, roots: bytes | None = None, options: list[tuple[str, int]] | None = None
    ) -> None:
        credentials = grpc.ssl_channel_credentials(roots or gemini.roots_file.read_bytes())
        reconnect = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 50)]
        self.channel: Any = grpc.aio.secure_channel(gemini.endpoint, credentials, [*reconnect, *(options or [])])

    def stream(self, text: str = "hello", *, metadata: Any = KEY, **fields: Any) -> Any:
        return self._method("unary_stream", "StreamGenerateContent")(request(text, **fields), metadata=metadata)

    def unary(self, text: str = "hello", *, metadata: Any = KEY, **fields: Any) -> Any:
        return self._method("unary_unary", "GenerateContent")(request(text, **fields), metadata=metadata)

    def _method(self, kind: str, name: str) -> Any:
        return getattr(self.channel, kind)(
            f"/{SERVICE}/{name}",
            request_serializer=v1beta.GenerateContentRequest.serialize,
            response_deserializer=v1beta.GenerateContentResponse.deserialize,
        )


def request(text: str, **fields: Any) -> Any:
    contents = [v1beta.Content(role="user", parts=[v1beta.Part(text=text)])]
    return v1beta.GenerateContentRequest(**{"model": MODEL, "contents": contents, **fields})


def turn(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": text}]}


def text_of(response: Any) -> str:
    return "".join(part.text for candidate in response.candidates for part in candidate.content.parts)


def newer(message: Any) -> dict[int, list[Any]]:
    """The fields of `message` that the package's protos do not know, by their number."""
    fields: dict[int, list[Any]] = {}
    for field in UnknownFieldSet(message):
        fields.setdefault(field.field_number, []).append(field.data)
    return fields


def parsed(message: bytes) -> dict[int, list[Any]]:
    return newer(empty_pb2.Empty.FromString(message))


async def refusal(call: Any) -> tuple[grpc.StatusCode, list[Any]]:
    """The status that ends a call, and its unpacked details."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call if hasattr(call, "__await__") else [response async for response in call]
    trailers: dict[str, Any] = dict(raised.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    details = list[Any]()
    for packed in status.details:
        kinds: list[Any] = [error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo]
        for kind in kinds:
            if packed.Is(kind.DESCRIPTOR):
                details.append(kind())
                packed.Unpack(details[-1])
    return raised.value.code(), details


@pytest_asyncio.fixture
async def gemini() -> AsyncIterator[GeminiStandIn]:
    async with GeminiStandIn() as gemini:
        yield gemini


@pytest_asyncio.fixture
async def client(gemini: GeminiStandIn) -> AsyncIterator[Client]:
    client = Client(gemini)
    yield client
    await client.channel.close()


async def test_an_unscripted_reply_depends_on_the_prompt(client: Client) -> None:
    assert "weather" in text_of(await client.unary("weather"))
    assert "です" in text_of(await client.unary("天気はどう"))


async def test_usage_grows_from_chunk_to_chunk(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.text("x" * 40, chunks=4))
    totals = [response.usage_metadata.total_token_count async for response in client.stream()]
    assert totals == sorted(totals)
    assert totals[-1] == gemini.account.total_tokens
    assert len(set(totals)) == 4


async def test_thinking_is_in_the_total_and_in_an_unknown_field(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.text("Hello", thoughts=300))
    responses = [response async for response in client.stream()]
    usage = v1beta.GenerateContentResponse.pb(responses[-1]).usage_metadata
    assert usage.total_token_count - usage.prompt_token_count - usage.candidates_token_count == 300
    assert newer(usage)[10] == [300]


async def test_a_unary_call_gets_the_whole_text_and_the_last_figures(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.text("Hello, world", chunks=3))
    response = await client.unary()
    assert text_of(response) == "Hello, world"
    assert response.usage_metadata.total_token_count == gemini.account.total_tokens


async def test_a_call_without_a_key_or_with_another_is_refused(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.text("not for you"))
    assert await refusal(client.stream(metadata=())) == (grpc.StatusCode.PERMISSION_DENIED, [])
    code, [info] = await refusal(client.stream(metadata=(("x-goog-api-key", "other"),)))
    assert (code, info.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "API_KEY_INVALID")
    assert (info.domain, dict(info.metadata)) == (
        "googleapis.com",
        {"service": "generativelanguage.googleapis.com"},
    )
    assert gemini.account.total_tokens == 0
    assert text_of(await client.unary()) == "not for you"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "gemini-3.5-flash-lite"}, "model name"),
        ({"contents": []}, "not specified"),
        ({"contents": [turn("user", "")]}, "contents[0].parts"),
        ({"contents": [turn("user", "Hi"), turn("model", ""), turn("user", "Hi")]}, "contents[1].parts"),
        ({"contents": [turn("model", "Hi")]}, "last turn"),
        ({"contents": [turn("assistant", "Hi"), turn("user", "Hi")]}, "valid role"),
        ({"generation_config": {"presence_penalty": 1.0}}, "Penalty"),
        ({"generation_config": {"frequency_penalty": 1.0}}, "Penalty"),
        ({"contents": [{"role": "user", "parts": [{"function_response": {"name": "f"}}]}]}, "function_response.id"),
        ({"generation_config": {"max_output_tokens": -1}}, "max_output_tokens"),
    ],
)
async def test_what_the_api_does_not_accept_is_refused_and_noted_in_words(
    client: Client, gemini: GeminiStandIn, fields: dict[str, Any], words: str
) -> None:
    assert (await refusal(client.stream(**fields)))[0] is grpc.StatusCode.INVALID_ARGUMENT
    [fault] = gemini.account.faults
    assert words in fault


async def test_a_model_that_is_gone_is_not_found_and_no_fault_of_the_request(
    client: Client, gemini: GeminiStandIn
) -> None:
    assert (await refusal(client.stream(model="models/gemini-pro")))[0] is grpc.StatusCode.NOT_FOUND
    assert gemini.account.faults == []


async def test_a_method_that_is_not_served_is_unimplemented_and_noted(client: Client, gemini: GeminiStandIn) -> None:
    call: Any = client.channel.unary_unary(f"/{SERVICE}/EmbedContent")
    assert (await refusal(call(b"", metadata=KEY)))[0] is grpc.StatusCode.UNIMPLEMENTED
    assert gemini.account.faults == [f"no such method here: /{SERVICE}/EmbedContent"]


async def test_a_request_that_cannot_be_read_is_noted(client: Client, gemini: GeminiStandIn) -> None:
    call: Any = client.channel.unary_unary(f"/{SERVICE}/GenerateContent")
    await refusal(call(b"\xff\xff\xff", metadata=KEY))
    [fault] = gemini.account.faults
    assert "no message of its method" in fault


async def test_a_rate_limit_says_when_to_come_again(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.rate_limited(1.5))
    code, [info] = await refusal(client.stream())
    assert (code, info.retry_delay.ToMilliseconds()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 1500)


async def test_a_blocked_prompt_has_a_reason_and_no_candidate(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.blocked())
    response = await client.unary()
    assert response.prompt_feedback.block_reason.name == "SAFETY"
    assert len(response.candidates) == 0
    assert response.usage_metadata.total_token_count == gemini.account.total_tokens > 0
    assert gemini.account.calls[0].outcome == "blocked"


async def test_an_answer_says_who_speaks_and_which_model_it_was(client: Client) -> None:
    async for response in client.stream():
        assert response.candidates[0].content.role == "model"
        assert response.model_version == MODEL.removeprefix("models/")


FINISHES = [reason.name for reason in v1beta.Candidate.FinishReason if reason]
BLOCKS = [reason.name for reason in v1beta.GenerateContentResponse.PromptFeedback.BlockReason if reason]


async def test_every_finish_and_block_reason_arrives(client: Client, gemini: GeminiStandIn) -> None:
    for reason in FINISHES:
        gemini.script(Reply.stopped(reason))
        (candidate,) = (await client.unary()).candidates
        assert (candidate.finish_reason.name, len(candidate.content.parts)) == (reason, 0)
    for reason in BLOCKS:
        gemini.script(Reply.blocked(reason))
        assert (await client.unary()).prompt_feedback.block_reason.name == reason
    # UNEXPECTED_TOOL_CALL to IMAGE_RECITATION, which are newer than the package; of the blocks all are known to it.
    for number in range(12, 18):
        gemini.script(Reply.stopped(number), Reply.blocked(number))
        pb = v1beta.GenerateContentResponse.pb
        assert pb(await client.unary()).candidates[0].finish_reason == number
        assert pb(await client.unary()).prompt_feedback.block_reason == number


@pytest.mark.parametrize(
    ("reply", "code", "reasons"),
    [
        (Reply.bad_key(), grpc.StatusCode.INVALID_ARGUMENT, ["API_KEY_INVALID"]),
        (Reply.bad_request(), grpc.StatusCode.INVALID_ARGUMENT, []),
        (Reply.denied(), grpc.StatusCode.PERMISSION_DENIED, ["SERVICE_DISABLED"]),
        (Reply.model_gone(), grpc.StatusCode.NOT_FOUND, []),
        (Reply.internal(), grpc.StatusCode.INTERNAL, []),
        (Reply.deadline(), grpc.StatusCode.DEADLINE_EXCEEDED, []),
        (Reply.unavailable(), grpc.StatusCode.UNAVAILABLE, []),
        (Reply.rate_limited(), grpc.StatusCode.RESOURCE_EXHAUSTED, []),
        (Reply.refused(EXPIRED_KEY), grpc.StatusCode.INVALID_ARGUMENT, ["API_KEY_INVALID"]),
        (Reply.refused(LEAKED_KEY), grpc.StatusCode.PERMISSION_DENIED, []),
        (Reply.refused(suspended("k")), grpc.StatusCode.PERMISSION_DENIED, ["CONSUMER_SUSPENDED"]),
        (Reply.refused(UNAUTHENTICATED), grpc.StatusCode.UNAUTHENTICATED, ["ACCESS_TOKEN_TYPE_UNSUPPORTED"]),
        (Reply.refused(LOCATION), grpc.StatusCode.FAILED_PRECONDITION, []),
        (Reply.refused(CANCELLED), grpc.StatusCode.CANCELLED, []),
    ],
    ids=lambda value: value.name if isinstance(value, grpc.StatusCode) else "",
)
async def test_every_error_has_its_status_and_details(
    client: Client, gemini: GeminiStandIn, reply: Reply, code: grpc.StatusCode, reasons: list[str]
) -> None:
    for call in (client.stream, client.unary):
        gemini.script(reply)
        got, details = await refusal(call())
        assert (got, [info.reason for info in details]) == (code, reasons)
    assert gemini.account.total_tokens == 0


@pytest.mark.parametrize(
    ("refuse", "kinds"),
    [
        (BAD_KEY, ["ErrorInfo", "LocalizedMessage"]),
        (SERVICE_DISABLED, ["ErrorInfo", "LocalizedMessage", "Help"]),
        (rate_limit(34.0), ["Help", "QuotaFailure", "RetryInfo"]),
        (rate_limit(None), []),
        (LOCATION, []),
    ],
)
async def test_the_details_are_those_that_the_api_sends(
    client: Client, gemini: GeminiStandIn, refuse: Refuse, kinds: list[str]
) -> None:
    gemini.script(Reply.refused(refuse))
    error = (await asyncio.gather(client.unary(), return_exceptions=True))[0]
    assert isinstance(error, grpc.aio.AioRpcError)
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    assert [packed.type_url.rpartition(".")[2] for packed in status.details] == kinds
    # Google's own client refuses to read details that say something else than the status does.
    assert (status.code, status.message) == (refuse.code.value[0], error.details())


async def test_a_suspended_key_is_repeated_in_words_and_in_details(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.refused(suspended("sandbox-key")))
    error = (await asyncio.gather(client.unary(), return_exceptions=True))[0]
    assert isinstance(error, grpc.aio.AioRpcError)
    assert "api_key:sandbox-key" in (error.details() or "")
    gemini.script(Reply.refused(suspended("sandbox-key")))
    _, [info] = await refusal(client.unary())
    assert info.metadata["consumer"] == "api_key:sandbox-key"


async def test_the_last_text_and_function_calls_are_signed_in_an_unknown_field(
    client: Client, gemini: GeminiStandIn
) -> None:
    gemini.script(Reply.text("two words", chunks=2), Reply.tool_call("play", {"query": "x"}))
    for signed in ([False, True], [True, False]):
        responses = [response async for response in client.stream()]
        found: list[bool] = []
        for response in responses:
            raw = v1beta.GenerateContentResponse.pb(response)
            assert newer(raw) == {5: [b"sandbox-response"]}
            found.append(any(13 in newer(part) for part in raw.candidates[0].content.parts))
        assert found == signed


async def test_every_part_of_the_usage_is_told_by_kind_in_unknown_fields(client: Client, gemini: GeminiStandIn) -> None:
    """`ModalityTokenCount`: text is kind 1."""
    gemini.script(Reply.text("x" * 40, thoughts=7))
    usage = v1beta.GenerateContentResponse.pb(await client.unary("y" * 800)).usage_metadata
    found = newer(usage)
    # prompt_tokens_details, candidates_tokens_details and thoughts_token_count, two of them messages of their own
    assert sorted(found) == [5, 7, 10]
    for number, count in ((5, usage.prompt_token_count), (7, usage.candidates_token_count)):
        [details] = found[number]
        assert parsed(details) == {1: [1], 2: [count]}
    assert (usage.prompt_token_count, usage.candidates_token_count) == (200, 10)


async def test_a_thought_is_a_text_that_only_a_newer_field_tells_from_the_answer(
    client: Client, gemini: GeminiStandIn
) -> None:
    gemini.script(Reply((Thought("Let me see."), Text("Yes.", "STOP"))))
    thought, answer = [v1beta.GenerateContentResponse.pb(response) async for response in client.stream()]
    assert thought.candidates[0].content.parts[0].text == "Let me see."
    assert newer(thought.candidates[0].content.parts[0]) == {11: [1]}
    assert 11 not in newer(answer.candidates[0].content.parts[0])


async def test_a_chunk_may_have_several_parts(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply((Text("abcdef", "STOP", parts=3),)))
    [response] = [response async for response in client.stream()]
    parts = v1beta.GenerateContentResponse.pb(response).candidates[0].content.parts
    assert [part.text for part in parts] == ["ab", "cd", "ef"]
    assert [list(newer(part)) for part in parts] == [[], [], [13]]


async def test_a_unary_call_gets_the_parts_of_every_chunk(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.text("two words", chunks=2), Reply.tool_call("play", {"query": "x"}))
    [part] = v1beta.GenerateContentResponse.pb(await client.unary()).candidates[0].content.parts
    assert (part.text, list(newer(part))) == ("two words", [13])
    [candidate] = (await client.unary()).candidates
    assert candidate.content.parts[0].function_call.name == "play"
    assert candidate.finish_reason.name == "STOP"


async def test_a_tool_call_carries_its_arguments(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.tool_call("play", {"query": "morning"}))
    first, last = [response async for response in client.stream()]
    call = first.candidates[0].content.parts[0].function_call
    assert (call.name, dict(call.args)) == ("play", {"query": "morning"})
    assert last.candidates[0].finish_reason.name == "STOP"


@pytest.mark.parametrize("by", [None, Reset()])
async def test_a_cut_reply_breaks_after_its_chunks(client: Client, gemini: GeminiStandIn, by: Reset | None) -> None:
    gemini.script(Reply.cut("abcdef", chunks=3, after=2, by=by))
    call = client.stream()
    assert [text_of(await call.read()), text_of(await call.read())] == ["ab", "cd"]
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert gemini.account.calls[0].outcome == "cut"


async def test_a_reset_of_one_reply_breaks_no_other_connection(client: Client, gemini: GeminiStandIn) -> None:
    other = Client(gemini, options=[("grpc.use_local_subchannel_pool", 1)])
    gemini.script(Reply.text("whole", chunks=2, interval=0.5), Reply.cut("half", chunks=2, after=1, by=Reset()))
    call = client.stream()
    await call.read()
    with pytest.raises(grpc.aio.AioRpcError):
        [response async for response in other.stream()]
    assert text_of(await call.read()) == "le"
    await other.channel.close()


async def test_a_client_that_leaves_is_in_the_account(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.cut("abcdef", chunks=3, after=1, by=Hang()))
    call = client.stream()
    await call.read()
    await gemini.until(lambda account: account.calls[0].outcome == "hanging")
    call.cancel()
    await gemini.until(lambda account: account.calls[0].outcome == "cancelled")


async def test_down_refuses_and_up_serves_on_the_same_port(client: Client, gemini: GeminiStandIn) -> None:
    endpoint = gemini.endpoint
    await client.unary()
    await gemini.down()
    assert (await refusal(client.unary()))[0] is grpc.StatusCode.UNAVAILABLE
    await gemini.up()
    assert gemini.endpoint == endpoint
    await ready(client)
    assert text_of(await client.unary())


async def ready(client: Client) -> None:
    """Wait until the channel has connected again."""
    async with asyncio.timeout(5):
        while (state := client.channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
            await client.channel.wait_for_state_change(state)


async def test_reset_breaks_calls_and_takes_new_ones(client: Client, gemini: GeminiStandIn) -> None:
    gemini.script(Reply.hang())
    call = client.stream()
    waiting = asyncio.ensure_future(call.read())
    await gemini.until(lambda account: account.calls and account.calls[0].outcome == "hanging")
    await gemini.reset()
    with pytest.raises(grpc.aio.AioRpcError):
        await waiting
    await ready(client)
    assert text_of(await client.unary())


async def test_halfopen_takes_calls_and_up_answers_them(client: Client, gemini: GeminiStandIn) -> None:
    gemini.halfopen()
    call = asyncio.ensure_future(client.unary())
    await gemini.until(lambda account: account.calls and account.calls[0].outcome == "hanging")
    assert not call.done()
    await gemini.up()
    assert text_of(await call)


async def test_the_limit_refuses_so_many_calls_and_says_when_to_come_again(
    client: Client, gemini: GeminiStandIn
) -> None:
    gemini.ratelimit(2)
    for _ in range(2):
        code, [info] = await refusal(client.unary())
        assert (code, info.retry_delay.ToMilliseconds()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 1000)
    assert text_of(await client.unary())
    assert [call.total_tokens > 0 for call in gemini.account.calls] == [False, False, True]


async def look_up(client: Client) -> Any:
    call: Any = client.channel.unary_unary(
        "/google.ai.generativelanguage.v1beta.ModelService/GetModel",
        request_serializer=v1beta.GetModelRequest.serialize,
        response_deserializer=v1beta.Model.deserialize,
    )
    return await call(v1beta.GetModelRequest(name=MODEL), metadata=KEY)


async def test_the_limit_and_a_denial_are_those_of_every_method(client: Client, gemini: GeminiStandIn) -> None:
    assert "generateContent" in (await look_up(client)).supported_generation_methods
    gemini.ratelimit(1)
    assert (await refusal(look_up(client)))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
    gemini.deny(LOCATION)
    assert (await refusal(look_up(client)))[0] is grpc.StatusCode.FAILED_PRECONDITION
    assert (await refusal(client.unary()))[0] is grpc.StatusCode.FAILED_PRECONDITION
    assert (await refusal(client.unary(metadata=())))[0] is grpc.StatusCode.PERMISSION_DENIED
    gemini.deny(None)
    assert await look_up(client)
    assert text_of(await client.unary())


async def test_slow_delays_the_first_chunk(client: Client, gemini: GeminiStandIn) -> None:
    gemini.slow(0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.stream().read()
    assert loop.time() - began >= 0.3


async def test_only_its_own_authority_is_trusted(gemini: GeminiStandIn) -> None:
    async with GeminiStandIn() as other:
        stranger = Client(gemini, other.roots_file.read_bytes())
        assert (await refusal(stranger.unary()))[0] is grpc.StatusCode.UNAVAILABLE
        await stranger.channel.close()
    assert gemini.account.calls == []
