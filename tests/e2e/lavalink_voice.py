"""A stand-in for Lavalink that really speaks: for each player a connection to Discord's voice server."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from sandbox.lavalink import LavalinkStandIn, VoiceState
from sandbox.lavalink.player import Player
from tests.sandbox.discord_voice.client import Closed, VoiceClient

_SILENCE = b"\xf8\xff\xfe"
_FRAME_S = 0.02
_FOR_EVER_S = 1e9
_LOST = 1006


class Speaker:
    """Connects as a Lavalink does wherever a player is given voice data, and sends what it plays as silence.

    `certificate` is the file of the voice server's authority, which is there once there is anything to connect to.
    """

    def __init__(self, lavalink: LavalinkStandIn, certificate: Path) -> None:
        self._lavalink = lavalink
        self._certificate = certificate
        self._lines: dict[int, tuple[VoiceState, asyncio.Task[None]]] = {}
        self.packets = 0
        self.closed_with: list[int | None] = []
        """How the voice server has closed connections."""

    async def follow(self) -> None:
        """Connect, and hang up, as the players are told to; until cancelled. Raises what a connection raises."""
        async with asyncio.TaskGroup() as lines:
            while True:
                await self._lavalink.until(lambda: self._wanted() != self._known(), _FOR_EVER_S)
                wanted = {player.guild_id: player for player in self._lavalink.players() if player.voice.connected}
                for guild_id, (state, line) in list(self._lines.items()):
                    if guild_id not in wanted or wanted[guild_id].voice.state != state:
                        line.cancel()
                        del self._lines[guild_id]
                for guild_id in wanted.keys() - self._lines.keys():
                    player = wanted[guild_id]
                    self._lines[guild_id] = (player.voice.state, lines.create_task(self._speak(player)))

    def _wanted(self) -> dict[int, VoiceState]:
        return {player.guild_id: player.voice.state for player in self._lavalink.players() if player.voice.connected}

    def _known(self) -> dict[int, VoiceState]:
        return {guild_id: state for guild_id, (state, _) in self._lines.items()}

    async def _speak(self, player: Player) -> None:
        (user_id,) = self._lavalink.user_ids
        state, certificate = player.voice.state, self._certificate.read_bytes()
        async with VoiceClient(state.endpoint, certificate, player.guild_id, state, user_id) as client:
            try:
                await client.join()
            except Closed as closed:
                self._close(player, closed.code)
                return
            async with asyncio.TaskGroup() as tasks:
                going = [tasks.create_task(work) for work in (self._beat(client), self._send(player, client))]
                self._close(player, await client.closed(timeout=None))
                for task in going:
                    task.cancel()

    async def _beat(self, client: VoiceClient) -> None:
        # How a connection ends is for `closed` to say.
        with contextlib.suppress(ConnectionError):
            await client.beat()

    async def _send(self, player: Player, client: VoiceClient) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                if player.playing:
                    client.speak(_SILENCE)
                    self.packets += 1
                await asyncio.sleep(_FRAME_S)

    def _close(self, player: Player, code: int | None) -> None:
        self.closed_with.append(code)
        self._lavalink.close_voice(player.guild_id, code or _LOST)
