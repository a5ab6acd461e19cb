"""Messages: what the bot hears, sends, edits; what Discord refuses."""

from typing import Any

import aiohttp
import discord as dpy
import pytest
from discord import app_commands

from sandbox.discord import DiscordStandIn, Permission
from tests.sandbox.discord.bots import Place, Use, code_of, running


async def test_contents_come_with_mentions_and_in_direct_messages_only(place: Place) -> None:
    async with running(place.discord) as bot:
        await place.alice.say(place.general, "secret", files={"a.txt": b"secret"})
        await place.alice.say(place.general, "@bot hello @alice")
        await place.alice.dm("hi")
        secret, mention, direct = await bot.hears(3)
    assert (secret.content, secret.attachments) == ("", [])
    assert mention.content == f"<@{bot.user.id}> hello <@{place.alice.id}>"  # type: ignore[union-attr]
    assert bot.user in mention.mentions
    assert isinstance(mention.author, dpy.Member)
    assert (direct.content, direct.guild) == ("hi", None)


async def test_a_reply_pings_unless_that_is_switched_off(place: Place) -> None:
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(place.general.id)
        await channel.send("question?")
        question = await place.discord.wait_for_message(place.general, lambda m: "question" in m.content)
        await place.alice.say(place.general, "loud", reply_to=question)
        await place.alice.say(place.general, "quiet", reply_to=question, ping=False)
        await bot.hears(3)
    assert [message.content for message in bot.heard] == ["question?", "loud", ""]
    assert bot.heard[1].reference is not None
    assert bot.heard[1].reference.message_id == question.id


async def test_edits_and_deletions_are_seen(place: Place) -> None:
    async with running(place.discord) as bot:
        message = await bot.get_partial_messageable(place.general.id).send("one")
        await message.edit(content="two")
        seen = await place.discord.wait_for_message(place.general, lambda m: m.content == "two")
        await message.delete()
    assert [version.content for version in seen.versions] == ["one", "two"]
    assert seen.deleted
    assert place.general.messages == []


async def test_a_file_that_was_sent_can_be_fetched(place: Place) -> None:
    async with running(place.discord) as bot, aiohttp.ClientSession() as http:
        file = dpy.File(__file__, "code.py", description="code")
        message = await bot.get_partial_messageable(place.general.id).send(file=file)
        (attachment,) = message.attachments
        assert (attachment.filename, attachment.description) == ("code.py", "code")
        assert attachment.url.startswith(place.discord.cdn_url)
        assert b"can_be_fetched" in await (await http.get(attachment.url)).read()


async def test_a_mention_needs_the_sender_s_leave_to_ping(place: Place) -> None:
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(place.general.id)
        text = f"@everyone {place.alice.user.mention}"
        silent = await channel.send(text, allowed_mentions=dpy.AllowedMentions.none())
        loud = await channel.send(text)
    assert (silent.mention_everyone, silent.mentions) == (False, [])
    assert loud.mention_everyone
    assert [user.id for user in loud.mentions] == [place.alice.id]


def long_embed(size: int) -> dpy.Embed:
    return dpy.Embed(description="x" * size)


@pytest.mark.parametrize(
    ("send", "code", "where"),
    [
        ({"content": "x" * 2001}, 50035, "content: Must be 2000 or fewer in length."),
        ({"content": ""}, 50006, "Cannot send an empty message"),
        ({"embeds": [long_embed(4000), long_embed(2001)]}, 50035, "embeds: Embed size exceeds maximum size"),
        ({"embed": long_embed(4097)}, 50035, "embeds.0.description: Must be 4096 or fewer"),
        ({"embed": dpy.Embed(url="ftp://x", title="x")}, 50035, "embeds.0.url: Scheme"),
    ],
)
async def test_a_body_that_discord_refuses(place: Place, send: dict[str, Any], code: int, where: str) -> None:
    async with running(place.discord) as bot:
        with pytest.raises(dpy.HTTPException) as refused:
            await bot.get_partial_messageable(place.general.id).send(**send)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert where in str(refused.value).replace("In ", "")
    assert place.general.messages == []


async def test_a_body_s_faults_in_an_interaction_are_named_under_data(place: Place) -> None:
    refused: list[dpy.HTTPException] = []

    @app_commands.command(description="Says too much")
    async def talk(use: Use) -> None:
        try:
            await use.response.send_message("x" * 2001)
        except dpy.HTTPException as error:
            refused.append(error)
        await use.response.send_message("short")

    async with running(place.discord, talk):
        await (await place.alice.slash("talk", channel=place.general)).answered()
    assert "In data.content: Must be 2000" in str(refused[0])


async def test_permissions_decide_what_the_bot_may_do(place: Place) -> None:
    me, general = place.guild.me, place.general
    async with running(place.discord) as bot:
        channel = bot.get_partial_messageable(general.id)
        general.deny(me, Permission.SEND_MESSAGES)
        assert await code_of(channel.send("x")) == (403, 50013)
        general.deny(me, Permission.VIEW_CHANNEL)
        assert await code_of(channel.send("x")) == (403, 50001)
        general.allow(me, Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES)
        await channel.send("allowed")
        theirs = await place.alice.say(general, "mine")
        assert await code_of(channel.get_partial_message(theirs.id).delete()) == (403, 50013)
        assert await code_of(channel.get_partial_message(theirs.id).edit(content="x")) == (403, 50005)
        assert await code_of(channel.fetch_message(1)) == (404, 10008)
        assert await code_of(bot.get_partial_messageable(1).send("x")) == (404, 10003)


async def test_a_channel_that_the_bot_does_not_see_is_silent(place: Place) -> None:
    place.general.deny(place.guild.everyone, Permission.VIEW_CHANNEL)
    place.general.allow(place.alice, Permission.VIEW_CHANNEL)
    async with running(place.discord) as bot:
        await place.alice.say(place.general, "@bot psst")
        await place.alice.dm("hi")
        assert [message.content for message in await bot.hears(1)] == ["hi"]


async def test_a_person_is_told_what_cannot_be_said(place: Place) -> None:
    with pytest.raises(ValueError, match="empty"):
        await place.alice.say(place.general, "")
    place.general.deny(place.alice, Permission.SEND_MESSAGES)
    with pytest.raises(PermissionError, match="alice may not write in general"):
        await place.alice.say(place.general, "x")


async def test_someone_who_takes_no_direct_messages(place: Place) -> None:
    place.alice.user.accepts_dms = False
    async with running(place.discord) as bot:
        user = await bot.fetch_user(place.alice.id)
        assert await code_of(user.send("x")) == (403, 50007)


async def test_what_nobody_could_understand_is_noted(discord: DiscordStandIn) -> None:
    async with aiohttp.ClientSession() as http:
        missing = await http.get(f"{discord.api_url}/nothing/here")
        wrong = await http.delete(f"{discord.api_url}/gateway")
        bare = await http.get(f"{discord.api_url}/users/@me")
        json = {"Content-Type": "application/json"}
        garbled = await http.post(f"{discord.api_url}/users/@me/channels", data="{", headers=json)
        assert ((await missing.json())["code"], (await garbled.json())["code"]) == (0, 50109)
    assert [missing.status, wrong.status, bare.status, garbled.status] == [404, 405, 401, 400]
    assert missing.headers["Content-Type"] == "application/json"
    assert [record.path for record in discord.unknown_requests] == ["/nothing/here", "/gateway", "/users/@me/channels"]
    assert [record.status for record in discord.requests] == [404, 405, 401, 400]


def form(*parts: str) -> dict[str, Any]:
    """A multipart body; a part is what follows ``form-data;``."""
    lines = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n\r\nx\r\n" for part in parts)
    return {"data": f"{lines}--x--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}


FILE = 'name="files[0]"; filename="a.txt"'


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (form('name="file0"; filename="a.txt"'), 50035),
        (form(FILE, 'name="content"'), 50035),
        (form('name="files[0]"'), 50035),
        (form(FILE, FILE), 50035),
        ({"data": "no part", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 50035),
        ({"data": "[" * 100_000, "headers": {"Content-Type": "application/json"}}, 50109),
    ],
)
async def test_what_cannot_even_be_read_is_refused_and_noted(place: Place, sent: dict[str, Any], code: int) -> None:
    """Not a 500, which clients try again and which nobody judges."""
    sent["headers"] = {"Authorization": f"Bot {place.discord.token}"} | sent.get("headers", {})
    url = f"{place.discord.api_url}/channels/{place.general.id}/messages"
    async with aiohttp.ClientSession() as http, http.post(url, **sent) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, code)
    assert [record.status for record in place.discord.unknown_requests] == [400]


UNNAMED = {"type": 2, "style": 1, "custom_id": [1]}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, 50006),
        ({"content": "x" * 2_001}, 50035),
        ({"components": [{"type": 1, "components": [UNNAMED]}]}, 50035),
    ],
)
async def test_what_breaks_discords_rules_is_noted_but_what_was_scripted_is_not(
    place: Place, sent: dict[str, Any], code: int
) -> None:
    place.discord.refuse("POST", "/messages", 400, code)
    headers = {"Authorization": f"Bot {place.discord.token}"}
    url = f"{place.discord.api_url}/channels/{place.general.id}/messages"
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(url, json=sent, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, code)
    [broken] = place.discord.broken_requests
    assert broken.answer["message"] in {"Cannot send an empty message", "Invalid Form Body"}
