"""A stand-in for Lavalink that really speaks: for each player a connection to Discord's voice server."""

from __future__ import annotations

import asyncio
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
        """Connect, and hang up, as the players are told to; until cancelled."""
        try:
            while True:
                await self._lavalink.until(lambda: self._wanted() != self._known(), _FOR_EVER_S)
                wanted = {player.guild_id: player for player in self._lavalink.players() if player.voice.connected}
                for guild_id, (state, line) in list(self._lines.items()):
                    if guild_id not in wanted or wanted[guild_id].voice.state != state:
                        line.cancel()
                        del self._lines[guild_id]
                for guild_id in wanted.keys() - self._lines.keys():
                    player = wanted[guild_id]
                    self._lines[guild_id] = (player.voice.state, asyncio.create_task(self._speak(player)))
        finally:
            for _, line in self._lines.values():
                line.cancel()

    def _wanted(self) -> dict[int, VoiceState]:
        return {player.guild_id: player.voice.state for player in self._lavalink.players() if player.voice.connected}

    def _known(self) -> dict[int, VoiceState]:
        return {guild_id: state for guild_id, (state, _) in self._lines.items()}

    async def _speak(self, player: Player) -> None:
        (user_id,) = {session.user_id for session in self._lavalink._node.sessions.values()}
        state, certificate = player.voice.state, self._certificate.read_bytes()
        async with VoiceClient(state.endpoint, certificate, player.guild_id, state, user_id) as client:
            try:
                await client.join()
            except Closed as closed:
                self._close(player, closed.code)
                return
            tasks = [asyncio.create_task(client.beat()), asyncio.create_task(self._send(player, client))]
            try:
                self._close(player, await client.closed(timeout=None))
            finally:
                for task in tasks:
                    task.cancel()

    async def _send(self, player: Player, client: VoiceClient) -> None:
        while True:
            if player.playing:
                client.speak(_SILENCE)
                self.packets += 1
            await asyncio.sleep(_FRAME_S)

    def _close(self, player: Player, code: int | None) -> None:
        self.closed_with.append(code)
        self._lavalink.close_voice(player.guild_id, code or _LOST)
