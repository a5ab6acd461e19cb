"""A bot with only the music in it, between a stand-in for Discord and one for Lavalink."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from discord.http import Route

from cogs.common.client import Client
from cogs.common.tree import CatalogueTranslator
from cogs.music import Music
from sandbox.discord import Channel, DiscordStandIn, Guild, Interaction, Member
from sandbox.lavalink import LavalinkStandIn, VoiceState
from services.container import new_id, now
from services.lavalink import Nodes
from services.playback import Playback
from services.rows import Play, Session
from services.settings import Settings
from tests import discord_openapi
from tests.fakes import MemoryRecorder
from tests.heartbeats import end_heartbeats
from tests.services.lavalink.world import until
from tests.silence import write_silence


class MusicBot(Client):
    def __init__(self, nodes: Nodes, playback: Playback, settings: Settings) -> None:
        super().__init__(settings.discord_gateway_url)
        self.music = nodes, playback, settings

    def begin(self) -> None:
        """Nothing of an earlier run is to be cleared away."""

    async def setup_hook(self) -> None:
        await self.tree.set_translator(CatalogueTranslator())
        await self.add_cog(Music(self, *self.music))
        self.music[0].start(self)
        await self.tree.sync()


@dataclass
class Stage:
    """A server with people in it, and the bot."""

    discord: DiscordStandIn
    lavalink: LavalinkStandIn
    recorder: MemoryRecorder
    playback: Playback
    nodes: Nodes
    bot: MusicBot
    guild: Guild
    general: Channel
    lounge: Channel
    alice: Member
    bob: Member

    async def use(self, member: Member, command: str, **options: Any) -> Interaction:
        """A command and its answer, which comes in time."""
        use = await member.slash(command, options, channel=self.general)
        await use.answered()
        return await use.finished(lambda each: each.messages)

    async def text(self, member: Member, command: str, **options: Any) -> str:
        """What the first message of the answer says, embeds too."""
        use = await self.use(member, command, **options)
        return said(use.messages[0])

    def rows(self) -> list[Play]:
        return [row for row in self.recorder.rows.values() if isinstance(row, Play)]

    def ended(self) -> list[Play]:
        return [row for row in self.rows() if row.ended_at]

    @property
    def session(self) -> Session | None:
        return self.recorder.sessions.get(str(self.guild.id))


def said(message: Any) -> str:
    """The text of a message and of its embeds."""
    embeds = [str(part) for embed in message.embeds for part in embed.values() if isinstance(part, str)]
    return " ".join([message.text, *embeds])


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for name, milliseconds in {"short": 1_500, "morning": 60_000, "evening": 60_000}.items():
        write_silence(folder / f"{name}.wav", milliseconds)
    (folder / "album").mkdir()
    for number in range(25):
        write_silence(folder / "album" / f"song {number:02}.wav", 60_000)
    return folder


@pytest.fixture
async def stage(music: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with DiscordStandIn(token="sandbox-token") as stand_in:

        def check(guild_id: int, voice: VoiceState) -> bool:
            given = stand_in.voice_credentials(guild_id)
            return given is not None and (voice.token, voice.session_id) == (given.token, given.session_id)

        async with LavalinkStandIn(music=music, voice_check=check) as lavalink:
            guild = stand_in.add_guild("Sandbox")
            general, lounge = guild.add_text_channel("general"), guild.add_voice_channel("lounge")
            alice, bob = guild.add_member("alice"), guild.add_member("bob", locale="ja")
            monkeypatch.setattr(Route, "BASE", stand_in.api_url)
            recorder = MemoryRecorder()
            playback = Playback(recorder, lambda: "app", now, time.monotonic, new_id, 10)
            settings = Settings(
                discord_token="sandbox-token",
                discord_gateway_url=stand_in.gateway_url,
                lavalink_nodes=(lavalink.uri,),
                allowed_hosts=("127.0.0.1",),
            )
            nodes = Nodes(settings, playback)
            bot = MusicBot(nodes, playback, settings)
            running = asyncio.create_task(bot.start("sandbox-token"))
            await stand_in.bot_ready()
            await until(lambda: stand_in.commands and nodes.state.condition == "ok")
            yield Stage(stand_in, lavalink, recorder, playback, nodes, bot, guild, general, lounge, alice, bob)
            await nodes.close()
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await end_heartbeats()
        assert stand_in.unknown_requests == stand_in.broken_requests == []
        assert stand_in.broken_frames == []
        discord_openapi.check(stand_in.requests)
