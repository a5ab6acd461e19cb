"""Just enough of Discord for players: one client, a guild for each number, and voice states that can be set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from services.container import new_id, now
from services.lavalink import Nodes, Player, Search
from services.playback import Playback
from services.rows import Play, Session
from services.settings import Settings
from tests.fakes import MemoryRecorder

ME = 900


class FakeClient:
    """Keeps what is dispatched."""

    def __init__(self) -> None:
        self.user = SimpleNamespace(id=ME)
        self.events: list[tuple[Any, ...]] = []
        self.changed = asyncio.Condition()
        self.channels: dict[int, FakeChannel] = {}
        self.voice_clients: dict[int, Any] = {}
        self._connection = self

    def dispatch(self, event: str, /, *args: Any) -> None:
        self.events.append((event, *args))

    def named(self, event: str) -> list[tuple[Any, ...]]:
        return [each[1:] for each in self.events if each[0] == event]

    def get_channel(self, channel_id: int) -> FakeChannel | None:
        return self.channels.get(channel_id)

    def _remove_voice_client(self, guild_id: int) -> None:
        self.voice_clients.pop(guild_id, None)


class FakeGuild:
    """Answers a voice state with the two events that Discord sends."""

    def __init__(self, client: FakeClient, guild_id: int) -> None:
        self.id = guild_id
        self.client = client
        self.owner_id = 1
        self.preferred_locale = "en-US"
        self.voice_states_sent: list[int | None] = []
        self.silent = False
        self.sessions = 0
        self.members: dict[int, Any] = {}

    @property
    def voice_client(self) -> Any:
        return self.client.voice_clients.get(self.id)

    def get_member(self, user_id: int) -> Any:
        return self.members.get(user_id)

    async def change_voice_state(self, *, channel: FakeChannel | None, **_: Any) -> None:
        self.voice_states_sent.append(channel.id if channel else None)
        player = self.voice_client
        if player is None or self.silent:
            return
        self.sessions += 1
        await self.move(player, channel)

    async def move(self, player: Player, channel: FakeChannel | None) -> None:
        """The bot is in `channel` now, whoever brought it there."""
        state: Any = {"channel_id": str(channel.id) if channel else None, "session_id": f"s{self.sessions}"}
        await player.on_voice_state_update(state)
        if channel is not None:
            server: Any = {"token": f"t{self.sessions}", "endpoint": "voice.example:443", "guild_id": str(self.id)}
            await player.on_voice_server_update(server)


class FakeChannel:
    def __init__(self, guild: FakeGuild, channel_id: int) -> None:
        self.id = channel_id
        self.guild = guild
        self.voice_states: dict[int, Any] = {ME: None, 1: None}
        self.members: list[Any] = []
        guild.client.channels[channel_id] = self

    def _get_voice_client_key(self) -> tuple[int, str]:
        return self.guild.id, "guild_id"

    async def connect(self, *, cls: Callable[..., Player], timeout: float, self_deaf: bool) -> Player:
        player = cls(self.guild.client, self)
        self.guild.client.voice_clients[self.guild.id] = player
        await player.connect(timeout=timeout, reconnect=False, self_deaf=self_deaf)
        return player


def guild_of(player: Player) -> FakeGuild:
    """The fake that the player takes for a guild."""
    guild: Any = player.channel.guild
    return guild


class MusicWorld:
    """Nodes, a playback and its recorder, on a stand-in for Lavalink."""

    def __init__(self, *uris: str, **settings: Any) -> None:
        self.recorder = MemoryRecorder()
        self.playback = Playback(self.recorder, lambda: "app", now, time.monotonic, new_id, 10)
        self.settings = Settings(discord_token="token", lavalink_nodes=uris, allowed_hosts=("127.0.0.1",), **settings)
        self.nodes = Nodes(self.settings, self.playback)
        self.search = Search(self.nodes, self.settings)
        self.client = FakeClient()
        client: Any = self.client
        self.nodes.start(client)

    def channel(self, guild_id: int = 7) -> Any:
        """A voice channel of a guild of its own."""
        return FakeChannel(FakeGuild(self.client, guild_id), guild_id * 10)

    async def play(self, *names: str, player: Player | None = None) -> Player:
        player = player or await self.nodes.join(self.channel())
        for name in names:
            found = await self.search.find(name)
            player.enqueue(found.tracks, "Alice")
        await player.advance()
        return player

    def rows(self) -> list[Play]:
        return [row for row in self.recorder.rows.values() if isinstance(row, Play)]

    def ended(self) -> list[Play]:
        return [row for row in self.rows() if row.ended_at is not None]

    @property
    def session(self) -> Session | None:
        return self.recorder.sessions.get("7")


async def until(predicate: Callable[[], object], timeout: float = 8.0) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(timeout):
        while not predicate():
            await asyncio.sleep(0.01)
