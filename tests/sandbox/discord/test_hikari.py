"""hikari, a client library by other authors, as a second opinion: it logs in, answers, and survives a RESUME."""

from __future__ import annotations

from typing import Any

import hikari
import pytest

from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.conftest import place
from tests.sandbox.discord.hikari_bot import discord, living, nothing_was_unreadable

__all__ = ["discord", "nothing_was_unreadable", "place"]


async def test_it_logs_in_and_sees_the_server_as_it_is(place: Place) -> None:
    await place.alice.join(place.music)
    thread = place.guild.add_thread(place.general, "talk")
    place.general.deny(place.alice, place.guild.everyone.permissions)
    async with living(place.discord) as bot:
        (guild,) = await bot.hears(hikari.GuildAvailableEvent)
        assert guild.guild.name == "Sandbox"
        assert {channel.name for channel in guild.channels.values()} == {"general", "music"}
        assert set(guild.threads) == {thread.id}
        assert set(guild.voice_states) == {place.alice.id}
        assert set(guild.members) == {place.discord.bot.id, place.alice.id}
        overwrites = guild.channels[place.general.id].permission_overwrites
        assert overwrites[place.alice.id].deny


async def test_messages_arrive_are_sent_edited_and_deleted(place: Place) -> None:
    async with living(place.discord) as bot:
        await place.alice.say(place.general, "@bot hello", files={"a.txt": b"x"})
        (heard,) = await bot.hears(hikari.GuildMessageCreateEvent)
        assert heard.content == f"{place.discord.bot.mention} hello"
        assert heard.message.attachments[0].filename == "a.txt"
        assert heard.member.display_name == "alice"
        await place.alice.dm("psst")
        (direct,) = await bot.hears(hikari.DMMessageCreateEvent)
        assert direct.content == "psst"
        sent = await heard.message.respond("hi", reply=True, embed=hikari.Embed(title="x").add_field("a", "b"))
        await sent.edit("hi!")
        (edited,) = await bot.hears(hikari.GuildMessageUpdateEvent)
        assert edited.content == "hi!"
        newest = await bot.app.rest.fetch_messages(place.general.id).limit(1)
        assert [message.content for message in newest] == ["hi!"]
        await sent.delete()
        await bot.hears(hikari.GuildMessageDeleteEvent)


async def test_a_command_is_answered_edited_and_followed_up_by_a_form_and_a_message(place: Place) -> None:
    async with living(place.discord):
        use = await place.alice.slash("ping", {"word": "one"}, channel=place.general)
        await use.answered()
        assert use.text == "pong one"
        opened = await place.alice.click(use.messages[0], "form")
        await opened.finished(lambda use: use.modal is not None)
        sent = await place.alice.submit(opened, {"said": "two"})
        await sent.answered()
        assert sent.text == "two was said"
        pressed = await place.alice.click(use.messages[0], "more")
        await pressed.finished(lambda use: len(use.messages) == 2)
        assert (use.text, pressed.messages[1].ephemeral) == ("more", True)


async def test_it_survives_a_resume_and_misses_nothing(place: Place) -> None:
    async with living(place.discord) as bot:
        for number, interrupt in enumerate((place.discord.ask_to_reconnect, place.discord.reset), start=1):
            await interrupt()
            await place.alice.say(place.general, f"@bot {number}")
            await bot.hears(hikari.ShardResumedEvent, number)
            heard = await bot.hears(hikari.GuildMessageCreateEvent, number)
            assert heard[-1].content == f"{place.discord.bot.mention} {number}"
        assert len(await bot.hears(hikari.ShardReadyEvent)) == 1


async def test_it_sees_people_and_itself_in_voice(place: Place) -> None:
    async with living(place.discord) as bot:
        await bot.app.update_voice_state(place.guild.id, place.music.id, self_deaf=True)
        (given,) = await bot.hears(hikari.VoiceServerUpdateEvent)
        credentials = place.discord.voice_credentials(place.guild.id)
        assert credentials is not None
        assert (given.token, given.raw_endpoint) == (credentials.token, credentials.endpoint)
        await place.alice.join(place.music)
        moved = await bot.hears(hikari.VoiceStateUpdateEvent, 2)
        assert [event.state.user_id for event in moved] == [place.discord.bot.id, place.alice.id]


async def test_a_server_comes_goes_and_is_away(place: Place) -> None:
    async with living(place.discord) as bot:
        other = place.discord.add_guild("Other")
        await bot.hears(hikari.GuildJoinEvent)
        other.outage()
        await bot.hears(hikari.GuildUnavailableEvent)
        other.recover()
        await bot.hears(hikari.GuildAvailableEvent, 2)
        other.remove_bot()
        await bot.hears(hikari.GuildLeaveEvent)


@pytest.mark.parametrize("route", ["roles", "channels", "members"])
async def test_what_rest_answers_can_be_read(place: Place, route: str) -> None:
    async with living(place.discord) as bot:
        rest: Any = bot.app.rest
        if route == "members":
            found: Any = [await rest.fetch_member(place.guild.id, place.alice.id)]
        else:
            found = await getattr(rest, f"fetch_{'guild_channels' if route == 'channels' else route}")(place.guild.id)
        assert found
