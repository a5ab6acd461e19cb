"""What goes wrong on purpose, and how Discord itself ends connections."""

from __future__ import annotations

from aiohttp import web

from sandbox.chance import Chance

from .gateway import Gateway
from .rest import Rest
from .world import World

HOST = "127.0.0.1"


class Faults:
    """The stand-in's troubles. Where one takes a ``seed``, chance decides where it strikes (``Chance``)."""

    world: World
    _gateway: Gateway
    _rest: Rest
    _port: int
    _runner: web.AppRunner
    _site: web.TCPSite | None

    async def down(self) -> None:
        """Refuse connections and break those that are there."""
        if self._site is None:
            return
        await self._site.stop()
        self._site = None
        self._gateway.cut()
        server = self._runner.server
        assert server is not None
        for connection in list(server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def up(self) -> None:
        """End every fault; listen on the same port if nobody does."""
        self._rest.faults.clear()
        self._gateway.break_silence()
        self.world.sessions.losses.clear()
        if self._site is not None:
            return
        self._site = web.TCPSite(self._runner, HOST, self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def slow(self, seconds: float, *, seed: int | None = None) -> None:
        """Delay every REST request by this from now on, or by up to this with a seed; 0 for none."""
        self._rest.faults.slow(seconds, seed)

    async def reset(self, *, seed: int | None = None) -> None:
        """Break the gateway connections, with a seed some of them; the bot may RESUME."""
        self._gateway.cut(Chance(seed))

    def halfopen(self, *, seed: int | None = None) -> None:
        """Accept connections and answer nothing until ``up``; gateway connections fall silent without a close."""
        self._rest.faults.fall_silent(seed)
        self._gateway.fall_silent(Chance(seed))

    def ratelimit(self, times: int, *, seed: int | None = None) -> None:
        """Answer the next ``times`` requests with 429, or with a seed as many among those to come."""
        self._rest.faults.limit(times, seed)

    def shared_limit(self, times: int, *, seed: int | None = None) -> None:
        """As ``ratelimit``, but with a limit of the resource that others share: not held against the bot."""
        self._rest.faults.limit_shared(times, seed)

    def drop_event(self, kind: str, *, seed: int | None = None) -> None:
        """Lose the gateway's next event of a kind (``MESSAGE_CREATE``), with a seed one of those to come.

        Raises ``ValueError`` for a kind that is never sent.
        """
        self.world.sessions.losses.add(kind, Chance(seed))

    def refuse(self, method: str, path: str, status: int, code: int = 0, *, times: int = 1) -> None:
        """Answer the next ``times`` requests whose path fits the regular expression with this error."""
        self._rest.faults.refuse(method, path, status, code, times)

    def limit(self, on: bool = True) -> None:
        """Turn rate limits on, with nothing used up, or off."""
        self._rest.limit(on)
        self._gateway.limits = on

    def age_messages(self, seconds: float) -> None:
        """Let rate limits take every message to be so much older, also those to come."""
        assert self._rest.limits is not None, "no limits are on"
        self._rest.limits.aged_ms += round(seconds * 1000)

    def ban_after(self, invalid: int, window: float) -> None:
        """Block the bot for ``window`` s once it sent so many invalid requests in as long (10,000 and 600 s)."""
        assert self._rest.limits is not None, "no limits are on"
        self._rest.limits.invalid_limit, self._rest.limits.invalid_window = invalid, window

    def want_heartbeats(self, seconds: float) -> None:
        """Ask connections from now on for a heartbeat so often; one that falls silent is closed with 4009."""
        self._gateway.heartbeat_s = seconds

    async def ask_for_heartbeats(self) -> None:
        """Op 1: every connection shall send a heartbeat now."""
        await self._gateway.ask_for_heartbeats()

    async def close_gateway(self, code: int, reason: str = "") -> None:
        """Close every gateway connection with a code of Discord's, such as 4004 once the token was renewed."""
        await self._gateway.close_all(code, reason)

    async def ask_to_reconnect(self) -> None:
        """Op 7: the bot shall reconnect and RESUME."""
        await self._gateway.ask_to_reconnect()

    async def invalidate_sessions(self, *, resumable: bool = False) -> None:
        """Op 9."""
        await self._gateway.invalidate(resumable)
