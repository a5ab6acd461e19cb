"""Every answer against Discord's own OpenAPI document, where one is given (``DISCORD_OPENAPI=file``)."""

import re
from typing import Any

import discord as dpy
import pytest
from discord import app_commands
from discord.http import Route

from sandbox.discord import Permission, Record
from tests import discord_openapi
from tests.sandbox.discord.bots import Place, Use, running

if not discord_openapi.given():
    pytest.skip(discord_openapi.MISSING, allow_module_level=True)


class Panel(dpy.ui.View):
    @dpy.ui.button(label="Skip", custom_id="skip", emoji="⏭")
    async def skip(self, use: Use, button: dpy.ui.Button[Any]) -> None:
        await use.response.edit_message(content="skipped")

    @dpy.ui.select(options=[dpy.SelectOption(label="Red", value="r")], custom_id="colour")
    async def colour(self, use: Use, menu: dpy.ui.Select[Any]) -> None:
        await use.response.send_message("red")


class Card(dpy.ui.LayoutView):
    box: dpy.ui.Container[Any] = dpy.ui.Container(
        dpy.ui.TextDisplay("now playing"),
        dpy.ui.Separator(),
        dpy.ui.Section("title", accessory=dpy.ui.Button(label="x", custom_id="x")),
    )


@app_commands.command(description="Plays")
@app_commands.choices(where=[app_commands.Choice(name="here", value="h")])
async def play(use: Use, query: str, where: str = "h", level: app_commands.Range[int, 0, 100] = 1) -> None:
    await use.response.send_message("playing", view=Panel())
    await use.followup.send(embed=dpy.Embed(title="x", description="y").add_field(name="a", value="b"))
    await use.edit_original_response(content="still playing")
    await use.original_response()


@app_commands.command(description="Thinks")
async def think(use: Use) -> None:
    await use.response.defer(ephemeral=True)
    await use.followup.send("thought")


async def exercise(place: Place) -> None:
    """Ask for something of every route."""
    await place.alice.join(place.music)
    async with running(place.discord, play, think) as bot:
        use = await place.alice.slash("play", {"query": "x"}, channel=place.general)
        await use.finished(lambda use: use.messages[1:] and use.messages[0].edits)
        await (await place.alice.click(use.messages[0], "skip")).answered()
        await (await place.alice.slash("think", channel=place.general)).answered()
        channel: Any = bot.get_channel(place.general.id)
        sent = await channel.send("hello", file=dpy.File(__file__), view=Panel())
        await sent.edit(content="edited")
        await sent.reply("answer")
        await channel.send(view=Card())
        await channel.typing()
        await channel.fetch_message(sent.id)
        _ = [message async for message in channel.history()]
        thread = await sent.create_thread(name="talk")
        await thread.send("in the thread")
        await sent.delete()
        for request in (2001 * "x", ""):
            with pytest.raises(dpy.HTTPException):
                await channel.send(request)
        place.general.deny(place.guild.me, Permission.VIEW_CHANNEL)
        with pytest.raises(dpy.Forbidden):
            await channel.send("x")
        place.general.allow(place.guild.me, Permission.VIEW_CHANNEL)
        await routes_of_guilds(bot, place)


async def routes_of_guilds(bot: Any, place: Place) -> None:
    await bot.application_info()
    await bot.fetch_guild(place.guild.id)
    await bot.fetch_channel(place.general.id)
    await bot.fetch_channel(place.music.id)
    user = await bot.fetch_user(place.alice.id)
    await user.send("direct")
    guild = bot.get_guild(place.guild.id)
    await guild.fetch_member(place.alice.id)
    await guild.fetch_channels()
    await guild.fetch_roles()
    await guild.me.edit(nick="nick")
    await guild.get_member(place.alice.id).fetch_voice()
    (first, *_) = await bot.tree.fetch_commands()
    await bot.http.edit_global_command(bot.application_id, first.id, {"description": "new"})
    await bot.http.request(Route("GET", "/gateway/bot"))
    with pytest.raises(dpy.NotFound):
        await bot.fetch_guild(1)
    await bot.tree.sync(guild=guild)
    await guild.leave()


async def test_every_route_is_as_discord_documents_it(place: Place) -> None:
    await exercise(place)
    records = place.discord.requests
    discord_openapi.check(records, refused=False)
    assert len({(record.method, record.route) for record in records}) >= 20


def record(method: str, path: str, status: int = 204, **fields: Any) -> Record:
    return Record(0.0, method, path, path, fields.pop("query", {}), status=status, **fields)


USER = {"id": "1", "username": "alice", "discriminator": "0"}


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (record("GET", "/users/2/wishes"), "GET /users/2/wishes: no such request is documented"),
        (record("DELETE", "/gateway"), "DELETE /gateway: no such request is documented"),
        (
            record("GET", "/channels/here", status=404, answer={"code": 10003, "message": "Unknown Channel"}),
            "GET /channels/{channel_id} {channel_id} $: 'here' does not match",
        ),
        (
            record("DELETE", "/channels/1/messages/@original"),
            "DELETE /channels/{channel_id}/messages/{message_id} {message_id} $: '@original' does not match",
        ),
        (
            record(
                "GET", "/channels/1/messages", query={"limit": "101"}, status=400, answer={"code": 0, "message": ""}
            ),
            "GET /channels/{channel_id}/messages query limit: $: '101' is not of type",
        ),
        (
            record("POST", "/channels/1/typing", query={"loud": "1"}),
            "POST /channels/{channel_id}/typing query loud: no such parameter is documented",
        ),
        (record("POST", "/interactions/1/x/callback"), "/callback request: no body"),
        (record("POST", "/channels/1/typing", body={}), "/typing request: a body where none is documented"),
        (
            record("POST", "/users/@me/channels", body={"recipient_id": "alice"}, status=400, answer={"code": 0}),
            "POST /users/@me/channels request $.recipient_id: 'alice' does not match",
        ),
        (
            record("POST", "/channels/1/messages", body={"content": 7}, files=["x.txt"]),
            "POST /channels/{channel_id}/messages request $.content: 7 is not of type",
        ),
        (record("GET", "/users/2", status=204), "GET /users/{user_id} 204: such an answer is not documented"),
        (
            record("GET", "/users/2", status=200, answer=USER),
            "GET /users/{user_id} 200 answer $: 'avatar' is a required property",
        ),
        (
            record("GET", "/users/2", status=429, answer={"message": "slow", "code": 0}),
            "GET /users/{user_id} 429 answer $: 'retry_after' is a required property",
        ),
        (record("DELETE", "/channels/1/messages/2", answer={}), "204: a body where none is documented"),
    ],
)
def test_what_is_wrong_is_said_in_words(wrong: Record, fault: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(fault)):
        discord_openapi.check([wrong])


def test_a_request_that_was_refused_or_not_answered_may_be_left_out() -> None:
    """What a test sends wrong on purpose; and there is no answer to judge while a fault holds it back."""
    error = {"code": 50035, "message": "Invalid Form Body"}
    discord_openapi.check([record("POST", "/users/@me/channels", 400, body=[], answer=error)], refused=False)
    discord_openapi.check([record("GET", "/users/2", 0)])
    discord_openapi.check([record("GET", "/users/2", 503, answer=error)])
