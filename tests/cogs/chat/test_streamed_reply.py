"""An answer grows at Discord's pace, and its end is always shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cogs.chat.streamed_reply import StreamedReply
from tests.cogs.chat.fakes import Channel, Pieces, Time, breathe, http_error


class Stage:
    """One reply under way."""

    def __init__(self) -> None:
        self.time = Time()
        self.channel = Channel(self.time)
        self.pieces = Pieces()
        self.reply = StreamedReply(self.channel, self.time.clock, self.time.sleep)
        self.turn = asyncio.create_task(self.reply.follow(self.pieces.stream(), lambda error: f"({error})"))


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    stage.turn.cancel()
    await asyncio.gather(stage.turn, return_exceptions=True)


async def test_the_first_text_is_shown_at_once(stage: Stage) -> None:
    stage.pieces.feed("Hel")
    await breathe()
    assert stage.channel.writes == [(0.0, "send", "Hel")]


async def test_later_text_is_shown_once_a_second_and_the_latest_wins(stage: Stage) -> None:
    for number in range(35):
        stage.pieces.feed(f"{number} ")
        await stage.time.pass_by(0.1)
    times = [time for time, _, _ in stage.channel.writes]
    assert times == pytest.approx([0.0, 1.0, 2.0, 3.0])
    assert stage.channel.writes[1][2].endswith("9")


async def test_nothing_new_is_no_edit(stage: Stage) -> None:
    stage.pieces.feed("Hello")
    await stage.time.pass_by(5)
    assert len(stage.channel.writes) == 1


async def test_blank_pieces_are_not_sent(stage: Stage) -> None:
    stage.pieces.feed("\n ")
    await stage.time.pass_by(2)
    assert stage.channel.writes == []


async def test_text_after_blank_pieces_is_shown_at_once(stage: Stage) -> None:
    stage.pieces.feed("\n")
    await stage.time.pass_by(0.2)
    stage.pieces.feed("Hello")
    await breathe()
    assert stage.channel.writes == [(0.2, "send", "Hello")]


async def test_tries_that_fail_keep_the_pace(stage: Stage) -> None:
    stage.channel.faults = [ConnectionResetError() for _ in range(100)]
    for number in range(30):
        stage.pieces.feed(f"{number} ")
        await stage.time.pass_by(0.1)
    assert len(stage.channel.writes) <= 4


async def test_a_surplus_message_that_somebody_has_deleted_is_no_fault(stage: Stage) -> None:
    code = "x" * (2000 - len("```\n") - len("\n```"))
    stage.pieces.feed(f"```\n{code}\n``")
    await breathe()
    stage.channel.gone = True
    stage.pieces.feed("`")
    stage.pieces.feed(ValueError("cut"))
    await stage.time.pass_by(3)
    await asyncio.wait_for(stage.turn, 1)
    assert stage.channel.writes[-1][2].endswith("(cut)")


async def test_the_end_is_shown(stage: Stage) -> None:
    for piece in ("Hel", "lo, ", "world"):
        stage.pieces.feed(piece)
        await breathe()
    stage.pieces.end()
    await stage.time.pass_by(1)
    await stage.turn
    assert stage.channel.contents == ["Hello, world"]


async def test_the_end_is_tried_until_discord_takes_it(stage: Stage) -> None:
    stage.pieces.feed("Hello")
    await breathe()
    stage.channel.faults = [http_error(503), http_error(429), ConnectionResetError()]
    stage.pieces.feed(", world")
    stage.pieces.end()
    await stage.time.pass_by(60)
    await stage.turn
    assert stage.channel.contents == ["Hello, world"]
    assert stage.channel.faults == []


async def test_a_failed_first_message_comes_with_the_next(stage: Stage) -> None:
    stage.channel.faults = [http_error(500)]
    stage.pieces.feed("Hello")
    await breathe()
    assert stage.channel.contents == []
    stage.pieces.feed(", world")
    await stage.time.pass_by(1)
    assert stage.channel.contents == ["Hello, world"]


async def test_trying_has_an_end(stage: Stage) -> None:
    stage.channel.faults = [http_error(503) for _ in range(100)]
    stage.pieces.feed("Hello")
    stage.pieces.end()
    await stage.time.pass_by(300)
    await asyncio.wait_for(stage.turn, 1)


async def test_a_long_text_goes_on_in_further_messages(stage: Stage) -> None:
    code = "\n".join(f"print({number})" for number in range(400))
    stage.pieces.feed(f"```py\n{code[:1500]}")
    await stage.time.pass_by(1)
    stage.pieces.feed(f"{code[1500:]}\n```")
    stage.pieces.end()
    await stage.time.pass_by(2)
    await stage.turn
    assert len(stage.channel.contents) == 3
    assert all(len(content) <= 2000 and content.count("```") == 2 for content in stage.channel.contents)
    assert "\n".join(content[6:-4] for content in stage.channel.contents) == code


async def test_a_message_that_is_no_longer_needed_is_deleted(stage: Stage) -> None:
    code = "x" * (2000 - len("```\n") - len("\n```"))
    stage.pieces.feed(f"```\n{code}\n``")
    await breathe()
    assert len(stage.channel.contents) == 2
    stage.pieces.feed("`")
    stage.pieces.end()
    await stage.time.pass_by(1)
    await stage.turn
    assert stage.channel.contents == [f"```\n{code}\n```"]


async def test_a_fault_before_any_text_is_its_sentence(stage: Stage) -> None:
    stage.pieces.feed(ValueError("no answer"))
    await stage.turn
    assert stage.channel.contents == ["(no answer)"]


async def test_a_fault_after_text_is_said_below_it_and_outside_of_code(stage: Stage) -> None:
    stage.pieces.feed("```py\nx = 1")
    await breathe()
    stage.pieces.feed(ValueError("cut"))
    await stage.time.pass_by(1)
    await stage.turn
    assert stage.channel.contents == ["```py\nx = 1\n```\n\n(cut)"]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_message_that_is_gone_ends_the_turn_quietly(stage: Stage, status: int) -> None:
    stage.pieces.feed("Hello")
    await breathe()
    stage.channel.faults = [http_error(status)]
    stage.pieces.feed(", world")
    await stage.time.pass_by(1)
    await asyncio.wait_for(stage.turn, 1)
    assert stage.pieces.closed


async def test_a_refusal_that_trying_again_cannot_cure_is_raised(stage: Stage) -> None:
    stage.channel.faults = [http_error(400, 50035)]
    stage.pieces.feed("Hello")
    await stage.time.pass_by(1)
    with pytest.raises(type(http_error(400))):
        await asyncio.wait_for(stage.turn, 1)
    assert stage.pieces.closed


async def test_a_cancelled_turn_closes_the_answer_and_can_still_say_why(stage: Stage) -> None:
    stage.pieces.feed("Hello")
    await breathe()
    stage.turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stage.turn
    assert stage.pieces.closed
    await stage.reply.end("Goodbye.")
    assert stage.channel.contents == ["Hello\n\nGoodbye."]
