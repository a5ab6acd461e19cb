"""What a bot is not shown and may not do, each with Discord's code for it."""

from typing import Any

import discord as dpy
import pytest
from discord.http import Route

from sandbox.discord import Permission
from sandbox.discord.permissions import EVERYONE
from tests.sandbox.discord.bots import Place, code_of, running


async def test_old_messages_are_read_only_with_the_permission_to(place: Place) -> None:
    said = await place.alice.say(place.general, "@bot hello")
    direct = await place.alice.dm("hello")
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(place.general.id)
        assert (await channel.fetch_message(said.id)).content.endswith("hello")
        place.general.deny(place.guild.me, Permission.READ_MESSAGE_HISTORY)
        assert await code_of(channel.fetch_message(said.id)) == (403, 50013)
        assert [message async for message in channel.history()] == []
        dm_channel = bot.get_partial_messageable(place.alice.dm_channel.id)
        assert (await dm_channel.fetch_message(direct.id)).content == "hello"


async def test_what_is_deleted_or_somebody_elses_alone_is_unknown(place: Place) -> None:
    async with running(place.discord) as bot:
        place.discord.world.commands.replace(None, [{"name": "ping", "description": "Answers"}])
        channel = bot.get_partial_messageable(place.general.id)
        gone = await channel.send("gone")
        await gone.delete()
        use = await place.alice.slash("ping", channel=place.general)
        route = Route("POST", f"/interactions/{use.id}/{use.token}/callback")
        await bot.http.request(route, json={"type": 4, "data": {"content": "for alice alone", "flags": 64}})
        for message_id in (gone.id, use.messages[0].id):
            assert await code_of(channel.fetch_message(message_id)) == (404, 10008)
            assert await code_of(channel.get_partial_message(message_id).edit(content="x")) == (404, 10008)


async def test_files_typing_and_replies_need_their_permissions(place: Place) -> None:
    me, general = place.guild.me, place.general
    theirs = await place.alice.say(general, "mine")
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(general.id)
        await channel.typing()
        general.deny(me, Permission.ATTACH_FILES)
        assert await code_of(channel.send(file=dpy.File(__file__))) == (403, 50013)
        general.deny(me, Permission.READ_MESSAGE_HISTORY)
        assert await code_of(channel.get_partial_message(theirs.id).reply("x")) == (403, 160002)
        general.deny(me, Permission.SEND_MESSAGES)
        assert await code_of(typing(channel)) == (403, 50013)
        place.alice.user.accepts_dms = False
        direct = bot.get_partial_messageable(place.alice.dm_channel.id)
        assert await code_of(typing(direct)) == (403, 50007)
        their_direct = await place.alice.dm("mine too")
        assert await code_of(direct.get_partial_message(their_direct.id).delete()) == (403, 50003)


async def typing(channel: dpy.PartialMessageable) -> None:
    await channel.typing()


async def test_a_reply_to_what_is_gone_is_refused_unless_that_is_foreseen(place: Place) -> None:
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(place.general.id)
        gone = await channel.send("gone")
        await gone.delete()
        assert await code_of(gone.reply("x")) == (400, 50035)
        reference = gone.to_reference(fail_if_not_exists=False)
        assert (await channel.send("x", reference=reference)).type is dpy.MessageType.default
    assert [record.status for record in place.discord.broken_requests] == [400]


async def test_only_answers_to_interactions_are_ephemeral(place: Place) -> None:
    async with running(place.discord) as bot:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=place.general.id)
        await bot.http.request(route, json={"content": "for all", "flags": 64})
    assert [message.content for message in place.general.messages] == ["for all"]


async def test_a_history_is_read_in_parts(place: Place) -> None:
    said = [await place.alice.say(place.general, f"@bot {number}") for number in range(5)]
    ids = [message.id for message in said]
    async with running(place.discord) as bot:

        async def read(**query: int) -> list[int]:
            route = Route("GET", "/channels/{channel_id}/messages", channel_id=place.general.id)
            return [int(message["id"]) for message in await bot.http.request(route, params=query)]

        assert await read() == ids[::-1]
        assert await read(limit=2) == [ids[4], ids[3]]
        assert await read(limit=2, before=ids[3]) == [ids[2], ids[1]]
        assert await read(limit=2, after=ids[0]) == [ids[2], ids[1]]
        for limit in (0, 101):
            assert await code_of(read(limit=limit)) == (400, 50035)


async def test_contents_are_read_as_the_intents_say(place: Place) -> None:
    texts = [await place.alice.say(place.general, text) for text in ("secret", "@bot open")]
    direct = await place.alice.dm("between us")
    async with running(place.discord) as bot:
        seen = [
            (await bot.get_partial_messageable(message.channel.id).fetch_message(message.id)).clean_content
            for message in (*texts, direct)
        ]
    assert seen == ["", "@sandbox-bot open", "between us"]


async def test_a_name_is_changed_only_with_the_permission(place: Place) -> None:
    async with running(place.discord) as bot:
        guild = bot.get_guild(place.guild.id)
        assert guild is not None
        await guild.me.edit(nick="Nick")
        for role in (place.guild.everyone, place.guild.bot_role):
            place.guild.set_role_permissions(role, role.permissions & ~Permission.CHANGE_NICKNAME)
        assert await code_of(guild.me.edit(nick="Other")) == (403, 50013)
    assert place.guild.me.nick == "Nick"


async def test_what_the_bot_may_not_enter_it_may_not_write_in(place: Place) -> None:
    elsewhere = place.discord.add_guild("Elsewhere")
    left = elsewhere.add_text_channel("left")
    elsewhere.remove_bot()
    async with running(place.discord) as bot:
        await bot.get_partial_messageable(place.music.id).send("in the voice channel's texts")
        place.music.deny(place.guild.me, Permission.CONNECT)
        for channel in (place.music, left):
            assert await code_of(bot.get_partial_messageable(channel.id).send("x")) == (403, 50001)


async def test_moving_members_starting_threads_and_asking_to_speak_need_their_permissions(place: Place) -> None:
    me, stage = place.guild.me, place.guild.add_stage_channel("stage")
    await place.alice.join(place.music)
    async with running(place.discord) as bot:
        guild = bot.get_guild(place.guild.id)
        assert guild is not None
        alice = await guild.fetch_member(place.alice.id)
        assert await code_of(guild.fetch_member(place.guild.id)) == (404, 10007)
        assert await code_of(alice.move_to(None)) == (403, 50013)
        place.guild.set_role_permissions(place.guild.bot_role, EVERYONE | Permission.MOVE_MEMBERS)
        await alice.move_to(None)
        assert place.alice.voice_channel is None
        assert await code_of(alice.move_to(None)) == (400, 40032)
        general: Any = bot.get_channel(place.general.id)
        message = await general.send("a thread?")
        place.general.deny(me, Permission.CREATE_PUBLIC_THREADS)
        assert await code_of(message.create_thread(name="talk")) == (403, 50013)
        stage.deny(me, Permission.REQUEST_TO_SPEAK)
        await guild.change_voice_state(channel=guild.get_channel(stage.id))  # pyright: ignore[reportArgumentType] -- a stage it is
        await place.discord.wait_until(lambda: me.voice_channel is stage)
        # By hand: discord.py may not have heard of it yet.
        asked = {"channel_id": stage.id, "request_to_speak_timestamp": "2026-01-01T00:00:00+00:00"}
        assert await code_of(bot.http.edit_my_voice_state(guild.id, asked)) == (403, 50013)


async def test_a_full_channel_takes_only_who_may_move_members(place: Place) -> None:
    place.music.limit_users(1)
    await place.alice.join(place.music)
    bob = place.guild.add_member("bob")
    with pytest.raises(PermissionError, match="bob cannot join music"):
        await bob.join(place.music)
    place.music.allow(bob, Permission.MOVE_MEMBERS)
    await bob.join(place.music)


async def test_who_may_not_speak_is_a_listener(place: Place) -> None:
    place.music.deny(place.alice, Permission.SPEAK)
    for member, listens in ((place.alice, True), (place.guild.add_member("bob"), False)):
        await member.join(place.music)
        assert place.guild.voice_states[member.id].suppress is listens


async def test_commands_are_those_of_ones_own_application_where_it_is(place: Place) -> None:
    elsewhere = place.discord.add_guild("Elsewhere")
    async with running(place.discord) as bot:
        elsewhere.remove_bot()
        assert await code_of(bot.http.get_guild_commands(place.discord.bot.id, elsewhere.id)) == (403, 50001)
        assert await code_of(bot.http.get_global_commands(place.alice.id)) == (404, 10002)
        assert await bot.http.get_guild_commands(place.discord.bot.id, place.guild.id) == []
