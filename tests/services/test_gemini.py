"""The client against the API's stand-in: what comes is what was sent, and every failure has one name."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import aclosing
from typing import Any

import grpc
import pytest

import services.gemini
from sandbox.gemini import GeminiStandIn, Reply
from sandbox.gemini.models import EMBEDDING_MODEL
from sandbox.gemini.refusals import CANCELLED, EXPIRED_KEY, LEAKED_KEY, LOCATION, UNAUTHENTICATED, Refuse, suspended
from sandbox.gemini.replies import Hang, Reset, Text, Thought
from services.assistant import BACKOFF
from services.gemini import MAX_OUTPUT_TOKENS, Chunk, Content, Gemini, Tokens
from services.gemini_faults import (
    BadKey,
    BadRequest,
    Denied,
    GeminiError,
    ModelGone,
    RateLimited,
    TimedOut,
    Unavailable,
)

MODEL = "gemini-3.5-flash-lite"
# What a web server at GEMINI_API_ENDPOINT answers, in gRPC's words for it.
UNSERVED = Refuse(grpc.StatusCode.UNIMPLEMENTED, "Received http2 header with status: 404")


async def ask(gemini: Gemini, text: str = "What plays?", model: str = MODEL) -> list[Chunk]:
    return [chunk async for chunk in gemini.stream(model, [Content("user", (text,))], "Be brief.")]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


async def test_a_reply_comes_in_its_chunks(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.text("Hello, world", chunks=3))
    chunks = await ask(gemini)
    assert [chunk.text for chunk in chunks] == ["Hell", "o, w", "orld"]
    assert [chunk.finish for chunk in chunks] == [None, None, "stop"]


async def test_the_request_carries_the_key_the_prompt_and_the_instruction(gemini: Gemini, api: GeminiStandIn) -> None:
    await ask(gemini, "Is it raining?")
    [call] = api.account.calls
    assert (call.model, call.key) == (f"models/{MODEL}", "sandbox-key")
    assert (call.prompt, call.system) == ("Is it raining?", "Be brief.")
    assert call.max_output_tokens == MAX_OUTPUT_TOKENS


async def test_a_chunk_is_not_held_back_until_the_next(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.cut("Hello", chunks=1, after=1, by=Hang()))
    async with aclosing(gemini.stream(MODEL, [Content("user", ("Hi",))], "")) as chunks:
        assert (await asyncio.wait_for(anext(chunks), 0.5)).text == "Hello"


async def test_thinking_is_in_the_total_only(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.text("Hello", thoughts=300))
    tokens = (await ask(gemini))[-1].tokens
    [call] = api.account.calls
    assert tokens is not None
    assert tokens == Tokens(call.prompt_tokens, call.candidates_tokens, call.total_tokens)
    assert tokens.total - tokens.prompt - tokens.candidates == 300


async def test_older_models_tell_usage_at_the_end(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.text("Hello", chunks=2, usage="last"))
    first, last = await ask(gemini)
    assert first.tokens is None
    assert last.tokens == Tokens(api.account.calls[0].prompt_tokens, 2, api.account.total_tokens)


@pytest.mark.parametrize(
    ("reply", "finish"),
    [
        (Reply.blocked(), "blocked"),
        (Reply.blocked("PROHIBITED_CONTENT"), "blocked"),
        (Reply.stopped("SAFETY"), "safety"),
        (Reply.stopped("PROHIBITED_CONTENT"), "safety"),
        (Reply.stopped("RECITATION"), "recitation"),
        (Reply.stopped("MAX_TOKENS", thoughts=8192), "max_tokens"),
        (Reply.stopped("OTHER"), "other"),
        (Reply.without_parts(), "stop"),
        (Reply.tool_call("play", {"query": "morning"}), "stop"),
    ],
)
async def test_a_reply_without_words_says_why(gemini: Gemini, api: GeminiStandIn, reply: Reply, finish: str) -> None:
    api.script(reply)
    chunks = await ask(gemini)
    assert text_of(chunks) == ""
    assert chunks[-1].finish == finish
    assert chunks[-1].tokens is not None
    assert chunks[-1].tokens.total == api.account.total_tokens > 0


@pytest.mark.filterwarnings("error")
async def test_a_reason_that_the_package_does_not_know_is_no_warning(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.stopped(12), Reply.blocked(6))
    assert [chunk.finish for chunk in await ask(gemini)] == ["other"]
    assert [chunk.finish for chunk in await ask(gemini)] == ["blocked"]


async def test_parts_that_come_together_are_one_text(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply((Text("Hello, world", "STOP", parts=3),)))
    assert [chunk.text for chunk in await ask(gemini)] == ["Hello, world"]


async def test_a_thought_is_not_in_the_answer(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply((Thought("Let me see."), Text("Yes.", "STOP"))))
    assert text_of(await ask(gemini)) == "Yes."


async def test_an_empty_stream_is_no_chunk(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.empty())
    assert await ask(gemini) == []


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply.rate_limited(), RateLimited),
        (Reply.unavailable(), Unavailable),
        (Reply.internal(), Unavailable),
        (Reply.deadline(), TimedOut),
        (Reply.bad_key(), BadKey),
        (Reply.bad_request(), BadRequest),
        (Reply.denied(), Denied),
        (Reply.model_gone(), ModelGone),
        (Reply.refused(EXPIRED_KEY), BadKey),
        (Reply.refused(UNAUTHENTICATED), BadKey),
        (Reply.refused(LEAKED_KEY), Denied),
        (Reply.refused(suspended("sandbox-key")), Denied),
        (Reply.refused(LOCATION), Denied),
        (Reply.refused(CANCELLED), Unavailable),
        (Reply.refused(UNSERVED), Unavailable),
    ],
)
async def test_each_refusal_has_its_name_and_is_not_tried_again(
    gemini: Gemini, api: GeminiStandIn, reply: Reply, fault: type[GeminiError]
) -> None:
    api.script(reply)
    with pytest.raises(fault):
        await ask(gemini)
    assert len(api.account.calls) == 1


@pytest.mark.parametrize("reply", [Reply.rate_limited(2.5), Reply.unavailable(2.5)])
async def test_the_pause_that_the_api_asks_for_is_told(gemini: Gemini, api: GeminiStandIn, reply: Reply) -> None:
    api.script(reply)
    with pytest.raises(GeminiError) as raised:
        await ask(gemini)
    assert raised.value.retry_after == 2.5


async def test_a_wrong_key_is_a_bad_key(api: GeminiStandIn) -> None:
    async with Gemini("wrong", api.endpoint) as gemini:
        with pytest.raises(BadKey):
            await ask(gemini)


async def test_a_model_that_was_shut_down_is_gone(gemini: Gemini) -> None:
    with pytest.raises(ModelGone):
        await ask(gemini, model="gemini-1.5-flash")


@pytest.mark.parametrize("by", [None, Reset()])
async def test_a_cut_stream_gives_what_came_and_then_fails(
    gemini: Gemini, api: GeminiStandIn, by: Reset | None
) -> None:
    api.script(Reply.cut("abcdef", chunks=3, after=2, by=by))
    async with aclosing(gemini.stream(MODEL, [Content("user", ("Hi",))], "")) as chunks:
        assert [(await anext(chunks)).text, (await anext(chunks)).text] == ["ab", "cd"]
        with pytest.raises(Unavailable):
            await anext(chunks)


@pytest.mark.parametrize("reply", [Reply.hang(), Reply.cut("abcdef", chunks=3, after=1, by=Hang())])
async def test_silence_ends_in_time_and_the_call_is_cancelled(api: GeminiStandIn, reply: Reply) -> None:
    api.script(reply)
    async with Gemini(api.api_key, api.endpoint, first=0.3, between=0.1) as gemini:
        with pytest.raises(TimedOut):
            await ask(gemini)
        await api.until(lambda account: account.calls[0].outcome == "cancelled")


async def test_a_reply_that_never_ends_is_bounded(api: GeminiStandIn) -> None:
    api.script(Reply.text("x" * 1000, chunks=1000, interval=0.02))
    async with Gemini(api.api_key, api.endpoint, whole=0.3) as gemini:
        await gemini.opened()
        # gRPC's own deadline is five seconds later.
        async with asyncio.timeout(4):
            with pytest.raises(TimedOut):
                await ask(gemini)


async def test_leaving_the_stream_cancels_the_call(gemini: Gemini, api: GeminiStandIn) -> None:
    api.script(Reply.text("x" * 100, chunks=100, interval=0.05))
    async with aclosing(gemini.stream(MODEL, [Content("user", ("Hi",))], "")) as chunks:
        await anext(chunks)
    await api.until(lambda account: account.calls[0].outcome == "cancelled")


async def test_an_api_that_is_down_is_unavailable_and_found_again(gemini: Gemini, api: GeminiStandIn) -> None:
    await ask(gemini)
    await api.down()
    with pytest.raises(Unavailable):
        await ask(gemini)
    await api.up()
    async with asyncio.timeout(5):
        while True:
            try:
                chunks = await ask(gemini)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                break
    assert "What plays?" in text_of(chunks)


@pytest.mark.parametrize("idle", [0.0, 0.5])  # seconds; at first a ping of the call before is still on its way
async def test_a_connection_that_went_dead_unnoticed_costs_one_attempt(
    api: GeminiStandIn, monkeypatch: pytest.MonkeyPatch, idle: float
) -> None:
    """A router that has forgotten it drops every byte and tells nobody."""
    quick = [(name, value // 10 if "_time" in name else value) for name, value in services.gemini._OPTIONS]
    monkeypatch.setattr(services.gemini, "_OPTIONS", quick)
    async with Gemini(api.api_key, api.endpoint, first=2.5) as gemini:
        await ask(gemini)
        await asyncio.sleep(idle)
        api.freeze()
        with pytest.raises(Unavailable) as raised:
            await ask(gemini)
        assert not raised.value.refused, "whether the API has seen the call nobody knows"
        await asyncio.sleep(BACKOFF[0] / 2)  # the shortest that the bot makes; gRPC is still closing the dead one
        assert "What plays?" in text_of(await ask(gemini))


async def test_two_calls_at_once_do_not_mix(gemini: Gemini) -> None:
    left, right = await asyncio.gather(ask(gemini, "left"), ask(gemini, "right"))
    assert "left" in text_of(left)
    assert "right" not in text_of(left)
    assert "right" in text_of(right)


def test_google_is_imported_only_when_a_client_is_entered() -> None:
    program = "import sys, services.assistant; print([n for n in sys.modules if n.startswith(('google.', 'grpc'))])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout == b"[]\n"


def test_entering_a_client_is_silent() -> None:
    program = (
        "import asyncio\n"
        "from services.gemini import Gemini\n"
        "async def main():\n"
        "    async with Gemini('key', 'localhost:1') as gemini:\n"
        "        await gemini._opening\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


async def test_nobody_waits_for_the_import_but_who_asks(api: GeminiStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    load, loading = services.gemini._load, threading.Event()

    def slowly() -> tuple[Any, Any, Any]:
        loading.wait(10)
        return load()

    monkeypatch.setattr(services.gemini, "_load", slowly)
    async with asyncio.timeout(5), Gemini(api.api_key, api.endpoint) as gemini:
        question = asyncio.create_task(ask(gemini))
        await asyncio.sleep(0.05)
        assert not question.done()
        loading.set()
        assert "What plays?" in text_of(await question)


async def test_a_bot_that_stops_at_once_does_not_wait_for_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = threading.Event()
    monkeypatch.setattr(services.gemini, "_load", lambda: loading.wait(10))
    async with asyncio.timeout(5), Gemini("key", "localhost:1"):
        pass
    loading.set()


@pytest.mark.parametrize(
    ("reply", "refused"),
    [(Reply.deadline(), True), (Reply.unavailable(), True), (Reply.hang(), False), (Reply((Reset(),)), False)],
)
async def test_only_the_apis_own_word_is_a_refusal(
    gemini: Gemini, api: GeminiStandIn, reply: Reply, refused: bool
) -> None:
    api.script(reply)
    with pytest.raises(GeminiError) as raised:
        await ask(gemini)
    assert raised.value.refused == refused


async def test_an_api_that_was_never_reached_cost_nothing(gemini: Gemini, api: GeminiStandIn) -> None:
    await api.down()
    with pytest.raises(Unavailable) as raised:
        await ask(gemini)
    assert raised.value.refused


async def test_a_model_is_looked_up_without_a_token(gemini: Gemini, api: GeminiStandIn) -> None:
    assert await gemini.chats(MODEL) is True
    assert await gemini.chats(f"models/{MODEL}") is True
    assert await gemini.chats(EMBEDDING_MODEL) is False
    with pytest.raises(ModelGone):
        await gemini.chats("gemini-pro")
    assert api.account.calls == []


async def test_a_model_is_not_looked_up_with_a_wrong_key(api: GeminiStandIn) -> None:
    async with Gemini("wrong", api.endpoint) as gemini:
        with pytest.raises(BadKey):
            await gemini.chats(MODEL)


async def test_a_look_up_of_a_model_that_hangs_has_an_end(api: GeminiStandIn) -> None:
    api.halfopen()
    async with Gemini("sandbox-key", api.endpoint, first=0.3) as gemini:
        await gemini.opened()
        with pytest.raises(TimedOut):
            await gemini.chats(MODEL)


async def test_the_words_of_a_refusal_are_cut(gemini: Gemini, api: GeminiStandIn) -> None:
    """They go into the log and its table."""
    refusals = [Refuse(grpc.StatusCode.INVALID_ARGUMENT, "x" * 3_000), Refuse(grpc.StatusCode.INVALID_ARGUMENT, "")]
    api.script(*map(Reply.refused, refusals))
    said: list[str] = []
    for _ in refusals:
        with pytest.raises(BadRequest) as caught:
            await ask(gemini)
        said.append(str(caught.value))
    assert said == [f"BadRequest: INVALID_ARGUMENT: {'x' * 300}", "BadRequest: INVALID_ARGUMENT"]
