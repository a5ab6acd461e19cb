"""A track that its own source does not deliver is looked for in the next one, once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import wavelink

from sandbox.lavalink import LavalinkStandIn
from sandbox.lavalink.track_codec import TrackInfo, encode
from services.lavalink.loading import other_sources
from tests.services.lavalink.world import MusicWorld, until

YOUTUBE = "https://www.youtube.com/watch?v=1"


@pytest.fixture
async def world(lavalink: LavalinkStandIn) -> AsyncIterator[MusicWorld]:
    world = MusicWorld(lavalink.uri, search_sources=("ytmsearch", "ytsearch", "scsearch"))
    async with world.nodes:
        yield world


def broken(title: str, uri: str | None = YOUTUBE, author: str = "Unknown artist") -> wavelink.Playable:
    """A track that is found, and answers 404 when it is played."""
    info = TrackInfo("fail404", title, author, 700, uri, container="mp3")
    data = {"identifier": "fail404", "title": title, "author": author, "length": 700, "uri": uri}
    rest = {"isSeekable": True, "isStream": False, "position": 0, "artworkUrl": None, "isrc": None}
    return wavelink.Playable(
        {"encoded": encode(info), "info": {**data, **rest, "sourceName": "youtube"}, "pluginInfo": {}, "userData": {}}  # type: ignore[typeddict-item]
    )


async def test_what_one_source_does_not_deliver_the_next_one_plays(
    world: MusicWorld, lavalink: LavalinkStandIn
) -> None:
    player = await world.nodes.join(world.channel())
    player.enqueue([broken("short"), (await world.search.find("brief")).tracks[0]], "Alice")
    await player.advance()
    await until(lambda: len(world.ended()) == 3)
    assert [(row.track_title, row.end_reason) for row in world.rows()] == [
        ("short", "failed"),
        ("short", "finished"),
        ("brief", "finished"),
    ]
    assert {row.requested_by for row in world.rows()} == {"Alice"}
    asked = [request.path for request in lavalink.requests if "loadtracks" in request.path]
    assert [path for path in asked if "scsearch" in path] == asked[1:]


@pytest.mark.parametrize("track", [broken("no such title"), broken("short", "http://127.0.0.1/short.mp3")])
async def test_what_nobody_else_has_is_passed_over(world: MusicWorld, track: wavelink.Playable) -> None:
    player = await world.nodes.join(world.channel())
    player.enqueue([track, (await world.search.find("brief")).tracks[0]], "Alice")
    await player.advance()
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["failed", "finished"]


async def test_a_substitute_that_fails_too_is_not_looked_for_again(world: MusicWorld) -> None:
    player = await world.nodes.join(world.channel())
    player.enqueue([broken("fail404", author="")], "Alice")
    await player.advance()
    await until(lambda: len(world.ended()) == 2)
    assert [row.end_reason for row in world.rows()] == ["failed", "failed"]
    assert world.session is None


def test_only_other_services_are_asked() -> None:
    sources = ("ytmsearch", "ytsearch", "scsearch", "mysearch")
    assert other_sources(broken("x"), sources) == ["scsearch"]
    assert other_sources(broken("x", "https://soundcloud.com/a/b"), sources) == ["ytmsearch", "ytsearch"]
    assert other_sources(broken("x", "https://evilyoutube.com/a"), sources) == []
    assert other_sources(broken("x", None), sources) == []
