"""`ModelService`: which models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from sandbox.gemini.refusals import RETRY_AFTER_S, model_not_found, rate_limit
from sandbox.gemini.wire import refuse, v1beta

if TYPE_CHECKING:
    from sandbox.gemini.service import GenerativeService

# The stable models of November 2026 (ai.google.dev/gemini-api/docs/models), and one that cannot chat.
MODELS = ("gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3.8-flash")
EMBEDDING_MODEL = "gemini-embedding-001"
_METHODS = {model: ["generateContent", "countTokens"] for model in MODELS} | {EMBEDDING_MODEL: ["embedContent"]}
SERVICE = "google.ai.generativelanguage.v1beta.ModelService"


class ModelService:
    """`GetModel`; key, limit, delay and silence are those of the service beside it."""

    def __init__(self, beside: GenerativeService) -> None:
        self._beside = beside

    def handlers(self) -> grpc.GenericRpcHandler:
        """What grpc's server is given."""
        get = grpc.unary_unary_rpc_method_handler(self._get, v1beta.GetModelRequest.deserialize, v1beta.Model.serialize)
        return grpc.method_handlers_generic_handler(SERVICE, {"GetModel": get})

    async def _get(self, request: Any, context: Any) -> Any:
        await self._beside.check_key(context)
        await self._beside.trouble.wait()
        if self._beside.trouble.refuses():
            await refuse(rate_limit(RETRY_AFTER_S), context)
        methods = _METHODS.get(request.name.removeprefix("models/"))
        if methods is None:
            await refuse(model_not_found(request.name), context)
        return v1beta.Model(name=request.name, supported_generation_methods=methods)
