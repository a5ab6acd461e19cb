"""The stand-in as its users see it: an endpoint, a script, an account and faults."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import grpc.aio

from sandbox.chance import Chance
from sandbox.gemini.account import Account
from sandbox.gemini.authority import Authority
from sandbox.gemini.models import ModelService
from sandbox.gemini.refusals import Refuse
from sandbox.gemini.relay import HOST, Relay
from sandbox.gemini.replies import Reply
from sandbox.gemini.request_rules import Unserved
from sandbox.gemini.service import GenerativeService


class GeminiStandIn:
    """Serves `GenerativeService` and `ModelService` on a port of loopback's own choice while it is entered.

    `authority` is for several stand-ins in one process, which have to share one; see `Authority`.
    """

    def __init__(self, api_key: str = "sandbox-key", authority: Authority | None = None) -> None:
        self.api_key = api_key
        self.account = Account()
        self._service = GenerativeService(api_key, self.account)
        self._authority = authority
        self._cleanup = contextlib.AsyncExitStack()
        self._relay: Relay | None = None

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            if self._authority is None:
                self._authority = Authority(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            # Two servers on one port would share its connections, with SO_REUSEPORT.
            server: Any = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            server.add_generic_rpc_handlers(
                (self._service.handlers(), ModelService(self._service).handlers(), Unserved(self.account))
            )
            port = server.add_secure_port(f"{HOST}:0", self._authority.server_credentials())
            await server.start()
            stack.push_async_callback(server.stop, None)
            self._relay = self._service.relay = Relay(port)
            await self._relay.open()
            stack.push_async_callback(self._relay.close)
            self._cleanup = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._cleanup.aclose()

    @property
    def endpoint(self) -> str:
        """For `GEMINI_API_ENDPOINT`: `localhost:PORT`, TLS."""
        return f"localhost:{self._entered.port}"

    @property
    def roots_file(self) -> Path:
        """For `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`, which gRPC reads before its first channel."""
        assert self._authority is not None, "the stand-in is not entered"
        return self._authority.roots_file

    def script(self, *replies: Reply) -> None:
        """The replies to the next calls that are accepted, in this order; later calls get a friendly echo."""
        self._service.script.extend(replies)

    def deny(self, denial: Refuse | None) -> None:
        """Every call with the right key ends with `denial`, a look-up of a model too; None takes that back."""
        self._service.denial = denial

    async def down(self) -> None:
        """Connections are refused, and those that are open break."""
        await self._entered.close()

    async def up(self) -> None:
        """Take connections again, without any fault."""
        self._service.trouble.clear()
        await self._entered.open()

    def slow(self, seconds: float, *, seed: int | None = None) -> None:
        """Every reply begins so many seconds later, or by chance some part of that."""
        self._service.trouble.slow(seconds, seed)

    def halfopen(self, *, seed: int | None = None) -> None:
        """Calls are taken and not answered, or by chance some are, until `up`."""
        self._service.trouble.silence = Chance(seed)

    async def reset(self, *, seed: int | None = None) -> None:
        """Break what is connected, or by chance some of it; new connections are taken."""
        self._entered.reset(chance=Chance(seed))

    def freeze(self) -> None:
        """What is connected stays so, and not a byte comes over it any more; new connections work."""
        self._entered.freeze()

    def ratelimit(self, times: int, *, seed: int | None = None) -> None:
        """The next calls are over the limit: RESOURCE_EXHAUSTED, with the delay that the API asks for."""
        self._service.trouble.refuse(times, seed)

    async def until(self, predicate: Callable[[Account], object], timeout: float = 5.0) -> None:
        """Return once `predicate` holds for the account; TimeoutError otherwise."""
        await self.account.until(predicate, timeout)

    @property
    def _entered(self) -> Relay:
        assert self._relay is not None, "the stand-in is not entered"
        return self._relay
