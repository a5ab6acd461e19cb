"""Every event that this bot acts on, or that keeps its cache, as hikari reads it: the right class and values.

Of the bot's intents only; READY and RESUMED, GUILD_CREATE, GUILD_DELETE and the voice events are in test_hikari.py.
"""

from __future__ import annotations

import hikari

from sandbox.discord import Permission
from tests.sandbox.discord.bots import Place
from tests.sandbox.discord.conftest import place
from tests.sandbox.discord.hikari_bot import discord, living, nothing_was_unreadable

__all__ = ["discord", "nothing_was_unreadable", "place"]


async def test_a_server_s_language_channels_and_threads(place: Place) -> None:
    async with living(place.discord) as bot:
        place.guild.change_locale("ja")
        (updated,) = await bot.hears(hikari.GuildUpdateEvent)
        assert (updated.guild.name, updated.guild.preferred_locale) == ("Sandbox", hikari.Locale.JA)
        channel = place.guild.add_voice_channel("lounge", user_limit=3)
        (created,) = await bot.hears(hikari.GuildChannelCreateEvent)
        assert isinstance(created.channel, hikari.GuildVoiceChannel)
        assert (created.channel.name, created.channel.user_limit) == ("lounge", 3)
        channel.deny(place.guild.everyone, Permission.CONNECT)
        (changed,) = await bot.hears(hikari.GuildChannelUpdateEvent)
        assert changed.channel.permission_overwrites[place.guild.id].deny == hikari.Permissions.CONNECT
        channel.delete()
        (gone,) = await bot.hears(hikari.GuildChannelDeleteEvent)
        assert (gone.channel_id, gone.guild_id) == (channel.id, place.guild.id)
        thread = place.guild.add_thread(place.general, "talk")
        (begun,) = await bot.hears(hikari.GuildThreadCreateEvent)
        assert (begun.thread_id, begun.thread.parent_id, begun.thread.name) == (thread.id, place.general.id, "talk")


async def test_roles_and_the_bot_s_own_member(place: Place) -> None:
    async with living(place.discord) as bot:
        role = place.guild.add_role("dj", Permission.CONNECT)
        (created,) = await bot.hears(hikari.RoleCreateEvent)
        assert (created.role.name, created.role.permissions) == ("dj", hikari.Permissions.CONNECT)
        place.guild.set_role_permissions(role, Permission.SPEAK)
        (updated,) = await bot.hears(hikari.RoleUpdateEvent)
        assert updated.role.permissions == hikari.Permissions.SPEAK
        place.guild.me.give_role(role)
        (own,) = await bot.hears(hikari.MemberUpdateEvent)
        assert own.user_id == place.discord.bot.id
        assert role.id in own.member.role_ids
        place.guild.me.time_out(5)
        timed_out = (await bot.hears(hikari.MemberUpdateEvent, 2))[1]
        assert timed_out.member.communication_disabled_until() is not None
        # Others' are told only to those who ask for members, which is privileged.
        place.alice.give_role(role)
        place.guild.remove_role(role)
        (deleted,) = await bot.hears(hikari.RoleDeleteEvent)
        assert (deleted.role_id, deleted.guild_id) == (role.id, place.guild.id)
        assert len(await bot.hears(hikari.MemberUpdateEvent)) == 2


async def test_messages_that_go_one_by_one_and_all_at_once(place: Place) -> None:
    async with living(place.discord) as bot:
        await place.alice.delete(await place.alice.say(place.general, "one"))
        (gone,) = await bot.hears(hikari.GuildMessageDeleteEvent)
        assert gone.channel_id == place.general.id
        others = [await place.alice.say(place.general, text) for text in ("two", "three")]
        place.general.purge(others)
        (purged,) = await bot.hears(hikari.GuildBulkMessageDeleteEvent)
        assert (purged.message_ids, purged.channel_id) == ({message.id for message in others}, place.general.id)
        await place.alice.delete(await place.alice.dm("psst"))
        (taken_back,) = await bot.hears(hikari.DMMessageDeleteEvent)
        assert taken_back.channel_id == place.alice.dm_channel.id


async def test_what_a_message_says_without_the_intent_to_read_it(place: Place) -> None:
    async with living(place.discord) as bot:
        secret = await place.alice.say(place.general, "secret", files={"a.txt": b"x"})
        await place.alice.say(place.general, "@bot see", reply_to=secret)
        hidden, seen = await bot.hears(hikari.GuildMessageCreateEvent, 2)
        assert (hidden.content, hidden.message.attachments) == (None, [])
        assert place.discord.bot.id in seen.message.user_mentions_ids
        assert seen.message.referenced_message is not None
        assert seen.message.referenced_message.id == secret.id
        assert not seen.message.referenced_message.content


async def test_every_kind_of_interaction(place: Place) -> None:
    async with living(place.discord) as bot:
        assert await place.alice.autocomplete("ping", "word", "on") == [{"name": "on!", "value": "on"}]
        use = await place.alice.slash("ping", {"word": "one"}, channel=place.general, locale="ja")
        await use.answered()
        opened = await place.alice.click(use.messages[0], "form")
        await opened.finished(lambda use: use.modal is not None)
        await (await place.alice.submit(opened, {"said": "two"})).answered()
        direct = await place.alice.slash("ping", {"word": "alone"}, channel=place.alice.dm_channel)
        await direct.answered()

        (typed,) = await bot.hears(hikari.AutocompleteInteractionCreateEvent)
        assert (typed.interaction.options[0].value, typed.interaction.options[0].is_focused) == ("on", True)
        used, alone = await bot.hears(hikari.CommandInteractionCreateEvent, 2)
        command = used.interaction
        assert (command.command_name, command.guild_id, command.locale) == ("ping", place.guild.id, hikari.Locale.JA)
        assert (command.member.id, command.user.username) == (place.alice.id, "alice")
        assert command.member.permissions & hikari.Permissions.SEND_MESSAGES
        assert command.app_permissions & hikari.Permissions.CONNECT
        assert (command.channel.id, command.context) == (place.general.id, hikari.ApplicationContextType.GUILD)
        assert (alone.interaction.guild_id, alone.interaction.member, alone.interaction.user.id) == (
            None,
            None,
            place.alice.id,
        )
        assert alone.interaction.context is hikari.ApplicationContextType.BOT_DM
        (pressed,) = await bot.hears(hikari.ComponentInteractionCreateEvent)
        assert (pressed.interaction.custom_id, pressed.interaction.message.id) == ("form", use.messages[0].id)
        assert pressed.interaction.component_type is hikari.ComponentType.BUTTON
        (filled,) = await bot.hears(hikari.ModalInteractionCreateEvent)
        assert (filled.interaction.custom_id, filled.interaction.message.id) == ("saying", use.messages[0].id)
        assert filled.interaction.components[0].components[0].custom_id == "said"


async def test_a_heartbeat_that_is_asked_for_comes_at_once(place: Place) -> None:
    async with living(place.discord):
        (session,) = place.discord.world.sessions.all()
        assert session.can_resume_from(0)
        await place.discord.ask_for_heartbeats()
        # It names what has arrived; that is kept no longer.
        await place.discord.wait_until(lambda: not session.can_resume_from(0), what="a heartbeat")
