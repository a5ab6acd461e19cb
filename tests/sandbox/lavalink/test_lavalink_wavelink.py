"""wavelink 3.5.2 itself, unmodified, against the stand-in."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import wavelink
from wavelink.websocket import Websocket

from sandbox.lavalink import LavalinkStandIn


class _Client:
    """As much of a discord.Client as wavelink asks for."""

    def __init__(self) -> None:
        self.user = SimpleNamespace(id=123)
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.seen: list[str] = []

    def dispatch(self, name: str, *payload: Any) -> None:
        self.events.put_nowait((name.removeprefix("wavelink_"), payload[0] if payload else None))

    def get_channel(self, _: int) -> Any:
        return None

    async def next(self, name: str) -> Any:
        """The next event of that name; others before it are dropped."""
        async with asyncio.timeout(5):
            while True:
                kind, payload = await self.events.get()
                if kind == name:
                    return payload


class _Guild:
    """Answers a voice state change as Discord's gateway would."""

    id = 2222

    def __init__(self) -> None:
        self.player: Any = None

    async def change_voice_state(self, *, channel: Any, **_: Any) -> None:
        if channel is not None:
            await self.player.on_voice_state_update({"channel_id": "555", "session_id": "session"})
            await self.player.on_voice_server_update({"token": "token", "endpoint": "voice.local"})


@pytest.fixture(autouse=True)
def plain_wavelink(monkeypatch: pytest.MonkeyPatch) -> None:
    """wavelink as it comes, whatever another test of this process has put in its place."""
    monkeypatch.setattr("wavelink.node.Websocket", Websocket)


@pytest.fixture
async def discord() -> _Client:
    return _Client()


@pytest.fixture
async def node(lavalink: LavalinkStandIn, discord: _Client) -> AsyncIterator[wavelink.Node]:
    node = wavelink.Node(uri=lavalink.base_url, password="youshallnotpass", retries=1)
    await wavelink.Pool.connect(nodes=[node], client=cast("Any", discord))
    await discord.next("node_ready")
    yield node
    await wavelink.Pool.close()


@pytest.fixture
async def player(node: wavelink.Node, discord: _Client) -> wavelink.Player:
    guild = _Guild()
    channel = SimpleNamespace(guild=guild, id=555)
    player = wavelink.Player(cast("Any", discord), cast("Any", channel), nodes=[node])
    guild.player = player
    # Discord would know the client by now; wavelink takes it off the guild at the end.
    player.cleanup = lambda: None
    await player.connect(timeout=2, reconnect=False)
    return player


async def _track(words: str) -> wavelink.Playable:
    found = await wavelink.Playable.search(words, source=wavelink.TrackSource.YouTubeMusic)
    assert isinstance(found, list)
    return found[0]


async def test_the_node_reads_version_info_and_stats(node: wavelink.Node) -> None:
    assert await node.fetch_version() == "4.2.2"
    assert (await node.fetch_info()).version.major == 4
    assert (await node.fetch_stats()).players == 0


async def test_words_playlists_nothing_and_errors_load_as_wavelink_expects(
    node: wavelink.Node, lavalink: LavalinkStandIn
) -> None:
    assert (await _track("long morning")).title == "Long Morning"
    album = await wavelink.Playable.search(lavalink.file_url("album"))
    assert isinstance(album, wavelink.Playlist)
    assert (album.name, len(album)) == ("album", 2)
    assert await wavelink.Playable.search("nothing like it") == []
    with pytest.raises(wavelink.LavalinkLoadException):
        await wavelink.Playable.search("loaderror")


async def test_a_whole_play_through_its_player(
    player: wavelink.Player, discord: _Client, lavalink: LavalinkStandIn
) -> None:
    track = await _track("short")
    track.extras = {"play_id": "p1"}
    await player.play(track, volume=30)
    started = await discord.next("track_start")
    assert started.player is player
    assert started.track.extras.play_id == "p1"
    await player.pause(True)
    await player.pause(False)
    await player.seek(100)
    await player.set_filters(wavelink.Filters())
    await player.set_volume(80)
    ended = await discord.next("track_end")
    assert (ended.reason, ended.track.title) == ("finished", "Morning Short")
    assert lavalink.account.plays[0].user_data == {"play_id": "p1"}
    assert lavalink.players(2222)[0].volume == 80


async def test_skip_replace_and_disconnect_end_as_documented(
    player: wavelink.Player, discord: _Client, lavalink: LavalinkStandIn
) -> None:
    track = await _track("long morning")
    await player.play(track)
    await player.play(track)
    assert (await discord.next("track_end")).reason == "replaced"
    await player.skip()
    assert (await discord.next("track_end")).reason == "stopped"
    await player.play(track)
    await player.disconnect()
    assert (await discord.next("track_end")).reason == "stopped"
    assert lavalink.players() == []


async def test_4014_stuck_and_exceptions_reach_the_listeners(
    player: wavelink.Player, discord: _Client, lavalink: LavalinkStandIn
) -> None:
    await player.play(await _track("fail404"))
    assert (await discord.next("track_exception")).exception["severity"] == "fault"
    assert (await discord.next("track_end")).reason == "loadFailed"
    await player.play(await _track("stuck"))
    assert (await discord.next("track_stuck")).threshold == 200
    lavalink.close_voice(2222, 4014, "Disconnected.")
    closed = await discord.next("websocket_closed")
    assert (closed.code, closed.by_remote) == (wavelink.DiscordVoiceCloseType.DISCONNECTED, True)


async def test_a_dropped_connection_is_resumed_by_wavelink(
    player: wavelink.Player, discord: _Client, lavalink: LavalinkStandIn
) -> None:
    await player.play(await _track("long morning"))
    await lavalink.reset()
    ready = await discord.next("node_ready")
    assert ready.resumed is True
    assert lavalink.players(2222)[0].current is not None


async def test_a_wrong_password_disconnects_the_node(lavalink: LavalinkStandIn, discord: _Client) -> None:
    node = wavelink.Node(uri=lavalink.base_url, password="wrong", retries=0)
    await wavelink.Pool.connect(nodes=[node], client=cast("Any", discord))
    assert node.status is wavelink.NodeStatus.DISCONNECTED
    await node.close(eject=True)
