"""`GenerativeService`: takes a call, checks it as the API does, and plays the reply that is due."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import grpc

from sandbox.gemini import wire
from sandbox.gemini.account import Account, Call
from sandbox.gemini.models import MODELS
from sandbox.gemini.refusals import BAD_KEY, NO_KEY, RETRY_AFTER_S, Refuse, model_not_found, rate_limit
from sandbox.gemini.relay import Relay
from sandbox.gemini.replies import Blocked, FunctionCall, Hang, NoParts, Reply, Reset, Text, Thinking, Thought, Wait
from sandbox.gemini.request_rules import fault_of, noting
from sandbox.gemini.wire import v1beta
from sandbox.trouble import Trouble

DRAIN = 0.1
"""Seconds that the chunks before a reset are given to arrive."""
SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService"


class GenerativeService:
    """The two methods that are served; the others are unimplemented, and say so."""

    def __init__(self, api_key: str, account: Account) -> None:
        self._api_key = api_key
        self._account = account
        self.relay: Relay | None = None
        self.script: deque[Reply] = deque()
        self.denial: Refuse | None = None
        """Why no call is taken from this key, this project or this country."""
        self.trouble = Trouble()

    def handlers(self) -> grpc.GenericRpcHandler:
        """What grpc's server is given."""
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        takes = noting(v1beta.GenerateContentRequest.deserialize, self._account)
        gives = v1beta.GenerateContentResponse.serialize
        methods = {
            "GenerateContent": unary(self._generate, takes, gives),
            "StreamGenerateContent": stream(self._stream, takes, gives),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    async def _stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        call = await self._admit(request, context)
        try:
            async for response in self._play(self._next_reply(call), call, context):
                yield response
            call.outcome = "ok" if call.outcome == "running" else call.outcome
        except (asyncio.CancelledError, GeneratorExit):
            call.outcome = "cancelled" if call.outcome in ("running", "hanging") else call.outcome
            raise
        finally:
            self._account.changed()

    async def _generate(self, request: Any, context: Any) -> Any:
        return wire.merge([response async for response in self._stream(request, context)])

    async def check_key(self, context: Any) -> None:
        """End the call where its key is missing or wrong."""
        if refusal := self._refusal_of_key(_key(context)):
            await wire.refuse(refusal, context)

    def _refusal_of_key(self, key: str | None) -> Refuse | None:
        if key == self._api_key:
            return self.denial
        return BAD_KEY if key else NO_KEY

    def _refusal_of(self, request: Any, call: Call) -> Refuse | None:
        if refusal := self._refusal_of_key(call.key):
            return refusal
        if fault := fault_of(request):
            self._account.faults.append(fault)
            return Refuse(grpc.StatusCode.INVALID_ARGUMENT, fault)
        if call.model.removeprefix("models/") not in MODELS:
            return model_not_found(call.model)
        return None

    async def _admit(self, request: Any, context: Any) -> Call:
        call = wire.call_of(request, _key(context))
        self._account.calls.append(call)
        self._account.changed()
        if refusal := self._refusal_of(request, call):
            await self._refuse(refusal, call, context)
        if self.trouble.is_silent():
            call.outcome = "hanging"
            self._account.changed()
            await self.trouble.healed.wait()
            call.outcome = "running"
        if self.trouble.refuses():
            await self._refuse(rate_limit(RETRY_AFTER_S), call, context)
        await asyncio.sleep(self.trouble.delay())
        call.prompt_tokens = wire.prompt_tokens(request)
        return call

    def _next_reply(self, call: Call) -> Reply:
        return self.script.popleft() if self.script else friendly(call.question)

    async def _play(self, reply: Reply, call: Call, context: Any) -> AsyncIterator[Any]:
        text = ""
        chunks = [number for number, step in enumerate(reply.steps) if not isinstance(step, Wait)]
        for number, step in enumerate(reply.steps):
            match step:
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case Hang():
                    call.outcome = "hanging"
                    self._account.changed()
                    await asyncio.Event().wait()
                case Reset():
                    call.outcome = "cut"
                    assert self.relay is not None
                    # An RST throws away what is under way, and gRPC does not tell when a chunk has left.
                    await asyncio.sleep(DRAIN)
                    self.relay.reset(int(context.peer().rpartition(":")[2]))
                    await asyncio.Event().wait()
                case Refuse():
                    await self._refuse(step, call, context, cut=number > 0)
                case Text() | Thinking() | Thought() | NoParts() | Blocked() | FunctionCall():
                    text += step.text if isinstance(step, Text) else ""
                    if text and call.first_text_at is None:
                        call.first_text_at = asyncio.get_running_loop().time()
                    call.thoughts_tokens += step.tokens if isinstance(step, Thinking) else 0
                    call.candidates_tokens = wire.tokens_of(text)
                    call.outcome = "blocked" if isinstance(step, Blocked) else call.outcome
                    response = wire.response_of(step, call.model)
                    if reply.usage in ("every", "last" if number == chunks[-1] else "not last"):
                        wire.add_usage(response, call)
                    self._account.changed()
                    yield response

    async def _refuse(self, refusal: Refuse, call: Call, context: Any, *, cut: bool = False) -> None:
        if not cut:
            call.prompt_tokens = 0
        call.outcome = "cut" if cut else refusal.code.name
        self._account.changed()
        await wire.refuse(refusal, context)


def friendly(prompt: str) -> Reply:
    """What is answered where no reply is scripted."""
    asked = prompt.strip()[:300]
    if any("\u3040" <= letter <= "\u30ff" for letter in asked):
        return Reply.text(f"「{asked}」ですね。サンドボックスの中なので、これ以上のことはお答えできません。")
    return Reply.text(f"You asked: {asked}\n\nI only stand in for Gemini in the sandbox: that is all I know.")


def _key(context: Any) -> str | None:
    return dict(context.invocation_metadata()).get("x-goog-api-key")
