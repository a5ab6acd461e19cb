"""Who is answered, in which words, and what happens to an answer whose place goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import discord
import pytest

from cogs.chat import Chat
from cogs.chat.outlets import InteractionOutlet
from services.assistant import Assistant
from services.errors import UserError
from tests.cogs.chat.fakes import Channel, Note, Pieces, breathe, http_error

ME = SimpleNamespace(id=99)


class Answers:
    """An assistant that answers from `pieces` and keeps what it was asked."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self.asked: list[tuple[str, str | None, str, str, str]] = []

    def question(self, prompt: str) -> str:
        if not prompt.strip():
            raise UserError("Ask me something.")
        return prompt

    def answer(
        self, prompt: str, guild_id: str | None, user_id: str, locale: str, quoted: str = ""
    ) -> AsyncGenerator[str, None]:
        self.asked.append((prompt.strip(), guild_id, user_id, locale, quoted))
        return self.pieces.stream()


class Typing:
    def __init__(self, room: Room) -> None:
        self._room = room

    async def __aenter__(self) -> None:
        if self._room.closed:
            raise http_error(403, 50013)
        self._room.is_typing = True

    async def __aexit__(self, *_: object) -> None:
        self._room.is_typing = False


class Room(Channel):
    """A channel of Discord's."""

    def __init__(self) -> None:
        super().__init__()
        self.is_typing = False
        self.closed = False
        """Whether the bot may not write here."""
        self.references: list[object] = []

    def typing(self) -> Typing:
        return Typing(self)

    async def send(self, text: str, **options: object) -> Note:
        self.references.append(options.get("reference"))
        return await super().send(text)


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def chat(answers: Answers) -> Chat:
    return Chat(cast("discord.Client", SimpleNamespace(user=ME)), cast("Assistant", answers), "ja")


def message(room: Room, content: str = "<@99> hello", **changes: object) -> Any:
    """A message of a member's that mentions the bot."""
    fields: dict[str, object] = {
        "id": 7,
        "content": content,
        "channel": room,
        "author": SimpleNamespace(id=5, bot=False),
        "webhook_id": None,
        "is_system": lambda: False,
        "guild": SimpleNamespace(id=3, preferred_locale=discord.Locale.american_english),
        "mentions": [ME],
        "attachments": [],
        "reference": None,
        "to_reference": lambda **_: "reference",
    }
    return SimpleNamespace(**{**fields, **changes})


async def test_a_mention_is_answered_under_it(chat: Chat, answers: Answers, room: Room) -> None:
    turn = asyncio.create_task(chat.on_message(message(room, "<@!99> hello <@99>")))
    await breathe()
    assert room.is_typing
    answers.pieces.feed("Hi!")
    await breathe()
    assert (room.contents, room.is_typing) == (["Hi!"], False)
    answers.pieces.end()
    await turn
    assert answers.asked == [("hello", "3", "5", "en", "")]
    assert room.references == ["reference"]


async def test_a_direct_message_needs_no_mention(chat: Chat, answers: Answers, room: Room) -> None:
    answers.pieces.end()
    await chat.on_message(message(room, "hello", guild=None, mentions=[]))
    assert answers.asked == [("hello", None, "5", "ja", "")]


async def test_the_message_that_is_replied_to_is_passed_on(chat: Chat, answers: Answers, room: Room) -> None:
    original = Mock(spec_set=discord.Message, content="It is raining.")
    answers.pieces.end()
    await chat.on_message(message(room, reference=SimpleNamespace(resolved=original)))
    assert answers.asked[0][4] == "It is raining."


@pytest.mark.parametrize(
    "changes",
    [
        {"mentions": []},
        {"mentions": [SimpleNamespace(id=1)]},
        {"author": SimpleNamespace(id=5, bot=True)},
        {"webhook_id": 8},
        {"is_system": lambda: True},
        {"guild": None, "channel": Mock(spec=discord.PartialMessageable)},
    ],
)
async def test_others_are_left_alone(chat: Chat, answers: Answers, room: Room, changes: dict[str, Any]) -> None:
    await chat.on_message(message(room, **changes))
    assert (answers.asked, room.writes) == ([], [])


async def test_an_empty_mention_gets_a_hint(chat: Chat, answers: Answers, room: Room) -> None:
    await chat.on_message(message(room, "<@99>"))
    assert (answers.asked, room.contents) == ([], ["Ask me something."])


async def test_too_many_questions_are_refused_and_that_is_said_once(chat: Chat, answers: Answers, room: Room) -> None:
    for _ in range(8):
        answers.pieces.end()
        await chat.on_message(message(room))
    assert len(answers.asked) == 5
    assert len(room.contents) == 1
    assert room.contents[0].startswith("Please wait ")
    answers.pieces.end()
    await chat.on_message(message(room, author=SimpleNamespace(id=6, bot=False)))
    assert len(answers.asked) == 6


async def test_where_the_bot_may_not_write_nothing_is_asked(chat: Chat, answers: Answers, room: Room) -> None:
    room.closed = True
    await chat.on_message(message(room))
    assert not answers.pieces.closed
    assert room.writes == []


async def test_a_question_taken_back_ends_its_answer(chat: Chat, answers: Answers, room: Room) -> None:
    turn = asyncio.create_task(chat.on_message(message(room)))
    answers.pieces.feed("Once")
    await breathe()
    await chat.on_raw_message_delete(Mock(spec_set=discord.RawMessageDeleteEvent, message_id=7))
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert answers.pieces.closed
    assert room.contents == ["Once"]


async def test_a_bot_that_stops_says_so_and_closes_the_answer(chat: Chat, answers: Answers, room: Room) -> None:
    turn = asyncio.create_task(chat.on_message(message(room)))
    answers.pieces.feed("Once")
    await breathe()
    await chat.cog_unload()
    assert turn.done()
    assert answers.pieces.closed
    [content] = room.contents
    assert content.startswith("Once\n\nI am being restarted")


class Use:
    """An interaction whose token can end."""

    def __init__(self, room: Room) -> None:
        self.id = 11
        self.channel = Mock(spec_set=discord.TextChannel, send=room.send)
        self.answer = Channel()
        self.deferred = False
        self.guild_id, self.guild_locale, self.locale = 3, discord.Locale.japanese, discord.Locale.british_english
        self.user = SimpleNamespace(id=5)
        self.response = SimpleNamespace(defer=self._defer)
        self.followup = SimpleNamespace(send=self._follow_up)

    async def _defer(self) -> None:
        self.deferred = True

    async def edit_original_response(self, *, content: str) -> Note:
        return await self.answer.send(content)

    async def _follow_up(self, content: str, *, wait: bool) -> Note:
        assert wait
        return await self.answer.send(content)


def ask(chat: Chat, use: Use, prompt: str) -> asyncio.Task[None]:
    return asyncio.create_task(cast("Any", Chat.ask.callback)(chat, use, prompt))


async def test_ask_is_deferred_and_filled_in_the_servers_language(chat: Chat, answers: Answers, room: Room) -> None:
    use = Use(room)
    answers.pieces.feed("Hi!")
    answers.pieces.end()
    await ask(chat, use, "hello")
    assert use.deferred
    assert use.answer.contents == ["Hi!"]
    assert answers.asked == [("hello", "3", "5", "ja", "")]


async def test_a_bad_question_is_refused_before_the_answer_is_deferred(
    chat: Chat, answers: Answers, room: Room
) -> None:
    use = Use(room)
    with pytest.raises(UserError):
        await ask(chat, use, " ")
    assert not use.deferred


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015)])
async def test_an_answer_whose_token_ended_goes_on_in_the_channel(room: Room, status: int, code: int) -> None:
    use = Use(room)
    outlet = InteractionOutlet(cast("Any", use))
    first = await outlet.send("Once")
    use.answer.faults = [http_error(status, code), http_error(status, code)]
    await first.edit(content="Once upon")
    await first.edit(content="Once upon a time")
    await outlet.send("there was")
    assert room.contents == ["Once upon a time", "there was"]


async def test_a_deleted_answer_does_not_come_back_in_the_channel(room: Room) -> None:
    use = Use(room)
    outlet = InteractionOutlet(cast("Any", use))
    first = await outlet.send("Once")
    use.answer.faults = [http_error(404, 10008)]
    with pytest.raises(discord.NotFound):
        await first.edit(content="Once upon")
    assert room.contents == []
