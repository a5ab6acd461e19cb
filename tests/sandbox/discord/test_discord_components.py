"""Buttons, menus and forms."""

from collections.abc import Callable
from typing import Any

import aiohttp
import discord as dpy
import pytest
from discord import app_commands
from discord.http import Route

from sandbox.discord import DiscordStandIn
from tests.sandbox.discord.bots import Place, Use, running


class NameForm(dpy.ui.Modal, title="Who are you?"):
    name: dpy.ui.TextInput[Any] = dpy.ui.TextInput(label="Name", custom_id="name", max_length=20)

    async def on_submit(self, interaction: Use, /) -> None:
        await interaction.response.send_message(f"hello {self.name.value}")


class Panel(dpy.ui.View):
    @dpy.ui.button(label="Skip", custom_id="skip")
    async def skip(self, use: Use, button: dpy.ui.Button[Any]) -> None:
        button.disabled = True
        await use.response.edit_message(content=f"skipped by {use.user.name}", view=self)

    @dpy.ui.button(label="Later", custom_id="later")
    async def later(self, use: Use, button: dpy.ui.Button[Any]) -> None:
        await use.response.defer()
        await use.edit_original_response(content="later")

    @dpy.ui.button(label="Name", custom_id="form")
    async def form(self, use: Use, button: dpy.ui.Button[Any]) -> None:
        await use.response.send_modal(NameForm())

    @dpy.ui.select(placeholder="Colour", options=[dpy.SelectOption(label="Red", value="r")], custom_id="colour")
    async def colour(self, use: Use, menu: dpy.ui.Select[Any]) -> None:
        await use.response.send_message(menu.values[0], ephemeral=True)

    @dpy.ui.select(cls=dpy.ui.UserSelect, custom_id="who")
    async def who(self, use: Use, menu: dpy.ui.UserSelect[Any]) -> None:
        await use.response.send_message(menu.values[0].name)


@app_commands.command(description="Shows the panel")
async def panel(use: Use) -> None:
    await use.response.send_message("playing", view=Panel())


async def shown(place: Place) -> Any:
    use = await place.alice.slash("panel", channel=place.general)
    return (await use.answered()).messages[0]


async def test_a_button_can_change_its_message(place: Place) -> None:
    async with running(place.discord, panel):
        message = await shown(place)
        await (await place.alice.click(message, "Skip")).answered()
        assert message.content == "skipped by alice"
        with pytest.raises(ValueError, match="Skip is disabled"):
            await place.alice.click(message, "skip")
        with pytest.raises(ValueError, match="has no stop, but Skip, Later, Name"):
            await place.alice.click(message, "stop")
        use = await place.alice.click(message, "later")
        await use.finished(lambda use: use.text == "later")
        assert use.messages == [message]


async def test_menus_give_what_was_chosen(place: Place) -> None:
    async with running(place.discord, panel):
        message = await shown(place)
        colour = await (await place.alice.select(message, "Colour", ["Red"])).answered()
        who = await (await place.alice.select(message, "who", [place.alice])).answered()
    assert (colour.text, colour.messages[0].ephemeral) == ("r", True)
    assert who.text == "alice"


async def test_a_form_is_filled_in_and_sent(place: Place) -> None:
    async with running(place.discord, panel):
        use = await (await place.alice.click(await shown(place), "form")).answered()
        assert use.modal is not None
        assert use.modal["title"] == "Who are you?"
        with pytest.raises(ValueError, match="Name must be filled in"):
            await place.alice.submit(use, {})
        with pytest.raises(ValueError, match="Name takes 0 to 20 characters"):
            await place.alice.submit(use, {"Name": "x" * 21})
        sent = await (await place.alice.submit(use, {"Name": "Ada"})).answered()
    assert sent.text == "hello Ada"
    (filled,) = sent.data["components"]
    assert (filled["id"], filled["components"][0]["id"]) == (1, 2)


@pytest.mark.parametrize(
    "make",
    [
        dpy.ui.FileUpload[Any],
        dpy.ui.Checkbox[Any],
        lambda **named: dpy.ui.RadioGroup[Any](options=[dpy.RadioGroupOption(label=text) for text in "ab"], **named),
        lambda **named: dpy.ui.CheckboxGroup[Any](options=[dpy.CheckboxGroupOption(label="a")], **named),
    ],
)
async def test_a_form_of_what_nobody_can_fill_in_here_is_not_sent(place: Place, make: Callable[..., Any]) -> None:
    @app_commands.command(description="Asks")
    async def ask(use: Use) -> None:
        form = dpy.ui.Modal(title="What is it?")
        form.add_item(dpy.ui.TextDisplay("Please answer."))
        form.add_item(dpy.ui.Label(text="It", component=make(custom_id="it")))
        await use.response.send_modal(form)

    async with running(place.discord, ask):
        use = await (await place.alice.slash("ask", channel=place.general)).answered()
        with pytest.raises(ValueError, match="It cannot be filled in here"):
            await place.alice.submit(use, {})


async def test_an_ephemeral_message_is_its_reader_s_alone(place: Place) -> None:
    @app_commands.command(description="Private")
    async def private(use: Use) -> None:
        await use.response.send_message("for you", view=Panel(), ephemeral=True)

    bob = place.guild.add_member("bob")
    async with running(place.discord, private):
        use = await (await place.alice.slash("private", channel=place.general)).answered()
        with pytest.raises(ValueError, match="bob does not see"):
            await bob.click(use.messages[0], "skip")
        await (await place.alice.click(use.messages[0], "skip")).answered()
    assert use.text == "skipped by alice"


async def test_a_layout_view_is_kept_and_its_text_read(place: Place) -> None:
    class Card(dpy.ui.LayoutView):
        box: dpy.ui.Container[Any] = dpy.ui.Container(dpy.ui.TextDisplay("now playing"), accent_colour=1)

    async with running(place.discord) as bot:
        await bot.get_partial_messageable(place.general.id).send(view=Card())
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=place.general.id)
        mixed = {"flags": 1 << 15, "content": "x", "components": [{"type": 10, "content": "x"}]}
        with pytest.raises(dpy.HTTPException, match="cannot be used"):
            await bot.http.request(route, json=mixed)
    (message,) = place.general.messages
    assert message.text == "now playing"


BUTTON = {"type": 2, "style": 1, "label": "x", "custom_id": "a"}


@pytest.mark.parametrize(
    ("components", "where"),
    [
        ([{"type": 1, "components": [BUTTON, BUTTON]}], ["0", "components", "1", "custom_id"]),
        ([{"type": 1, "components": []}], ["0", "components"]),
        ([{"type": 1, "components": [BUTTON | {"label": "x" * 81}]}], ["0", "components", "0", "label"]),
        ([BUTTON], ["0"]),
        (
            [{"type": 1, "components": [{"type": 3, "custom_id": "b", "options": []}]}],
            ["0", "components", "0", "options"],
        ),
    ],
)
async def test_wrong_components_are_refused_where_they_are(
    discord: DiscordStandIn, components: Any, where: list[str]
) -> None:
    general = discord.add_guild("Sandbox").add_text_channel("general")
    headers = {"Authorization": f"Bot {discord.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        url = f"{discord.api_url}/channels/{general.id}/messages"
        answer = await http.post(url, json={"content": "x", "components": components})
        body = await answer.json()
    assert body["code"] == 50035
    node = body["errors"]["components"]
    for step in where:
        node = node[step]
    assert node["_errors"][0]["message"]
