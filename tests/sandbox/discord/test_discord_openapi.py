"""Every answer against Discord's own OpenAPI document, where one is given (``DISCORD_OPENAPI=file``)."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import discord as dpy
import pytest
from discord import app_commands
from discord.http import Route
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.discord import Permission, Record
from tests.sandbox.discord.bots import Place, Use, running

pytestmark = pytest.mark.skipif(
    "DISCORD_OPENAPI" not in os.environ,
    reason="set DISCORD_OPENAPI to openapi.json of github.com/discord/discord-api-spec",
)
URI = "urn:discord"


@cache
def document() -> Any:
    return json.loads(Path(os.environ["DISCORD_OPENAPI"]).read_text())


def same_path(path: str) -> str:
    """A path without the names of its parameters, which differ between the document and here."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def operation(record: Record) -> Any:
    """The document's operation for a request; ``@original`` and ``@me`` have paths of their own there."""
    wanted = record.route
    if record.path.endswith("/@original"):
        wanted = wanted.replace("{message_id}", "@original")
    found = {same_path(path): item for path, item in document()["paths"].items()}
    return found[same_path(wanted)][record.method.lower()]


def schema_of(record: Record) -> Any:
    responses = operation(record)["responses"]
    if record.status >= 400:
        return {"$ref": f"{URI}#/components/schemas/Error"}
    return responses[str(record.status)].get("content", {}).get("application/json", {}).get("schema")


def fault(record: Record) -> str | None:
    """The most telling difference from the document, or None."""
    schema = schema_of(record)
    if schema is None:
        return None if record.answer is None else "a body where the document has none"
    registry = Registry().with_resource(URI, Resource.from_contents(document(), DRAFT202012))
    schema = json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/'))
    validator = Draft202012Validator(schema, registry=registry)
    error = best_match(validator.iter_errors(record.answer))
    return None if error is None else f"{error.json_path}: {error.message[-300:]}"


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


async def test_every_answer_is_as_discord_documents_it(place: Place) -> None:
    await exercise(place)
    records = [record for record in place.discord.requests if record.status != 204]
    differences = [(f"{r.method} {r.route} {r.status}", fault(r)) for r in records]
    assert [(request, what) for request, what in differences if what] == []
    assert len({(record.method, record.route) for record in records}) >= 20
