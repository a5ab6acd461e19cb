"""The bot's world on loopback: all that it talks to, and a small server with people in it."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self, cast
from urllib.parse import urlsplit

from sandbox.discord import DiscordStandIn
from sandbox.discord_voice import VoiceServer, kept_authority
from sandbox.free_port import free_port
from sandbox.gemini import GeminiStandIn
from sandbox.lavalink import LavalinkStandIn, VoiceState, make_samples
from sandbox.real_lavalink import RealLavalink
from sandbox.supabase import Supabase, missing_real_parts

LAVALINK_PASSWORD = "sandbox-lavalink"
GEMINI_API_KEY = "sandbox-key"
VOICE_FOLDER = Path(__file__).resolve().parents[1] / ".sandbox-voice"
"""Where the voice server's authority is kept for a real Lavalink."""


class World:
    """The stand-ins for Discord, Lavalink and Gemini, the real PostgreSQL and PostgREST where they are
    installed, and one server "Sandbox" with #general, a voice channel and three members.

    `music` is a folder of audio files; without it short samples are made. `supabase` says whether a project is
    wanted, or is one that runs already. The attribute is None where it is not wanted or not installed;
    `missing` is then the command that installs it, or None where it is not wanted. `races` lets chance, by
    `seed`, choose the orders that Lavalink leaves to it; `limits` turns Discord's rate limits on.

    `real_lavalink` is the address of a real Lavalink, `http://:password@host:port`, which is then used in the
    stand-in's place, with a voice server of Discord's beside it: `voice_server`, None otherwise. Entering the
    world raises UnusableLavalink where that server is not there or cannot be used.
    """

    def __init__(
        self,
        music: Path | None = None,
        *,
        supabase: bool | Supabase = True,
        races: bool = True,
        limits: bool = True,
        seed: int = 0,
        real_lavalink: str = "",
    ) -> None:
        self._real_lavalink = real_lavalink
        self._music = music
        self._races, self._limits, self._seed = races, limits, seed
        self.supabase = supabase if isinstance(supabase, Supabase) else None
        self.missing = missing_real_parts() if supabase is True else None
        self._starts_supabase = supabase is True and self.missing is None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        self.guild = self.discord.add_guild("Sandbox", locale="en-US")
        self.general = self.guild.add_text_channel("general")
        self.voice = self.guild.add_voice_channel("music")
        self.alice = self.guild.add_member("alice", locale="en-US", admin=True)
        self.bob = self.guild.add_member("bob", locale="en-GB")
        self.yuki = self.guild.add_member("yuki", locale="ja")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        self.discord = await stack.enter_async_context(DiscordStandIn(limits=self._limits))
        self.music = self._music or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-music-")))
        if self._music is None:
            make_samples(self.music)
        self.voice_server: VoiceServer | None = None
        if self._real_lavalink:
            await self._start_real_lavalink(stack)
        else:
            self.lavalink = await stack.enter_async_context(
                LavalinkStandIn(
                    LAVALINK_PASSWORD,
                    music=self.music,
                    voice_check=self._is_discords,
                    seed=self._seed,
                    races=self._races,
                )
            )
        self.gemini = await stack.enter_async_context(GeminiStandIn(GEMINI_API_KEY))
        if self._starts_supabase:
            self.supabase = await stack.enter_async_context(Supabase.start())

    async def _start_real_lavalink(self, stack: AsyncExitStack) -> None:
        # Made first: a server that is not there yet is started with it.
        authority = kept_authority(VOICE_FOLDER)
        proxy = await stack.enter_async_context(RealLavalink(self._real_lavalink, music=self.music))
        # It has all that the console and the bot use, not the account of what was sent.
        self.lavalink = cast("LavalinkStandIn", proxy)
        voice = self.voice_server = await stack.enter_async_context(
            VoiceServer(self.discord.voice_credentials, self.discord.bot.id, authority=authority)
        )
        self.discord.world.voice_endpoint = voice.endpoint
        following = asyncio.create_task(voice.follow(self.discord))
        stack.callback(following.cancel)

    def _is_discords(self, guild_id: int, shown: VoiceState) -> bool:
        """Whether this is what Discord gave the bot; with anything else no sound would reach the channel."""
        given = self.discord.voice_credentials(guild_id)
        if given is None:
            return False
        return shown == VoiceState(given.token, given.endpoint, given.session_id, given.channel_id)

    def environment(self, data_dir: Path) -> dict[str, str]:
        """The bot's settings for this world, and nothing else; every call names a free HTTP port."""
        variables = {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "DISCORD_GATEWAY_URL": self.discord.gateway_url,
            "DISCORD_CDN_URL": self.discord.cdn_url,
            "LAVALINK_NODES": self.lavalink.uri,
            "ALLOWED_HOSTS": urlsplit(self.lavalink.uri).hostname or "",
            "GEMINI_API_KEY": GEMINI_API_KEY,
            "GEMINI_API_ENDPOINT": self.gemini.endpoint,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self.gemini.roots_file),
            "DATA_DIR": str(data_dir),
            "HTTP_PORT": str(free_port()),
        }
        if self.supabase is not None:
            variables["SUPABASE_URL"] = self.supabase.url
            variables["SUPABASE_SERVICE_ROLE_KEY"] = self.supabase.service_role_key
        return variables
