"""A bot of hikari's, a client library by other authors, which reads payloads more strictly than discord.py."""

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
    """A bot that answers `/ping`, its buttons and its form, and keeps what it was told."""

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
            hikari.CommandOption(
                type=hikari.OptionType.STRING,
                name="word",
                description="Which word",
                is_required=True,
                autocomplete=True,
            )
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
            row.add_interactive_button(hikari.ButtonStyle.SECONDARY, "form", label="Form")
            await interaction.edit_initial_response(f"pong {interaction.options[0].value}", component=row)
        elif isinstance(interaction, hikari.AutocompleteInteraction):
            typed = interaction.options[0].value
            await interaction.create_response([hikari.impl.AutocompleteChoiceBuilder(f"{typed}!", str(typed))])
        elif isinstance(interaction, hikari.ModalInteraction):
            said = interaction.components[0].components[0]
            await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, f"{said.value} was said")
        elif isinstance(interaction, hikari.ComponentInteraction) and interaction.custom_id == "form":
            form = self.app.rest.build_modal_action_row().add_text_input("said", "What is said")
            await interaction.create_modal_response("Say it", "saying", components=[form])
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
