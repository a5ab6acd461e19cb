"""Voice states and servers, with a voice protocol of the test's own."""

import asyncio
from typing import Any

import discord as dpy
import pytest

from sandbox.discord import Channel, Permission, VoiceCredentials
from tests.sandbox.discord.bots import Place, SandboxBot, running


class Voice(dpy.VoiceProtocol):
    """Says what Discord sent; takes both halves of the hand-over to be connected."""

    def __init__(self, client: dpy.Client, channel: dpy.abc.Connectable) -> None:
        super().__init__(client, channel)
        self.state: dict[str, Any] = {}
        self.server: dict[str, Any] = {}
        self.changed = asyncio.Condition()

    async def on_voice_state_update(self, data: Any, /) -> None:
        async with self.changed:
            self.state = data
            self.changed.notify_all()

    async def on_voice_server_update(self, data: Any, /) -> None:
        async with self.changed:
            self.server = data
            self.changed.notify_all()

    async def connect(
        self, *, timeout: float, reconnect: bool, self_deaf: bool = False, self_mute: bool = False
    ) -> None:
        await self.channel.guild.change_voice_state(channel=self.channel, self_deaf=True)  # type: ignore[attr-defined]
        await self.until(lambda: bool(self.state and self.server), timeout)

    async def disconnect(self, *, force: bool) -> None:
        await self.channel.guild.change_voice_state(channel=None)  # type: ignore[attr-defined]
        self.cleanup()

    async def until(self, holds: Any, timeout: float = 5) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(holds), timeout)

    @property
    def credentials(self) -> VoiceCredentials:
        state, server = self.state, self.server
        return VoiceCredentials(server["token"], server["endpoint"], state["session_id"], state["channel_id"])


async def join(bot: SandboxBot, channel: Channel, timeout: float = 5) -> Voice:
    connectable: Any = bot.get_channel(channel.id)
    return await connectable.connect(cls=Voice, timeout=timeout)


async def test_the_bot_is_given_what_a_voice_connection_needs(place: Place) -> None:
    async with running(place.discord) as bot:
        voice = await join(bot, place.music)
        assert place.discord.voice_credentials(place.guild.id) == voice.credentials
        assert voice.state["self_deaf"] is True
        await voice.disconnect(force=False)
        await place.discord.wait_until(lambda: place.guild.me.voice_channel is None)
        assert place.discord.voice_credentials(place.guild.id) is None


async def test_a_channel_that_lets_nobody_in_answers_with_silence(place: Place) -> None:
    async with running(place.discord) as bot:
        for denied in (Permission.CONNECT, Permission.VIEW_CHANNEL):
            place.music.deny(place.guild.me, denied)
            with pytest.raises(TimeoutError):
                await join(bot, place.music, timeout=0.1)
            place.music.allow(place.guild.me, denied)
        await place.alice.join(place.music)
        place.music.limit_users(1)
        with pytest.raises(TimeoutError):
            await join(bot, place.music, timeout=0.1)
    assert place.guild.me.voice_channel is None


async def test_a_move_brings_new_credentials_and_a_kick_takes_them(place: Place) -> None:
    other = place.guild.add_voice_channel("other")
    async with running(place.discord) as bot:
        voice = await join(bot, place.music)
        first = voice.credentials
        place.discord.move_bot(other)
        await voice.until(lambda: voice.server["token"] != first.token)
        assert voice.credentials == place.discord.voice_credentials(place.guild.id)
        assert voice.credentials.channel_id == str(other.id)
        place.discord.change_voice_region(place.guild, "tokyo")
        await voice.until(lambda: "tokyo" in voice.server["endpoint"])
        place.discord.kick_bot_from_voice(place.guild)
        await voice.until(lambda: voice.state["channel_id"] is None)
    assert place.discord.voice_credentials(place.guild.id) is None


async def test_deleting_the_channel_puts_everyone_out(place: Place) -> None:
    async with running(place.discord) as bot:
        voice = await join(bot, place.music)
        await place.alice.join(place.music)
        place.music.delete()
        await voice.until(lambda: voice.state["channel_id"] is None)
        assert place.alice.voice_channel is None
        assert bot.get_channel(place.music.id) is None


async def test_a_stage_takes_the_bot_as_a_listener_until_it_may_speak(place: Place) -> None:
    stage = place.guild.add_stage_channel("stage")
    async with running(place.discord) as bot:
        voice = await join(bot, stage)
        assert voice.state["suppress"] is True
        me: Any = bot.get_guild(place.guild.id).me  # type: ignore[union-attr]
        with pytest.raises(dpy.Forbidden):
            await me.edit(suppress=False)
        await me.request_to_speak()
        await voice.until(lambda: voice.state["request_to_speak_timestamp"] is not None)
        stage.allow(place.guild.me, Permission.MUTE_MEMBERS)
        await me.edit(suppress=False)
        await voice.until(lambda: voice.state["suppress"] is False)


async def test_a_timed_out_bot_is_put_out_and_may_only_read(place: Place) -> None:
    async with running(place.discord) as bot:
        voice = await join(bot, place.music)
        place.guild.me.time_out(5)
        await voice.until(lambda: voice.state["channel_id"] is None)
        me: Any = bot.get_guild(place.guild.id).me  # type: ignore[union-attr]
        assert me.is_timed_out()
        assert not bot.get_channel(place.music.id).permissions_for(me).connect  # type: ignore[union-attr]
        assert not place.music.permissions(place.guild.me) & Permission.CONNECT


async def test_people_come_and_go_and_the_bot_sees_them(place: Place) -> None:
    async with running(place.discord) as bot:
        joined = asyncio.create_task(bot.wait_for("voice_state_update", timeout=5))
        await place.alice.join(place.music)
        member, before, after = await joined
        assert (member.name, before.channel) == ("alice", None)
        assert after.channel is not None
        assert after.channel.name == "music"
        left = asyncio.create_task(bot.wait_for("voice_state_update", timeout=5))
        place.guild.remove_member(place.alice)
        assert (await left)[2].channel is None


async def test_a_server_that_the_bot_leaves_is_gone_and_an_outage_is_not(place: Place) -> None:
    async with running(place.discord) as bot:
        unavailable = asyncio.create_task(bot.wait_for("guild_unavailable", timeout=5))
        place.guild.outage()
        await unavailable
        available = asyncio.create_task(bot.wait_for("guild_available", timeout=5))
        place.guild.recover()
        await available
        removed = asyncio.create_task(bot.wait_for("guild_remove", timeout=5))
        place.guild.remove_bot()
        assert (await removed).id == place.guild.id
        with pytest.raises(dpy.NotFound) as unknown:
            await bot.fetch_guild(place.guild.id)
        assert unknown.value.code == 10004
