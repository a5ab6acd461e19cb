"""The Gemini API: the only module that knows Google's packages."""

from __future__ import annotations

import asyncio
import importlib
import os
import warnings
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from services.gemini_faults import TimedOut, fault_of

HOST = "generativelanguage.googleapis.com"
MAX_OUTPUT_TOKENS = 8192
"""Thinking counts towards it, so it has to be far more than what is shown."""

Finish = Literal["stop", "max_tokens", "safety", "recitation", "blocked", "other"]

# By number, as the package's protos are older than some (ai.google.dev/api/generate-content#FinishReason).
_FINISHES: dict[int, Finish] = {1: "stop", 2: "max_tokens", 3: "safety", 4: "recitation"}
_SAFETY = {7, 8, 9, 11}  # BLOCKLIST, PROHIBITED_CONTENT, SPII, IMAGE_SAFETY
_THOUGHT = 11
"""`Part.thought`, which the package's protos do not have: a summary of the thinking looks like text to them."""

# A dead connection shows within the wait for a first chunk, by keepalive at the latest. The ping of an earlier call is
# waited for 60 s by default, and holds that one up. gRPC's own pause between connects grows to 120 s.
_OPTIONS = [
    ("grpc.keepalive_time_ms", 12_000),
    ("grpc.keepalive_timeout_ms", 8_000),
    ("grpc.http2.ping_timeout_ms", 8_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", -1),
]
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """`usage_metadata`: thinking and tool use are in the total and nowhere else."""

    prompt: int
    candidates: int
    total: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One response of a stream."""

    text: str
    tokens: Tokens | None
    """The figures so far, of the whole call; models before 2.5 send them in the last chunk only."""
    finish: Finish | None
    """Why the answer ends here; `blocked` where the prompt itself was refused."""


@dataclass(frozen=True, slots=True)
class Content:
    """One turn of a conversation."""

    role: Literal["user", "model"]
    parts: tuple[str, ...]


class Gemini:
    """`async with Gemini(key, endpoint) as gemini`: one channel, of the event loop that entered it.

    Entering does not wait: Google's packages are loaded beside, and the first call waits for them.

    Args:
        endpoint: `host` or `host:port`, always TLS; Google's where None.
        first: seconds to wait for the first chunk.
        between: seconds to wait for each further chunk.
        whole: seconds for a whole call.
    """

    def __init__(
        self,
        api_key: str,
        endpoint: str | None = None,
        *,
        first: float = 25.0,
        between: float = 20.0,
        whole: float = 120.0,
    ) -> None:
        self._api_key = api_key
        self._endpoint = endpoint or HOST
        self._first, self._between, self._whole = first, between, whole
        self._v1beta: Any = None
        self._channel: Any = None
        self._client: Any = None
        self._opening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._opening = asyncio.create_task(self._open(), name="gemini")
        return self

    async def _open(self) -> None:
        # The import takes half a second, which neither the loop nor the start of the bot has.
        grpc, self._v1beta, transport = await asyncio.to_thread(_load)
        self._channel = grpc.aio.secure_channel(self._endpoint, grpc.ssl_channel_credentials(), options=_OPTIONS)
        self._client = self._v1beta.GenerativeServiceAsyncClient(transport=transport(channel=self._channel))

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the channel; calls that still run are cancelled."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._channel is not None:
            await self._channel.close()

    async def opened(self) -> None:
        """Google's packages are loaded and the channel is there; a call waits for that by itself."""
        if self._opening is not None:
            await asyncio.shield(self._opening)

    async def stream(self, model: str, contents: Sequence[Content], system: str) -> AsyncGenerator[Chunk, None]:
        """One call to `StreamGenerateContent`, never retried; leaving the iterator cancels it.

        Raises:
            GeminiError: one of its subclasses, before or after chunks have come.
        """
        await self.opened()
        clock = asyncio.get_running_loop().time
        end = clock() + self._whole
        call: Any = None
        try:
            async with asyncio.timeout(self._first):
                call = await self._client.stream_generate_content(
                    self._request(model, contents, system),
                    # Later than our own, so that a deadline of gRPC's is always the API's word.
                    timeout=self._whole + _GRACE,
                    retry=None,
                    metadata=[("x-goog-api-key", self._api_key)],
                )
                responses = aiter(call)
                response = await anext(responses, None)
            while response is not None:
                # Not proto-plus's view of it, which warns of every reason that is newer than the package.
                yield _chunk(self._v1beta.GenerateContentResponse.pb(response))
                async with asyncio.timeout_at(min(clock() + self._between, end)):
                    response = await anext(responses, None)
        except TimeoutError as error:
            raise TimedOut(refused=False) from error
        except Exception as error:
            if (fault := fault_of(error)) is None:
                raise
            raise fault from error
        finally:
            if call is not None:
                call.cancel()

    async def chats(self, model: str) -> bool:
        """Whether the key may use `model` and the model can chat, by `GetModel`: it uses no tokens.

        Raises:
            GeminiError: one of its subclasses; `ModelGone` where there is no such model.
        """
        await self.opened()
        model_service = importlib.import_module("google.ai.generativelanguage_v1beta.services.model_service.transports")
        transport = model_service.ModelServiceGrpcAsyncIOTransport(channel=self._channel)
        client = self._v1beta.ModelServiceAsyncClient(transport=transport)
        try:
            async with asyncio.timeout(self._first):
                found = await client.get_model(
                    self._v1beta.GetModelRequest(name=_qualified(model)),
                    timeout=self._first,
                    retry=None,
                    metadata=[("x-goog-api-key", self._api_key)],
                )
        except TimeoutError as error:
            raise TimedOut(refused=False) from error
        except Exception as error:
            if (fault := fault_of(error)) is None:
                raise
            raise fault from error
        return "generateContent" in found.supported_generation_methods

    def _request(self, model: str, contents: Sequence[Content], system: str) -> Any:
        v1beta = self._v1beta
        return v1beta.GenerateContentRequest(
            model=_qualified(model),
            system_instruction=v1beta.Content(parts=[v1beta.Part(text=system)]),
            contents=[
                v1beta.Content(role=content.role, parts=[v1beta.Part(text=part) for part in content.parts])
                for content in contents
            ],
            generation_config=v1beta.GenerationConfig(max_output_tokens=MAX_OUTPUT_TOKENS),
        )


def _load() -> tuple[Any, Any, Any]:
    # gRPC writes to standard error past every log setting; it reads this when it is first imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    with warnings.catch_warnings():
        # google.api_core announces the end of support for whatever Python it runs on.
        warnings.simplefilter("ignore", FutureWarning)
        grpc = importlib.import_module("grpc.aio") and importlib.import_module("grpc")
        v1beta = importlib.import_module("google.ai.generativelanguage_v1beta")
        transports = importlib.import_module(
            "google.ai.generativelanguage_v1beta.services.generative_service.transports"
        )
    return grpc, v1beta, transports.GenerativeServiceGrpcAsyncIOTransport


def _qualified(model: str) -> str:
    return model if "/" in model else f"models/{model}"


def _chunk(raw: Any) -> Chunk:
    usage = raw.usage_metadata
    tokens = Tokens(usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count)
    text, finish = "", None
    if raw.candidates:
        candidate = raw.candidates[0]
        text = "".join(part.text for part in candidate.content.parts if not _is_thought(part))
        finish = _finish(candidate.finish_reason)
    elif raw.prompt_feedback.block_reason:
        finish = "blocked"
    return Chunk(text, tokens if tokens.total else None, finish)


def _is_thought(part: Any) -> bool:
    unknown = importlib.import_module("google.protobuf.unknown_fields").UnknownFieldSet(part)
    return any(field.field_number == _THOUGHT and field.data for field in unknown)


def _finish(reason: int) -> Finish | None:
    if reason == 0:
        return None
    return "safety" if reason in _SAFETY else _FINISHES.get(reason, "other")
