"""What can go wrong between the bot, Gemini and the ledger: one plain sentence, and rows that tell the truth."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from pathlib import Path

from sandbox.discord import Interaction
from sandbox.gemini import Reply
from sandbox.gemini.refusals import (
    CANCELLED,
    DEADLINE,
    EXPIRED_KEY,
    INTERNAL,
    LEAKED_KEY,
    LOCATION,
    UNAUTHENTICATED,
    rate_limit,
    suspended,
)
from sandbox.gemini.replies import Blocked, Hang, NoParts, Reset, Step, Text, Thinking, Thought
from sandbox.world import GEMINI_API_KEY
from tests.e2e.conftest import Rows, Town

FAILED, SETTLED, ESTIMATED = ("failed", False), ("settled", False), ("settled", True)
CASES: list[tuple[str, list[Reply], list[tuple[str, bool]], str]] = [
    ("429 for a moment", [Reply.rate_limited(0.1), Reply.text("fine")], [FAILED, SETTLED], "fine"),
    ("429 for long", [Reply.rate_limited(30)], [FAILED], "in 30 seconds"),
    ("429 for the day", [Reply.rate_limited(7000)], [FAILED], "in 117 minutes"),
    ("503 once", [Reply.unavailable(0.1), Reply.text("fine")], [FAILED, SETTLED], "fine"),
    ("503 for ever", [Reply.unavailable(0.1)] * 3, [FAILED] * 3, "cannot be reached"),
    ("500 for ever", [Reply.internal()] * 3, [FAILED] * 3, "cannot be reached"),
    ("bad key", [Reply.bad_key()], [FAILED], "key"),
    ("403", [Reply.denied()], [FAILED], "does not let this bot in"),
    ("404", [Reply.model_gone()], [FAILED], "None of the models"),
    ("504", [Reply.deadline()], [FAILED], "did not answer in time"),
    ("400", [Reply.bad_request()], [FAILED], "in other words"),
    ("blocked", [Reply.blocked()], [SETTLED], "safety"),
    ("blocked without figures", [Reply((Blocked("OTHER"), Text("")), "last")], [SETTLED], "safety"),
    ("blocked for nothing", [Reply((Blocked("SAFETY"),), "not last")], [FAILED], "safety"),
    ("safety", [Reply.stopped("SAFETY")], [SETTLED], "safety"),
    ("recitation", [Reply.stopped("RECITATION")], [SETTLED], "protected text"),
    ("only thoughts", [Reply.stopped("MAX_TOKENS", thoughts=8000)], [SETTLED], "narrower question"),
    ("no parts", [Reply.without_parts()], [SETTLED], "empty answer"),
    ("no chunks", [Reply.empty()], [ESTIMATED], "empty answer"),
    ("figures at last", [Reply.text("word " * 30, usage="last", thoughts=70)], [SETTLED], "word word"),
    ("cut", [Reply.cut("half of an answer", chunks=4, after=2)], [ESTIMATED], "half of"),
    ("cut without figures", [Reply.cut("half of an answer", chunks=4, after=2, usage="last")], [ESTIMATED], "half of"),
    ("reset before a word", [Reply((Reset(),)), Reply.text("fine")], [ESTIMATED, SETTLED], "fine"),
    ("reset after a word", [Reply((Text("half"), Reset()))], [ESTIMATED], "cut off here"),
    ("broken at its end", [Reply((Text("whole", "STOP"), *Reply.unavailable().steps))], [SETTLED], "whole"),
    ("safety after a word", [Reply((Text("half"), NoParts("SAFETY")))], [SETTLED], "stopped here for safety"),
    ("blocked after a word", [Reply((Text("half"), Blocked("OTHER")))], [SETTLED], "stopped here for safety"),
    ("cut by 500", [Reply.cut("half of an answer", after=2, by=INTERNAL)], [ESTIMATED], "cut off here"),
    ("cut by 504", [Reply.cut("half of an answer", after=2, by=DEADLINE)], [ESTIMATED], "cut off here"),
    ("cut by 499", [Reply.cut("half of an answer", after=2, by=CANCELLED)], [ESTIMATED], "cut off here"),
    ("cut by 429", [Reply.cut("half of an answer", after=2, by=rate_limit(30))], [ESTIMATED], "cut off here"),
    ("499 once", [Reply.refused(CANCELLED), Reply.text("fine")], [FAILED, SETTLED], "fine"),
    ("429 without a word when", [Reply.rate_limited()] * 3, [FAILED] * 3, "in a minute"),
    ("401", [Reply.refused(UNAUTHENTICATED)], [FAILED], "does not accept this bot's key"),
    ("expired key", [Reply.refused(EXPIRED_KEY)], [FAILED], "does not accept this bot's key"),
    ("leaked key", [Reply.refused(LEAKED_KEY)], [FAILED], "does not let this bot in"),
    ("suspended key", [Reply.refused(suspended(GEMINI_API_KEY))], [FAILED], "does not let this bot in"),
    ("country", [Reply.refused(LOCATION)], [FAILED], "does not let this bot in"),
    ("no figures", [Reply.text("word " * 30, usage="never")], [ESTIMATED], "word word"),
    ("a thought is no answer", [Reply((Thought("hm"), NoParts("STOP")))], [SETTLED], "empty answer"),
    ("a tool nobody offered", [Reply.stopped(12, thoughts=9)], [SETTLED], "empty answer"),
    ("a newer end after a word", [Reply((Text("half"), NoParts(18)))], [SETTLED], "without saying why"),
    ("a newer block", [Reply.blocked(6)], [SETTLED], "safety"),
]


def ended(count: int):
    def hold(rows: Rows) -> bool:
        return len(rows) == count and all(row["status"] != "open" for row in rows)

    return hold


def tokens(row: dict[str, object]) -> tuple[object, object, object]:
    return row["prompt_tokens"], row["completion_tokens"], row["total_tokens"]


async def test_every_fault_of_geminis_is_one_sentence_and_true_rows(town: Town) -> None:
    account = town.world.gemini.account
    calls_of: dict[str, slice] = {}
    asked: list[tuple[Interaction, str]] = []
    for number, (name, replies, expected, sentence) in enumerate(CASES):
        if "reset" in name:  # it cuts the connection that all share
            await town.rows("gemini_usage", ended(len(account.calls)))
        # Somebody else each time: a person has to wait between questions.
        asker = town.world.guild.add_member(f"asker-{number}", locale="en-US")
        calls_of[name] = slice(len(account.calls), len(account.calls) + len(expected))
        town.world.gemini.script(*replies)
        use = await asker.slash("ask", {"prompt": f"question {number}"}, channel=town.world.general)
        asked.append((use, sentence))
        # The replies go by the order of the calls; the answers may be written side by side.
        await town.world.gemini.until(lambda account, name=name: len(account.calls) == calls_of[name].stop, 15)
        if "reset" in name:
            await town.rows("gemini_usage", ended(len(account.calls)))
    for use, sentence in asked:
        await use.finished(lambda use, sentence=sentence: sentence in use.text, timeout=15)
    rows = await town.rows("gemini_usage", ended(len(account.calls)))
    for name, _, expected, _ in CASES:
        its_rows = rows[calls_of[name]]
        assert [(row["status"], row["estimated"]) for row in its_rows] == expected, name
        for row, call in zip(its_rows, account.calls[calls_of[name]], strict=True):
            billed = (call.prompt_tokens, call.candidates_tokens, call.total_tokens)
            if row["status"] == "failed":
                assert tokens(row) == (0, 0, 0), name
            elif not row["estimated"]:
                assert tokens(row) == billed, name
            else:
                assert row["total_tokens"] > 0, name
    log = town.bot.log()
    assert "Unexpected fault" not in log
    assert "UserWarning" not in log
    assert "Consumer 'api_key:[redacted]' has been suspended" in log
    kept = json.dumps(await town.supabase.rows("bot_logs"))
    assert "User location is not supported" in kept
    shown = [message.content for use, _ in asked for message in use.messages]
    assert not any(GEMINI_API_KEY in text for text in (log, kept, *shown))


async def streaming(town: Town, text: str = "Once upon a time", *then: Step) -> Interaction:
    """An answer that has begun to show, and then hangs."""
    town.world.gemini.script(Reply((Thinking(40), Text(text), *then, Hang())))
    use = await town.world.alice.slash("ask", {"prompt": "tell me a story"}, channel=town.world.general)
    return await use.finished(lambda use: text in use.text)


async def test_a_killed_bots_answer_is_settled_as_an_estimate_when_it_is_back(town: Town) -> None:
    await streaming(town)
    (row,) = await town.rows("gemini_usage")
    assert (row["status"], *tokens(row)) == ("open", 0, 0, 0)
    await town.bot.kill()
    await town.bot.restart()
    (row,) = await town.rows("gemini_usage", ended(1))
    assert (row["status"], row["estimated"]) == ESTIMATED


async def test_sigterm_settles_what_streams_and_tells_the_person_also_beside_a_dead_node(town: Town) -> None:
    await town.play("night")
    use = await streaming(town)
    town.world.lavalink.hang("/v4/sessions")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert await town.bot.terminate() == 0
    assert loop.time() - begun < 5
    assert use.text.startswith("Once upon a time")
    assert "restarted" in use.text
    (row,) = await town.rows("gemini_usage", ended(1))
    (call,) = town.world.gemini.account.calls
    assert (row["status"], row["estimated"]) == ESTIMATED
    assert tokens(row) == (call.prompt_tokens, call.candidates_tokens, call.total_tokens)


async def test_a_store_that_cannot_commit_means_no_call_and_it_recovers_by_itself(town: Town) -> None:
    path = Path(town.environment["DATA_DIR"]) / "bot.db"
    with sqlite3.connect(path, isolation_level=None) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        use = await town.world.alice.slash("ask", {"prompt": "hello"}, channel=town.world.general)
        await use.finished(lambda use: "note down" in use.text, timeout=15)
        assert town.world.gemini.account.calls == []
        stranger.execute("ROLLBACK")
    stranger.close()
    for _ in range(40):
        use = await town.world.bob.slash("ask", {"prompt": "hello again"}, channel=town.world.general)
        await use.finished(lambda use: bool(use.text))
        if "note down" not in use.text:
            break
        await asyncio.sleep(2.1)
    await use.finished(lambda use: "hello again" in use.text)
    rows = await town.rows("gemini_usage", lambda rows: any(row["status"] == "settled" for row in rows))
    assert len(town.world.gemini.account.calls) == 1
    # Of a row that the disk took late, without a call, nothing is left but that there was none.
    (row,) = [row for row in rows if (row["status"], row["total_tokens"]) != ("failed", 0)]
    assert (row["status"], row["estimated"]) == SETTLED


async def test_twenty_at_once_do_not_mix_and_the_bot_stays_quick(quiet_town: Town) -> None:
    town = quiet_town
    town.world.discord.want_heartbeats(2.0)
    await town.bot.start()
    await town.bot.started()
    people = [town.world.guild.add_member(f"person-{number}") for number in range(20)]
    town.world.gemini.slow(1.0)
    town.world.discord.limit()
    uses = [
        await person.slash("ask", {"prompt": f"I am number {number}."}, channel=town.world.general)
        for number, person in enumerate(people)
    ]
    await town.world.gemini.until(lambda account: len(account.calls) == 20)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await town.ask("status")
    assert loop.time() - begun < 1
    for number, use in enumerate(uses):
        await use.finished(lambda use, number=number: f"I am number {number}.\n" in use.text, timeout=20)
        assert use.text.count("I am number") == 1
    rows = await town.rows("gemini_usage", ended(20))
    assert {row["user_id"] for row in rows} == {str(person.id) for person in people}
    assert sum(row["total_tokens"] for row in rows) == town.world.gemini.account.total_tokens
    assert town.world.discord.connections == 1, "no heartbeat was missed"


async def test_a_first_chunk_after_the_three_seconds_of_discord_is_shown_within_a_second(town: Town) -> None:
    town.world.gemini.script(Reply.text("It was worth the wait. " * 6, chunks=6, interval=0.4, first=3.2))
    use = await town.world.alice.slash("ask", {"prompt": "think well"}, channel=town.world.general)
    await use.finished(lambda use: use.text.count("worth") == 6, timeout=20)
    (message,) = use.messages
    shown = [version.at for version in message.versions]
    (call,) = town.world.gemini.account.calls
    assert call.first_text_at is not None
    assert shown[0] - call.first_text_at < 1
    assert 3 <= len(shown) <= 6
    assert all(later - earlier > 0.8 for earlier, later in itertools.pairwise(shown))


async def test_what_plays_is_told_to_gemini_as_data(town: Town) -> None:
    await town.play("hostile")
    await town.ask("ask", prompt="what is playing?")
    (call,) = town.world.gemini.account.calls
    assert call.question == "what is playing?"
    assert call.prompt.count("<data>") == call.prompt.count("</data>") == 1
    assert "position: 0:0" in call.prompt
    assert "queue: 0" in call.prompt
    assert call.prompt.endswith("</data>\n\nwhat is playing?")
