"""What people ask is answered, and what it cost is in the ledger: the API's own figures, nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sandbox.gemini import Reply
from tests.e2e.conftest import Rows, Town


def settled(count: int):
    def hold(rows: Rows) -> bool:
        return len(rows) == count and all(row["status"] != "open" for row in rows)

    return hold


async def test_a_question_is_streamed_and_its_tokens_are_the_apis_own(town: Town) -> None:
    town.world.gemini.script(Reply.text("It is the morning light. " * 20, chunks=10, interval=0.3, thoughts=500))
    use = await town.ask("ask", prompt="what is playing?")
    await use.finished(lambda use: "It is the morning light. " * 19 in use.text, timeout=20)
    assert 2 <= len(use.messages[0].edits) <= 6
    (row,) = await town.rows("gemini_usage", settled(1))
    (call,) = town.world.gemini.account.calls
    assert (row["prompt_tokens"], row["completion_tokens"], row["total_tokens"]) == (
        call.prompt_tokens,
        call.candidates_tokens,
        call.total_tokens,
    )
    assert row["total_tokens"] > row["prompt_tokens"] + row["completion_tokens"]
    assert (row["guild_id"], row["user_id"]) == (str(town.world.guild.id), str(town.world.alice.id))
    assert (row["status"], row["estimated"], row["model"]) == ("settled", False, "gemini-3.5-flash-lite")


async def test_a_mention_and_a_direct_message_are_answered(town: Town) -> None:
    await town.world.alice.say(town.world.general, "@bot hello")
    await town.world.discord.wait_for_message(town.world.general, lambda message: "hello" in message.text, 10)
    await town.world.bob.dm("are you there?")
    await town.world.discord.wait_for_message(town.world.bob.dm_channel, lambda message: "there" in message.text, 10)
    rows = await town.rows("gemini_usage", settled(2))
    assert {row["guild_id"] for row in rows} == {str(town.world.guild.id), None}
    assert sum(row["total_tokens"] for row in rows) == town.world.gemini.account.total_tokens


@pytest.mark.parametrize(
    ("reply", "status", "estimated"),
    [
        (Reply.blocked(), "settled", False),
        (Reply.empty(), "settled", True),
        (Reply.cut("half of an answer that was cut", chunks=6, after=3), "settled", True),
        (Reply.denied(), "failed", False),
        (Reply.bad_key(), "failed", False),
        (Reply.rate_limited(30), "failed", False),
    ],
    ids=["blocked", "empty", "cut", "denied", "bad key", "429"],
)
async def test_every_failure_is_one_plain_sentence_and_one_row(
    town: Town, reply: Reply, status: str, estimated: bool
) -> None:
    town.world.gemini.script(reply)
    use = await town.ask("ask", who="yuki", prompt="こんにちは")
    rows = await town.rows("gemini_usage", settled(1))
    await use.finished(lambda use: bool(use.text.strip()), timeout=10)
    assert (rows[0]["status"], rows[0]["estimated"]) == (status, estimated)
    if status == "failed":
        assert rows[0]["total_tokens"] == rows[0]["prompt_tokens"] == rows[0]["completion_tokens"] == 0


async def test_a_model_that_is_gone_falls_back_to_the_next(quiet_town: Town) -> None:
    quiet_town.configure(GEMINI_MODEL="gemini-2.5-flash,gemini-3.6-flash")
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    use = await quiet_town.ask("ask", prompt="hello")
    await use.finished(lambda use: "hello" in use.text, timeout=10)
    rows = await quiet_town.rows("gemini_usage", settled(2))
    assert [(row["model"], row["status"]) for row in rows] == [
        ("gemini-2.5-flash", "failed"),
        ("gemini-3.6-flash", "settled"),
    ]


async def test_an_answer_of_many_messages_keeps_its_code_fences_and_pings_nobody(town: Town) -> None:
    town.world.gemini.script(
        Reply.text("```python\n" + "print('a long line of code')\n" * 150 + "```\n@everyone <@1>", chunks=4)
    )
    use = await town.ask("ask", prompt="code")
    await use.finished(lambda use: len(use.messages) >= 3 and "@everyone" in use.messages[-1].content, timeout=20)
    assert all(len(message.content) <= 2_000 for message in use.messages)
    assert all(message.content.count("```") % 2 == 0 for message in use.messages)


async def test_chat_works_without_lavalink_and_music_without_gemini(town: Town) -> None:
    await town.world.lavalink.down()
    use = await town.ask("ask", prompt="still there?")
    await use.finished(lambda use: "still there?" in use.text, timeout=10)
    await town.world.lavalink.up()
    await town.world.gemini.down()
    refused = await town.ask("ask", who="bob", prompt="and now?")
    await refused.finished(lambda use: "Gemini" in use.text, timeout=15)
    async with asyncio.timeout(20):
        while json.loads((await town.health("/readyz"))[1])["services"]["lavalink"]["state"] != "ok":
            await asyncio.sleep(0.1)
    await town.play("morning")
    await town.rows("active_sessions")


async def test_without_a_key_chat_is_off_and_googles_packages_are_not_loaded(quiet_town: Town) -> None:
    quiet_town.configure(GEMINI_API_KEY="")
    await quiet_town.bot.start()
    await quiet_town.bot.started()
    use = await quiet_town.ask("ask", who="yuki", prompt="hello")
    assert use.messages[0].ephemeral
    assert "チャットは使えません" in use.text
    assert "cygrpc" not in Path(f"/proc/{quiet_town.bot.pid}/maps").read_text()
    assert await quiet_town.supabase.rows("gemini_usage") == []


async def test_what_the_package_is_too_old_to_know_changes_nothing(town: Town) -> None:
    """Thoughts, signatures and a response id are fields it does not have; a finish reason may be newer, too."""
    town.world.gemini.script(Reply.text("A signed answer.", thoughts=70), Reply.stopped(12, thoughts=5))
    use = await town.ask("ask", prompt="signed?")
    await use.finished(lambda use: "A signed answer." in use.text, timeout=10)
    await town.ask("ask", prompt="and now?")
    rows = await town.rows("gemini_usage", settled(2))
    assert [row["total_tokens"] for row in rows] == [call.total_tokens for call in town.world.gemini.account.calls]
    assert all(row["status"] == "settled" and not row["estimated"] for row in rows)
