"""Looking tracks up, and the binary format that names them."""

import asyncio
import wave
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lavalink import LavalinkStandIn, make_samples
from sandbox.lavalink.tags import read_tags
from sandbox.lavalink.track_codec import TrackInfo, UndecodableTrack, decode, encode
from tests.sandbox.lavalink.client import LavalinkClient

# From a real 4.2.2.
REAL = (
    "QAAAlQMADlR3ZW50eSBTZWNvbmRzAAtUZXN0IEFydGlzdAAAAAAAAE5eACNodHRwOi8vMTI3LjAuMC4xOjIzMzgwL3RhZ2dlZDIwLm1w"
    "MwABACNodHRwOi8vMTI3LjAuMC4xOjIzMzgwL3RhZ2dlZDIwLm1wMwABAAxVU0FCQzEyMzQ1NjcABGh0dHAAA21wMwAAAAAAAAAA"
)
_any_text = st.text(st.characters(), max_size=50)


def test_a_real_encoded_track_is_read_and_written_alike() -> None:
    info, position = decode(REAL)
    assert (info.title, info.author, info.length) == ("Twenty Seconds", "Test Artist", 20062)
    assert (info.isrc, info.container, position) == ("USABC1234567", "mp3", 0)
    assert encode(info) == REAL


@given(_any_text, _any_text, st.integers(0, (1 << 63) - 1), st.none() | _any_text, st.booleans())
def test_any_track_survives_the_format(title: str, author: str, position: int, uri: str | None, stream: bool) -> None:
    info = TrackInfo("identifier", title, author, 5, uri, container="wav", is_stream=stream)
    assert decode(encode(info, position)) == (info, position)


def test_nul_and_lone_surrogates_survive_the_format() -> None:
    info = TrackInfo("x", "\0 \ud800 \U0001f3b5", "y", 5, None, container="wav")
    assert decode(encode(info))[0] == info


@pytest.mark.parametrize("encoded", ["", "AAAA", REAL[:40], REAL[:-12]])
def test_a_cut_track_is_refused(encoded: str) -> None:
    with pytest.raises(UndecodableTrack):
        decode(encoded)


def test_the_samples_are_small_tagged_and_made_once(tmp_path: Path) -> None:
    paths = make_samples(tmp_path)
    tags = [read_tags(path) for path in paths]
    assert all(one is not None and 8000 <= one.length <= 15_000 and one.artist for one in tags)
    assert any(one is not None and one.title is not None and "朝" in one.title for one in tags)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 300_000
    for path in paths:
        with wave.open(str(path)) as file:
            assert file.getsampwidth() == 2, "lavaplayer opens no wav of 8 bits"
    written = [path.stat().st_mtime_ns for path in paths]
    assert [path.stat().st_mtime_ns for path in make_samples(tmp_path)] == written


async def test_a_wav_that_lavaplayer_cannot_open_is_an_error(
    client: LavalinkClient, lavalink: LavalinkStandIn, music: Path
) -> None:
    with wave.open(str(music / "eight bits.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 8000)
    assert (await client.load(lavalink.file_url("eight bits.wav")))["loadType"] == "error"
    assert (await client.load("ytsearch:eight bits"))["loadType"] == "empty"


async def test_a_search_searches_the_folder_by_all_words(client: LavalinkClient) -> None:
    for prefix in ("ytsearch", "ytmsearch", "scsearch"):
        found = await client.load(f"{prefix}:MORNING bob")
        assert found["loadType"] == "search"
        assert [track["info"]["title"] for track in found["data"]] == ["Long Morning"]
    assert await client.load("ytsearch:morning carol") == {"loadType": "empty", "data": None}
    assert (await client.load("ytsearch:"))["loadType"] == "empty"


async def test_a_file_is_a_track_with_its_tags_and_length(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    url = lavalink.file_url("short.wav")
    track = (await client.load(url))["data"]
    assert track["info"] == {
        "identifier": url,
        "isSeekable": True,
        "author": "Alice",
        "length": 600,
        "isStream": False,
        "position": 0,
        "title": "Morning Short",
        "uri": url,
        "sourceName": "http",
        "artworkUrl": None,
        "isrc": None,
    }
    assert (track["pluginInfo"], track["userData"]) == ({"probeInfo": "wav"}, {})
    untagged = (await client.load(lavalink.file_url("untagged.wav")))["data"]["info"]
    assert (untagged["title"], untagged["author"]) == ("Unknown title", "Unknown artist")
    (found,) = (await client.load("ytsearch:untagged"))["data"]
    assert found["info"]["title"] == "untagged"


async def test_a_subfolder_is_a_playlist(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    loaded = await client.load(lavalink.file_url("album"))
    assert loaded["loadType"] == "playlist"
    assert loaded["data"]["info"] == {"name": "album", "selectedTrack": -1}
    assert [track["info"]["title"] for track in loaded["data"]["tracks"]] == ["One", "Two"]


async def test_an_m3u_is_one_stream(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    info = (await client.load(lavalink.file_url("list.m3u")))["data"]["info"]
    assert (info["isStream"], info["length"]) == (True, 9223372036854775807)
    assert info["identifier"] == info["uri"] == lavalink.file_url("list.m3u")
    assert (await client.load(lavalink.file_url("none.m3u")))["loadType"] == "error"


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "words",
        "empty",
        "spsearch:morning",
        "search:morning",
        "ftp://127.0.0.1/x",
        "HTTP://127.0.0.1/x",
        "file:///x",
        "/etc/passwd",
        "data:a/b",
    ],
)
async def test_what_no_source_takes_is_empty(client: LavalinkClient, identifier: str) -> None:
    assert await client.load(identifier) == {"loadType": "empty", "data": None}


@pytest.mark.parametrize(
    "identifier",
    ["http://", "http://[", "http:///x", "http://127.0.0.1:1/x", "https://music.example/x", "loaderror"],
)
async def test_an_error_hides_its_reason_in_the_stack_trace(client: LavalinkClient, identifier: str) -> None:
    loaded = await client.load(identifier)
    assert loaded["loadType"] == "error"
    assert loaded["data"]["message"] == "Something went wrong while looking up the track."
    assert loaded["data"]["severity"] == "fault"
    assert loaded["data"]["cause"].endswith("FriendlyException: Something went wrong while looking up the track.")
    assert "Caused by: " in loaded["data"]["causeStackTrace"]


async def test_nothing_outside_the_folder_is_found(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    base = lavalink.file_url("")
    assert (await client.load(f"{base}%2e%2e/%2e%2e/etc/passwd"))["loadType"] == "empty"
    for name in ("nope.wav", "x" * 5000, "%00", "//["):
        assert (await client.load(f"{base}{name}"))["loadType"] == "empty"
    assert (await client.load(f"{base}broken.mp3"))["loadType"] == "error"


async def test_another_server_of_this_machine_is_fetched(client: LavalinkClient, music: Path) -> None:
    async def redirect(_: web.Request) -> web.Response:
        raise web.HTTPFound("/music/short.wav")

    app = web.Application()
    app.router.add_static("/music", music)
    app.router.add_get("/redirect", redirect)
    async with TestServer(app) as media:
        track = (await client.load(str(media.make_url("/redirect"))))["data"]
        assert track["info"]["uri"] == str(media.make_url("/music/short.wav"))
        assert track["info"]["length"] == 600
        assert (await client.load(str(media.make_url("/music/nope.wav"))))["loadType"] == "empty"
        assert (await client.load(str(media.make_url("/music/broken.mp3"))))["loadType"] == "error"


async def test_decodetrack_gives_the_track_back_even_from_another_server(client: LavalinkClient) -> None:
    answer = await client.get("/v4/decodetrack", params={"encodedTrack": REAL})
    assert (answer.body["encoded"], answer.body["info"]["title"]) == (REAL, "Twenty Seconds")
    many = await client.request("POST", "/v4/decodetracks", json=[REAL, REAL])
    assert [track["encoded"] for track in many.body] == [REAL, REAL]


async def test_undecodable_tracks_are_500_and_nothing_to_decode_400(client: LavalinkClient) -> None:
    bad = await client.get("/v4/decodetrack", params={"encodedTrack": "!!!"})
    assert bad.status == 500
    assert bad.body["message"].endswith("Illegal base64 character 21")
    assert (await client.request("POST", "/v4/decodetracks", json=[REAL, "AAAA"])).status == 500
    assert (await client.request("POST", "/v4/decodetracks", json=[])).status == 400
    assert (await client.get("/v4/decodetrack")).status == 400


async def test_a_hostile_title_arrives_unchanged_through_search_and_play(client: LavalinkClient) -> None:
    track = (await client.load("ytsearch:hostile"))["data"][0]
    title = track["info"]["title"]
    assert len(title) > 10_000
    assert all(part in title for part in ("@everyone", "\0", "\ud800", "\u202e"))
    assert (await client.update(1, track={"encoded": track["encoded"]})).body["track"]["info"]["title"] == title
    decoded = await client.get("/v4/decodetrack", params={"encodedTrack": track["encoded"]})
    assert decoded.body["info"]["title"] == title


async def test_a_slow_search_blocks_only_itself(client: LavalinkClient, lavalink: LavalinkStandIn) -> None:
    slow = asyncio.create_task(client.load("ytsearch:slowload"))
    await lavalink.until(lambda: lavalink.requests and "slowload" in lavalink.requests[-1].path)
    assert (await client.load("ytsearch:morning"))["loadType"] == "search"
    assert not slow.done()
    assert (await slow)["data"][0]["info"]["title"] == "slowload"
