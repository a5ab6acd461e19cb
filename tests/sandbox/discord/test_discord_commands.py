"""Slash commands, registered and used through discord.py."""

import asyncio
from typing import Any

import discord as dpy
import pytest
from discord import app_commands
from discord.http import Route

from sandbox.discord import DiscordStandIn, Permission
from tests.sandbox.discord.bots import Place, Use, running


@app_commands.command(description="Answers")
async def ping(use: Use, word: str = "pong") -> None:
    await use.response.send_message(word, ephemeral=True)


@app_commands.command(description="Thinks first")
async def think(use: Use) -> None:
    await use.response.defer()
    await use.followup.send("first")
    await use.followup.send("second")
    await use.edit_original_response(content="first, edited")


@app_commands.command(description="Takes everything")
async def take(
    use: Use,
    *,
    count: app_commands.Range[int, 1, 10],
    loud: bool,
    who: dpy.Member,
    where: dpy.VoiceChannel,
    ratio: float = 1.0,
) -> None:
    await use.response.send_message(f"{count + 1} {loud} {who.name} {where.name} {ratio}")


async def test_an_ephemeral_answer_reaches_its_user_alone(place: Place) -> None:
    async with running(place.discord, ping):
        use = await place.alice.slash("ping", {"word": "hello"}, channel=place.general)
        await use.answered()
    (message,) = use.messages
    assert (message.content, message.ephemeral, message.edits) == ("hello", True, [])
    assert place.general.messages == []


async def test_a_deferred_answer_is_filled_by_the_first_followup(place: Place) -> None:
    async with running(place.discord, think):
        use = await place.alice.slash("think", channel=place.general)
        await place.discord.wait_until(lambda: use.deferred)
        assert use.messages == []
        await use.finished(lambda use: use.text == "first, edited\nsecond")
    assert [message.content for message in place.general.messages] == ["first, edited", "second"]
    assert use.messages[0].versions[0].content == "first"
    assert [version.content for version in use.messages[0].edits] == ["first, edited"]


async def test_options_arrive_as_the_types_that_were_registered(place: Place) -> None:
    given = {"count": "7", "loud": "yes", "who": "@alice", "where": "#music", "ratio": 0.5}
    async with running(place.discord, take):
        use = await place.alice.slash("take", given, channel=place.general)
        await use.answered()
    assert use.text == "8 True alice music 0.5"


async def test_an_attachment_can_be_an_option(place: Place) -> None:
    @app_commands.command(description="Reads")
    async def read(use: Use, file: dpy.Attachment) -> None:
        await use.response.send_message((await file.read()).decode())

    async with running(place.discord, read):
        use = await place.alice.slash("read", {"file": ("a.txt", b"inside")}, channel=place.general)
        await use.answered()
    assert use.text == "inside"


async def test_what_the_client_would_not_send_is_refused_in_words(place: Place) -> None:
    async with running(place.discord, take, ping):
        with pytest.raises(ValueError, match=r"there is no /pong .*there is: .*ping"):
            await place.alice.slash("pong", channel=place.general)
        with pytest.raises(ValueError, match=r"has no option wrd .*word"):
            await place.alice.slash("ping", {"wrd": "x"}, channel=place.general)
        with pytest.raises(ValueError, match="count must be from 1 to 10"):
            await place.alice.slash("take", {"count": 11}, channel=place.general)
        with pytest.raises(ValueError, match="needs loud, who, where"):
            await place.alice.slash("take", {"count": 1}, channel=place.general)


async def test_a_subcommand_is_named_with_its_group(place: Place) -> None:
    queue = app_commands.Group(name="queue", description="The queue")

    @queue.command(description="Shows it")
    async def show(use: Use, page: int) -> None:  # pyright: ignore[reportUnusedFunction] -- registered
        await use.response.send_message(f"page {page}")

    async with running(place.discord, queue):
        use = await place.alice.slash("queue show", {"page": 2}, channel=place.general)
        await use.answered()
        with pytest.raises(ValueError, match="needs a subcommand: show"):
            await place.alice.slash("queue", channel=place.general)
    assert use.text == "page 2"


async def test_autocomplete_returns_the_bot_s_choices(place: Place) -> None:
    @app_commands.command(description="Plays")
    async def play(use: Use, query: str) -> None:
        await use.response.send_message(query)

    @play.autocomplete("query")
    async def complete(use: Use, text: str) -> list[app_commands.Choice[str]]:  # pyright: ignore[reportUnusedFunction] -- registered
        return [app_commands.Choice(name=f"{text}ning", value="m")]

    async with running(place.discord, play):
        choices = await place.alice.autocomplete("play", "query", "mor", channel=place.general)
    assert choices == [{"name": "morning", "value": "m"}]


async def test_an_answer_after_the_deadline_is_refused_with_10062(place: Place) -> None:
    refused: asyncio.Future[dpy.NotFound] = asyncio.get_running_loop().create_future()

    @app_commands.command(description="Too slow")
    async def slow(use: Use) -> None:
        await place.discord.wait_until(lambda: asked.failed)
        try:
            await use.response.send_message("late")
        except dpy.NotFound as error:
            refused.set_result(error)

    async with running(place.discord, slow):
        asked = await place.alice.slash("slow", channel=place.general)
        with pytest.raises(TimeoutError, match="The application did not respond"):
            await asked.answered()
        error = await asyncio.wait_for(refused, 2)
    assert (error.status, error.code) == (404, 10062)


async def test_a_second_first_answer_is_refused_with_40060(place: Place) -> None:
    refused: asyncio.Future[dpy.HTTPException] = asyncio.get_running_loop().create_future()

    @app_commands.command(description="Answers twice")
    async def twice(use: Use) -> None:
        await use.response.send_message("one")
        again = dpy.InteractionResponse(use)
        try:
            await again.send_message("two")
        except dpy.HTTPException as error:
            refused.set_result(error)

    async with running(place.discord, twice):
        await (await place.alice.slash("twice", channel=place.general)).answered()
        error = await asyncio.wait_for(refused, 2)
    assert (error.status, error.code) == (400, 40060)


async def test_translations_of_commands_are_kept(discord: DiscordStandIn) -> None:
    class Japanese(app_commands.Translator):
        async def translate(self, string: Any, locale: dpy.Locale, context: Any) -> str | None:
            words = {"ping": "ピン", "Answers": "答える"}
            return words.get(string.message) if locale is dpy.Locale.japanese else None

    words = app_commands.locale_str
    localized = app_commands.Command(name=words("ping"), description=words("Answers"), callback=_answer)
    async with running(discord, localized, translator=Japanese()) as bot:
        (command,) = discord.commands
        assert command["name_localizations"] == {"ja": "ピン"}
        whole = await bot.http.request(_get_commands(discord), params={"with_localizations": "true"})
        bare = await bot.http.request(_get_commands(discord))
    assert whole[0]["description_localizations"] == {"ja": "答える"}
    assert "description_localizations" not in bare[0]


def _get_commands(discord: DiscordStandIn) -> Route:
    return Route("GET", f"/applications/{discord.bot.id}/commands")


async def _answer(use: Use) -> None:
    await use.response.send_message("pong")


async def test_a_command_for_moderators_is_not_offered_to_others(place: Place) -> None:
    @app_commands.command(description="For moderators")
    @app_commands.default_permissions(manage_guild=True)
    async def settings(use: Use) -> None:
        await use.response.send_message("done" if use.permissions.manage_guild else "no")

    boss = place.guild.add_member("boss", admin=True)
    async with running(place.discord, settings):
        with pytest.raises(PermissionError, match="not offered to alice"):
            await place.alice.slash("settings", channel=place.general)
        use = await (await boss.slash("settings", channel=place.general)).answered()
    assert use.text == "done"


async def test_commands_are_offered_where_they_may_be_used(place: Place) -> None:
    @app_commands.command(description="For servers")
    @app_commands.guild_only()
    async def here(use: Use) -> None:
        await use.response.send_message(f"@everyone in {use.guild_locale}, {use.locale}")

    async with running(place.discord, here):
        place.guild.change_locale("ja")
        use = await (await place.alice.slash("here", channel=place.general, locale="de")).answered()
        with pytest.raises(PermissionError, match="not offered to alice"):
            await place.alice.slash("here", channel=place.alice.dm_channel)
        place.discord.world.commands.replace(None, [{"name": "old", "description": "x", "dm_permission": False}])
        with pytest.raises(PermissionError, match="not offered to alice"):
            await place.alice.slash("old", channel=place.alice.dm_channel)
        await place.alice.slash("old", channel=place.general)
        place.general.deny(place.alice, Permission.USE_APPLICATION_COMMANDS)
        with pytest.raises(PermissionError, match="not offered to alice"):
            await place.alice.slash("old", channel=place.general)
    assert use.text == "@everyone in ja, de"
    assert not use.messages[0].mention_everyone, "by itself an answer pings users alone"


async def test_a_command_in_a_direct_message_has_no_server(place: Place) -> None:
    @app_commands.command(description="Where")
    async def where(use: Use) -> None:
        may = use.app_permissions
        await use.response.send_message(f"{use.guild_id} {use.locale} {may.embed_links} {may.speak}")

    async with running(place.discord, where):
        use = await place.alice.slash("where", channel=place.alice.dm_channel, locale="ja")
        await use.answered()
    assert use.text == "None ja True False"
