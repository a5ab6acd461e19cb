"""How chat meets Discord: who is answered, in whose language, and what becomes of an answer whose place goes away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from sandbox.discord import Interaction, Message, Permission
from sandbox.discord.component_answers import with_ids
from sandbox.discord.people import User
from sandbox.gemini import Reply
from tests.e2e.conftest import Rows, Town

MONSTER = "\n\n".join(
    [
        "# 長い答え\n" + "これは日本語の文です。絵文字👨‍👩‍👧も🇯🇵もあります。" * 110,
        "````markdown\n```python\nprint('nested')\n```\n````",
        "| a | b |\n|---|---|\n" + "| `x` | y |\n" * 120,
        "```python\n" + "".join(f"value_{number} = {number}\n" for number in range(150)) + "```",
        "https://example.org/" + "very-long-" * 230,
        "@everyone @here <@1> <@&2> " * 4,
        "The end 👍🏽.",
    ]
)


def settled(count: int) -> Callable[[Rows], bool]:
    return lambda rows: len(rows) == count and all(row["status"] == "settled" for row in rows)


def pings(town: Town) -> list[object]:
    """The bodies of messages, edits and answers by which Discord would ping anybody."""
    found: list[object] = []
    for record in town.world.discord.requests:
        body = record.body
        if not isinstance(body, dict) or record.method not in {"POST", "PATCH"}:
            continue
        message = body.get("data", body) if "/callback" in record.path else body
        if not isinstance(message, dict) or not message.get("content"):
            continue
        rules = message.get("allowed_mentions") or {"parse": ["missing"]}
        if rules.get("parse") or rules.get("users") or rules.get("roles") or rules.get("replied_user"):
            found.append(body)
    return found


async def test_a_monstrous_answer_is_whole_fits_and_pings_nobody(town: Town) -> None:
    assert len(MONSTER) > 9_000
    town.world.gemini.script(Reply.text(MONSTER, chunks=90, interval=0.02), Reply.text(MONSTER, chunks=3))
    town.world.discord.limit()
    use = await town.ask("ask", prompt="everything, please")
    await town.world.bob.say(town.world.general, "@bot everything, please")
    await use.finished(lambda use: "The end 👍🏽." in use.text, timeout=30)
    last = await town.world.discord.wait_for_message(
        town.world.general, lambda message: message.interaction is None and "The end" in message.text, 40
    )
    asked = [m for m in town.world.general.messages if m.author is town.world.discord.bot and m.interaction is None]
    for shown in (use.messages, [message for message in asked if message.id <= last.id]):
        texts = [message.content for message in shown]
        assert all(0 < len(text) <= 2_000 and text.count("```") % 2 == 0 for text in texts)
        plain = re.sub(r"`{3,}(\w+)?|\s", "", "".join(texts))
        assert plain == re.sub(r"`{3,}(\w+)?|\s", "", MONSTER)
    assert pings(town) == []


async def test_only_who_speaks_to_the_bot_is_answered(town: Town) -> None:
    world = town.world
    other = User(world.discord.world.ids.new(), "otherbot", bot=True)
    world.discord.world.users[other.id] = other
    robot = world.guild.add_member(other)
    for text in (f"<@&{world.guild.bot_role.id}> hi", "@everyone hi", "`@bot` is what one writes", "hi all"):
        await world.alice.say(world.general, text)
    await robot.say(world.general, "@bot hi")
    await world.alice.say(world.general, "@bot first question")
    answer = await world.discord.wait_for_message(world.general, lambda message: "first question" in message.text)
    await world.bob.say(world.general, "and then?", reply_to=answer, ping=False)
    await world.bob.say(world.general, "second question", reply_to=answer, ping=True)
    await world.discord.wait_for_message(world.general, lambda message: "second question" in message.text)
    first, second = world.gemini.account.calls
    assert first.prompt.endswith("first question")
    assert "You asked: first question" in second.prompt
    assert second.prompt.index("You asked") < second.prompt.rindex("</data>") < second.prompt.index("second question")


async def test_what_cannot_be_asked_gets_a_hint(town: Town) -> None:
    world = town.world

    async def told(word: str) -> Message:
        return await world.discord.wait_for_message(world.alice.dm_channel, lambda message: word in message.text)

    await world.alice.dm("", files={"song.mp3": b"ID3"})
    await told("only read text")
    await world.bob.say(world.general, "@bot")
    await world.discord.wait_for_message(world.general, lambda message: "/ask" in message.text)
    for number, (prompt, sentence) in enumerate((("\0\x07 ", "Ask me something"), ("x" * 5_000, "5000 characters"))):
        asker = world.guild.add_member(f"asker-{number}")
        use = await asker.slash("ask", {"prompt": prompt}, channel=world.general)
        await use.answered()
        assert use.messages[0].ephemeral
        assert sentence in use.text
    uses = [await world.yuki.slash("ask", {"prompt": "\u3042"}, channel=world.general) for _ in range(6)]
    for use in uses:
        await use.finished(lambda use: bool(use.text))
    (use,) = [use for use in uses if use.messages[0].ephemeral]
    assert "秒待って" in use.text
    assert len(world.gemini.account.calls) == 5


def named(commands: list[dict[str, object]]) -> list[str]:
    """Names of what lacks its Japanese name or description, in depth."""
    missing: list[str] = []
    for item in commands:
        names = item.get("name_localizations") or {}
        descriptions = item.get("description_localizations") or {}
        wants = [names, descriptions] if "description" in item else [names]
        if not all(isinstance(each, dict) and each.get("ja") for each in wants):
            missing.append(str(item["name"]))
        for children in (item.get("options"), item.get("choices")):
            if isinstance(children, list):
                missing += named(children)
    return missing


async def test_public_answers_speak_the_servers_language_and_private_ones_and_commands_the_persons(town: Town) -> None:
    world = town.world
    world.gemini.script(Reply.denied(), Reply.denied(), Reply.denied())
    use = await town.ask("ask", who="yuki", prompt="hello")
    assert "does not let this bot in" in use.text
    world.guild.change_locale("ja")
    use = await town.ask("ask", prompt="hello")
    assert "許可されていません" in use.text
    await world.bob.say(world.general, "@bot hello")
    # Not the answer to /ask, which is there already: the next question would take this one's reply.
    await world.discord.wait_for_message(
        world.general, lambda message: message.interaction is None and "許可されていません" in message.text
    )
    assert "Please answer" not in world.gemini.account.calls[0].system
    assert "in English" in world.gemini.account.calls[0].system
    assert "in Japanese" in world.gemini.account.calls[1].system
    use = await world.yuki.slash("ask", {"prompt": "hello"}, channel=world.yuki.dm_channel)
    await use.finished(lambda use: "hello" in use.text)
    assert "in Japanese" in world.gemini.account.calls[-1].system
    assert "問題" not in (await town.ask("status", who="bob")).text
    assert "今の状態" in (await town.ask("status", who="yuki")).text
    assert len(world.discord.commands) >= 12
    assert named(world.discord.commands) == []


async def test_an_answer_whose_place_goes_away_ends_quietly_and_is_settled(town: Town) -> None:
    world = town.world
    channels = [world.guild.add_text_channel(f"room-{number}") for number in range(3)]
    streams = Reply.text("and then " * 60, chunks=30, interval=0.15)
    world.gemini.script(*[streams] * 4)
    for channel in channels:
        await world.guild.add_member(f"asker-{channel.name}").say(channel, "@bot a story")
    answers = [
        await world.discord.wait_for_message(channel, lambda message: "and" in message.text) for channel in channels
    ]
    use = await town.ask("ask", prompt="a story")
    await world.alice.delete(answers[0])
    channels[1].delete()
    channels[2].deny(world.guild.me, Permission.SEND_MESSAGES | Permission.VIEW_CHANNEL)
    await world.alice.delete(use.messages[0])
    rows = await town.rows("gemini_usage", settled(4))
    assert all(row["estimated"] for row in rows)
    await town.ask("ask", who="bob", prompt="still there?")
    assert "Unexpected fault" not in town.bot.log()


async def test_an_answer_in_a_thread_that_is_put_away_ends_quietly_and_is_settled(town: Town) -> None:
    world = town.world
    threads = [world.guild.add_thread(world.general, name) for name in ("mention", "command")]
    world.gemini.script(*[Reply.text("and then " * 60, chunks=30, interval=0.15)] * 2)
    await world.alice.say(threads[0], "@bot a story")
    await world.bob.slash("ask", {"prompt": "a story"}, channel=threads[1])
    for thread in threads:
        await world.discord.wait_for_message(thread, lambda message: "and" in message.text)
        thread.archive()
    rows = await town.rows("gemini_usage", settled(2))
    assert all(row["estimated"] for row in rows)
    await town.ask("ask", who="yuki", prompt="still there?")
    assert all(thread.payload()["thread_metadata"]["archived"] for thread in threads)
    assert "Unexpected fault" not in town.bot.log()


async def test_a_question_that_is_taken_back_is_answered_no_further(town: Town) -> None:
    world = town.world
    world.gemini.script(*[Reply.text("and then " * 60, chunks=30, interval=0.15)] * 2)
    questions = [await who.say(world.general, "@bot a story") for who in (world.alice, world.bob)]
    for question in questions:
        await world.discord.wait_for_message(
            world.general, lambda message, asked=question: message.reference is asked and "and" in message.text
        )
    await world.alice.delete(questions[0])
    world.general.purge(questions[1:])
    rows = await town.rows("gemini_usage", settled(2))
    assert all(row["estimated"] for row in rows)
    answers = [message.text for message in world.general.messages if message.author is world.discord.bot]
    assert all(0 < text.count("and then") < 60 for text in answers)


async def test_an_answer_outlives_its_token(town: Town) -> None:
    world = town.world
    world.gemini.script(Reply.text("on and on " * 60, chunks=20, interval=0.1))
    use = await town.ask("ask", prompt="a long story")
    world.discord.refuse("PATCH", "^/webhooks/", 401, 50027, times=100)
    world.discord.refuse("POST", "^/webhooks/", 401, 50027, times=100)
    whole = await world.discord.wait_for_message(world.general, lambda message: message.text.count("on and on") == 60)
    assert whole.interaction is None
    assert use.messages[0].text != whole.text
    (row,) = await town.rows("gemini_usage", settled(1))
    assert not row["estimated"]
    assert pings(town) == []


async def test_edits_that_discord_refuses_for_a_while_come_later(town: Town) -> None:
    world = town.world
    world.gemini.script(Reply.text("word by word " * 40, chunks=10, interval=0.2))
    await world.alice.say(world.general, "@bot a story")
    await world.discord.wait_for_message(world.general, lambda message: "word" in message.text)
    world.discord.refuse("PATCH", "/messages/", 429, times=2)
    world.discord.refuse("PATCH", "/messages/", 503)
    await world.discord.wait_for_message(world.general, lambda message: message.text.count("word by word") == 40, 20)
    (row,) = await town.rows("gemini_usage", settled(1))
    assert not row["estimated"]


async def test_a_limit_that_others_share_delays_an_answer_and_brings_no_ban(town: Town) -> None:
    world = town.world
    world.discord.ban_after(3, window=60)
    world.gemini.script(Reply.text("word by word " * 40, chunks=10, interval=0.2))
    await world.alice.say(world.general, "@bot a story")
    await world.discord.wait_for_message(world.general, lambda message: "word" in message.text)
    world.discord.shared_limit(4)
    await world.discord.wait_for_message(world.general, lambda message: message.text.count("word by word") == 40, 20)
    await town.ask("status")
    refused = [record.answer["message"] for record in world.discord.requests if record.status == 429]
    assert refused == ["The resource is being rate limited."] * 4


async def test_an_address_that_is_blocked_for_a_while_costs_an_answer_time_alone(town: Town) -> None:
    world = town.world
    closed = world.guild.add_text_channel("closed")
    closed.deny(world.guild.me, Permission.SEND_MESSAGES)
    world.gemini.script(Reply.text("word by word " * 40, chunks=10, interval=0.2))
    await world.alice.say(world.general, "@bot a story")
    await world.discord.wait_for_message(world.general, lambda message: "word" in message.text)
    world.discord.ban_after(2, window=2)
    for person in (world.bob, world.yuki):
        await person.say(closed, "@bot hello")
    await world.discord.wait_for_message(world.general, lambda message: message.text.count("word by word") == 40, 20)
    blocked = [each for each in world.discord.requests if each.status == 429]
    assert blocked
    assert all(each.answer["message"].startswith("You are being blocked") for each in blocked)
    assert "Unexpected fault" not in town.bot.log()


async def test_a_thinking_message_that_is_gone_is_no_fault(town: Town) -> None:
    world = town.world
    for status, code in ((404, 10008), (404, 10015)):
        world.discord.refuse("PATCH", "@original", status, code)
        await world.alice.slash("ask", {"prompt": f"hello {code}"}, channel=world.general)
        await town.rows("gemini_usage", settled(1 + (code == 10015)))
    # A webhook that Discord has forgotten is no reason to keep the answer back; a deleted answer is.
    await world.discord.wait_for_message(world.general, lambda message: "hello 10015" in message.text)
    assert not any("hello 10008" in message.text for message in world.general.messages)
    assert "Unexpected fault" not in town.bot.log()


FAULT_ID = re.compile(r"id ([0-9a-f]{8})")


async def fault_is_told(town: Town, text: str) -> None:
    """`text` has an id, and the log has it with its cause; the person sees nothing of that."""
    assert "Traceback" not in text
    assert "scripted" not in text
    found = FAULT_ID.search(text)
    assert found, text

    def logged(rows: Rows) -> bool:
        return any(found[1] in row["message"] and "HTTPException" in row["message"] for row in rows)

    await town.rows("bot_logs", logged)


async def test_what_nobody_foresaw_is_told_with_an_id_wherever_it_happens(town: Town) -> None:
    world, town.expects_trouble = town.world, True
    world.discord.refuse("POST", "/callback$", 400, 50035)
    use: Interaction = await town.ask("status")
    await fault_is_told(town, use.text)

    await town.play("night")
    panel = await world.discord.wait_for_message(world.general, lambda message: bool(message.components))
    world.discord.refuse("POST", "/callback$", 400, 50035)
    pressed = await world.alice.click(panel, "pause")
    await fault_is_told(town, (await pressed.answered()).messages[-1].text)

    world.gemini.script(Reply.text("Once upon a time", chunks=4, interval=0.5))
    await world.bob.say(world.general, "@bot a story")
    await world.discord.wait_for_message(world.general, lambda message: "Once" in message.text)
    world.discord.refuse("PATCH", "/messages/", 400, 50035)
    told = await world.discord.wait_for_message(world.general, lambda message: "went wrong" in message.text)
    await fault_is_told(town, told.text)
    await town.rows("gemini_usage", settled(1))


async def test_a_late_acknowledgement_costs_nothing_and_breaks_nothing(town: Town) -> None:
    world = town.world
    world.discord.slow(3.4)
    uses = await asyncio.gather(
        world.alice.slash("ask", {"prompt": "too late"}, channel=world.general),
        world.bob.slash("status", {}, channel=world.general),
    )
    await world.discord.wait_until(lambda: all(use.failed for use in uses))
    await town.rows("bot_logs", lambda rows: sum("10062" in row["message"] for row in rows) >= 1, timeout=15)
    world.discord.slow(0)
    await town.ask("status")
    assert world.gemini.account.calls == []
    assert await town.supabase.rows("gemini_usage") == []


async def test_a_button_that_nobody_knows_any_more_is_answered(town: Town) -> None:
    await town.play("night")
    panel = await town.world.discord.wait_for_message(town.world.general, lambda message: bool(message.components))
    button = {"type": 2, "style": 2, "custom_id": "of-an-older-version", "label": "Old"}
    panel.show(0.0, components=with_ids([{"type": 1, "components": [button]}]))
    pressed = await town.world.yuki.click(panel, "of-an-older-version")
    await pressed.answered()
    assert not pressed.failed
    assert "古くなって" in pressed.messages[-1].text
