"""Threads that are archived or locked, as discord.py meets them."""

from __future__ import annotations

import discord as dpy
import pytest
from discord import app_commands

from sandbox.discord import Channel, Permission
from tests.sandbox.discord.bots import Place, SandboxBot, Use, code_of, running


def seen(bot: SandboxBot, place: Place, thread_id: int) -> dpy.Thread | None:
    guild = bot.get_guild(place.guild.id)
    return guild and guild.get_thread(thread_id)


def put_away(thread: Channel) -> bool:
    return thread.payload()["thread_metadata"]["archived"]


async def test_a_message_takes_an_archived_thread_up_again_and_an_edit_does_not(place: Place) -> None:
    thread = place.guild.add_thread(place.general, "talk")
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(thread.id)
        message = await channel.send("one")
        thread.archive()
        assert await code_of(message.edit(content="two")) == (400, 50083)
        assert put_away(thread)
        await message.delete()
        await channel.send("three")
        assert not put_away(thread)
        thread.archive()
        await place.alice.say(thread, "@bot four")
        await bot.hears(3)
        told = seen(bot, place, thread.id)
        assert told is not None
        assert not told.archived
        assert bot.events.count("THREAD_UPDATE") == 4


async def test_a_message_that_is_refused_leaves_a_thread_archived(place: Place) -> None:
    codes: list[tuple[int, int]] = []

    @app_commands.command(description="Thinks")
    async def think(use: Use) -> None:
        await use.response.send_message("thinking")
        thread.archive()
        codes.append(await code_of(use.followup.send("x" * 2001)))
        place.discord.world.changes.notify()

    thread = place.guild.add_thread(place.general, "talk")
    async with running(place.discord, think) as bot:
        await place.alice.slash("think", channel=thread)
        await place.discord.wait_until(lambda: len(codes) == 1)
        assert put_away(thread)
        channel = bot.get_partial_messageable(thread.id)
        codes.append(await code_of(channel.send("x" * 2001)))
        place.general.deny(place.guild.me, Permission.EMBED_LINKS)
        codes.append(await code_of(channel.send(embed=dpy.Embed(title="One"))))
        with pytest.raises(ValueError, match="50035"):
            await place.alice.say(thread, "x" * 4001)
    assert codes == [(400, 50035), (400, 50035), (403, 50013)]
    assert put_away(thread)


@pytest.mark.parametrize(
    ("state", "sending", "editing"), [("lock", 160005, (403, 160005)), ("archive", 50083, (400, 50083))]
)
async def test_a_locked_thread_is_for_moderators(
    place: Place, state: str, sending: int, editing: tuple[int, int]
) -> None:
    thread = place.guild.add_thread(place.general, "talk")
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(thread.id)
        message = await channel.send("one")
        thread.lock() if state == "lock" else thread.archive(locked=True)
        assert await code_of(channel.send("two")) == (403, sending)
        assert await code_of(message.edit(content="two")) == editing
        with pytest.raises(PermissionError, match="alice may not write in talk: 403"):
            await place.alice.say(thread, "me neither")
        place.general.allow(place.guild.me, Permission.MANAGE_THREADS)
        await channel.send("two")
        await message.edit(content="two, edited")
        assert thread.payload()["thread_metadata"]["locked"]
        assert not put_away(thread)


async def test_an_answer_meets_a_thread_that_was_put_away_meanwhile(place: Place) -> None:
    codes: list[tuple[int, int]] = []

    @app_commands.command(description="Thinks")
    async def think(use: Use) -> None:
        thread.archive(locked=True)
        codes.append(await code_of(use.response.send_message("not here")))
        thread.archive()
        await use.response.defer()
        assert not put_away(thread)
        thread.archive()
        codes.append(await code_of(use.edit_original_response(content="late")))
        thread.archive(locked=True)
        codes.append(await code_of(use.followup.send("late")))
        thread.archive()
        await place.alice.say(thread, "where is it?")
        await use.edit_original_response(content="here")
        thread.archive(locked=True)
        codes.append(await code_of(use.followup.send("more")))
        place.discord.world.changes.notify()

    thread = place.guild.add_thread(place.general, "talk")
    async with running(place.discord, think):
        await place.alice.slash("think", channel=thread)
        await place.discord.wait_until(lambda: len(codes) == 4)
        with pytest.raises(PermissionError, match="/think is not offered to alice here"):
            await place.alice.slash("think", channel=thread)
    assert codes == [(403, 50083), (400, 50083), (400, 50083), (403, 50083)]


async def test_the_bot_is_told_of_active_threads_that_it_may_see(place: Place) -> None:
    hidden = place.guild.add_text_channel("hidden")
    hidden.deny(place.guild.me, Permission.VIEW_CHANNEL)
    place.guild.add_thread(place.general, "archived").archive()
    for channel in (place.general, hidden):
        place.guild.add_thread(channel, f"in {channel.name}")
    async with running(place.discord) as bot:
        guild = bot.get_guild(place.guild.id)
        assert guild is not None
        assert [thread.name for thread in guild.threads] == ["in general"]
        place.guild.add_thread(hidden, "new in hidden")
        place.guild.add_thread(place.general, "new in general")
        await bot.wait_for("thread_create", timeout=5)
        assert "new in hidden" not in [thread.name for thread in guild.threads]
