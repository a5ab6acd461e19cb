"""From words and links to tracks, and what a listener is told where there are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.lavalink import LavalinkStandIn
from services.errors import UserError
from services.lavalink.faults import NothingFound, SourceFailed, sentence
from tests.services.lavalink.world import MusicWorld


class Sources:
    """A node that answers each identifier as told, in place of the one that `Search` picks."""

    def __init__(self, answers: dict[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def _fetch_tracks(self, query: str) -> dict[str, Any]:
        self.asked.append(query)
        return self.answers[query.partition("%3A")[0]]


EMPTY: dict[str, Any] = {"loadType": "empty", "data": None}
BROKEN: dict[str, Any] = {
    "loadType": "error",
    "data": {
        "message": "Something went wrong while looking up the track.",
        "severity": "fault",
        "cause": "AllClientsFailedException: All clients failed to load the item.",
    },
}
TRACK: dict[str, Any] = {
    "encoded": "QAAA",
    "info": {
        "identifier": "1",
        "isSeekable": True,
        "author": "A",
        "length": 1000,
        "isStream": False,
        "position": 0,
        "title": "T",
        "uri": None,
        "artworkUrl": None,
        "isrc": None,
        "sourceName": "soundcloud",
    },
    "pluginInfo": {},
    "userData": {},
}
FOUND: dict[str, Any] = {"loadType": "search", "data": [TRACK, TRACK]}


@pytest.fixture
async def world() -> AsyncIterator[MusicWorld]:
    world = MusicWorld(search_sources=("ytsearch", "scsearch"))
    async with world.nodes:
        yield world


def ask(world: MusicWorld, monkeypatch: pytest.MonkeyPatch, **answers: dict[str, Any]) -> Sources:
    sources = Sources(answers)

    async def pick() -> Sources:
        return sources

    monkeypatch.setattr(world.nodes, "pick", pick)
    return sources


@pytest.mark.parametrize("first", [EMPTY, BROKEN])
async def test_the_next_source_is_asked_where_one_has_nothing_or_fails(
    world: MusicWorld, monkeypatch: pytest.MonkeyPatch, first: dict[str, Any]
) -> None:
    sources = ask(world, monkeypatch, ytsearch=first, scsearch=FOUND)
    assert len((await world.search.find("a song")).tracks) == 1
    assert sources.asked == ["ytsearch%3Aa%20song", "scsearch%3Aa%20song"]


async def test_the_first_source_that_has_it_is_enough(world: MusicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = ask(world, monkeypatch, ytsearch=FOUND)
    await world.search.find("a song")
    assert len(sources.asked) == 1


async def test_nothing_anywhere_is_said(world: MusicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(world, monkeypatch, ytsearch=EMPTY, scsearch=EMPTY)
    with pytest.raises(NothingFound):
        await world.search.find("a song")


async def test_a_failure_is_said_where_nothing_else_was_found(
    world: MusicWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(world, monkeypatch, ytsearch=BROKEN, scsearch=EMPTY)
    with pytest.raises(SourceFailed, match="refused every way"):
        await world.search.find("a song")


async def test_a_link_to_another_site_asks_nobody(world: MusicWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = ask(world, monkeypatch)
    with pytest.raises(UserError):
        await world.search.find("http://169.254.169.254/")
    assert sources.asked == []


async def test_a_node_that_hangs_is_given_up(lavalink: LavalinkStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.lavalink.node.LOAD_S", 0.2)
    world = MusicWorld(lavalink.uri)
    async with world.nodes, asyncio.timeout(5):
        await world.nodes.pick()
        lavalink.hang("/v4/loadtracks")
        with pytest.raises(UserError, match="does not answer"):
            await world.search.find("short")


@pytest.mark.parametrize(
    ("cause", "part"),
    [
        ("This video requires login.", "sign in"),
        ("Please sign in", "sign in"),
        ("Sign in to confirm you\u2019re not a bot", "sign in"),
        ("All clients failed to load the item. See suppressed exceptions", "refused every way"),
        ("Video player configuration error", "plugin is updated"),
        ("Must find sig function from script: /s/player", "plugin is updated"),
        ("This video is not available", "not available"),
        ("java.lang.RuntimeException: Not success status code: 403", "refused to send"),
        ("java.lang.NullPointerException", "could not deliver"),
    ],
)
def test_causes_are_told_in_plain_words(cause: str, part: str) -> None:
    assert part in sentence(cause)
