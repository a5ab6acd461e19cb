"""hikari, a client library by other authors, as a second opinion: it reads payloads more strictly than discord.py."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import hikari
import pytest

from sandbox.discord import DiscordStandIn
from tests import discord_openapi
from tests.sandbox.discord.bots import Place

INTENTS = (
    hikari.Intents.GUILDS
    | hikari.Intents.GUILD_VOICE_STATES
    | hikari.Intents.GUILD_MESSAGES
    | hikari.Intents.DM_MESSAGES
)


# hikari reads the bot's id from the first part of its token, as Discord makes them.
TOKEN = f"{base64.b64encode(b'1234567890').decode()}.sandbox.token"


@pytest.fixture(autouse=True)
def nothing_was_unreadable(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """hikari logs what it cannot read, and goes on."""
    yield
    wrong = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in wrong] == []


@pytest.fixture
async def discord() -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(TOKEN) as stand_in:
        yield stand_in
        discord_openapi.check(stand_in.requests)


class HikariBot:
    """A bot that answers `/ping` late, and keeps what it was told."""

    def __init__(self, discord: DiscordStandIn) -> None:
        self.app = hikari.GatewayBot(
            discord.token,
            banner=None,
            logs=None,
            intents=INTENTS,
            rest_url=discord.api_url,
            max_retries=0,
            suppress_optimization_warning=True,
        )
        self.told: list[hikari.Event] = []
        self._telling = asyncio.Condition()
        self.app.subscribe(hikari.Event, self._keep)
        self.app.subscribe(hikari.InteractionCreateEvent, self._answer)
        self.app.subscribe(hikari.StartingEvent, self._register)

    async def _keep(self, event: hikari.Event) -> None:
        async with self._telling:
            self.told.append(event)
            self._telling.notify_all()

    async def hears(self, kind: type[Any], count: int = 1) -> list[Any]:
        """Wait until so many events of a kind have come."""

        def found() -> list[Any]:
            return [event for event in self.told if isinstance(event, kind)]

        async with self._telling:
            async with asyncio.timeout(10):
                await self._telling.wait_for(lambda: len(found()) >= count)
        return found()

    async def _register(self, _: hikari.Event) -> None:
        application = await self.app.rest.fetch_application()
        command = self.app.rest.slash_command_builder("ping", "Answers").add_option(
            hikari.CommandOption(type=hikari.OptionType.STRING, name="word", description="Which word", is_required=True)
        )
        await self.app.rest.set_application_commands(application, [command])

    async def _answer(self, event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        if isinstance(interaction, hikari.CommandInteraction):
            await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
            assert interaction.options
            row = self.app.rest.build_message_action_row().add_interactive_button(
                hikari.ButtonStyle.PRIMARY, "more", label="More"
            )
            await interaction.edit_initial_response(f"pong {interaction.options[0].value}", component=row)
        elif isinstance(interaction, hikari.ComponentInteraction):
            await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, "more", components=[])
            await interaction.execute("followed", flags=hikari.MessageFlag.EPHEMERAL)


@contextlib.asynccontextmanager
async def living(discord: DiscordStandIn) -> AsyncGenerator[HikariBot]:
    bot = HikariBot(discord)
    await bot.app.start(check_for_updates=False)
    try:
        await discord.bot_ready()
        yield bot
    finally:
        await bot.app.close()
    assert discord.unknown_requests == []


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


async def test_a_command_is_answered_edited_and_followed_up(place: Place) -> None:
    async with living(place.discord):
        use = await place.alice.slash("ping", {"word": "one"}, channel=place.general)
        await use.answered()
        assert use.text == "pong one"
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
