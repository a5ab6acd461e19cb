"""The panel: what it shows is true, and stays true when it is not the panel any more."""

from __future__ import annotations

import asyncio

import pytest
import wavelink

from cogs.music import panel
from tests.cogs.music.conftest import Stage, said
from tests.services.lavalink.world import until


async def test_between_two_tracks_it_never_says_that_nothing_plays(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    message = (await stage.use(stage.alice, "play", query="short")).messages[0]
    await stage.use(stage.alice, "play", query="evening")
    await until(lambda: "evening" in said(message))
    assert ["evening" in str(edit.embeds) for edit in message.edits] == [True]


async def test_it_says_that_nothing_plays_once_nothing_follows(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    message = (await stage.use(stage.alice, "play", query="short")).messages[0]
    [player] = stage.nodes.players
    assert player.current
    player.enqueue([wavelink.Playable({**player.current.raw_data, "encoded": "which the node refuses"})], "alice")
    await until(lambda: "Nothing is playing." in said(message))
    assert [row.end_reason for row in stage.rows()] == ["finished"]


async def test_one_that_was_moved_down_keeps_the_title_alone(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    first = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    await stage.use(stage.alice, "pause")
    await until(lambda: "Paused" in said(first))
    await stage.use(stage.alice, "resume")
    second = (await stage.use(stage.alice, "nowplaying")).messages[0]
    await until(lambda: not first.components)
    assert (first.content, first.embeds) == ("morning", [])
    assert "Now playing" in said(second)
    assert second.components


async def test_one_that_said_that_nothing_plays_says_so_no_more_when_music_plays_again(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    first = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    await stage.use(stage.alice, "stop")
    await until(lambda: "Nothing is playing." in said(first))
    await stage.use(stage.alice, "play", query="evening")
    await until(lambda: not first.embeds)
    assert first.content == "morning"


async def test_a_change_while_the_one_before_is_put_away_is_shown(stage: Stage) -> None:
    await stage.alice.join(stage.lounge)
    await stage.use(stage.alice, "play", query="morning")
    stage.discord.slow(0.3)
    second = await stage.alice.slash("nowplaying", {}, channel=stage.general)
    await second.finished(lambda each: each.messages)
    [player] = stage.nodes.players
    await player.pause(True)
    stage.discord.slow(0)
    await until(lambda: "Paused" in said(second.messages[0]))


async def test_it_follows_once_discord_can_be_reached_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "RETRY_SECONDS", 0.1)
    await stage.alice.join(stage.lounge)
    message = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    await stage.discord.down()
    await stage.nodes.players[0].pause(True)
    await asyncio.sleep(0)
    await stage.discord.up()
    await until(lambda: "Paused" in said(message))


@pytest.mark.parametrize("limit", ["ratelimit", "shared_limit"])
async def test_it_follows_once_a_limit_has_passed_for_which_discord_py_does_not_wait(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(panel, "RETRY_SECONDS", 0.1)
    await stage.alice.join(stage.lounge)
    message = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    # It tries five times.
    getattr(stage.discord, limit)(6)
    await stage.nodes.players[0].pause(True)
    await until(lambda: "Paused" in said(message))


async def test_failed_edits_are_tried_again_ever_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blocked address is knocked at by every server's panel."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds >= panel.RETRY_SECONDS:
            pauses.append(seconds)
        await real_sleep(min(seconds, 0.01))

    real_sleep = asyncio.sleep
    await stage.alice.join(stage.lounge)
    message = (await stage.use(stage.alice, "play", query="morning")).messages[0]
    monkeypatch.setattr(panel.asyncio, "sleep", sleep)
    await stage.discord.down()
    await stage.nodes.players[0].pause(True)
    await until(lambda: pauses.count(60.0) >= 2)
    # Others wait too: discord.py, for a gateway.
    assert [seconds for seconds in pauses if seconds % 5 == 0][:6] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    await stage.discord.up()
    await until(lambda: "Paused" in said(message))
