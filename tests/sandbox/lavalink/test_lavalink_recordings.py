"""What was recorded on a real 4.2.2, sent to the stand-in at the same moments: it must answer alike."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest

from sandbox.lavalink import LavalinkStandIn, VoiceState
from tests.sandbox.lavalink.digest import DIGEST, Step, digest_of, text_of
from tests.sandbox.lavalink.fast_loop import FastLoop
from tests.sandbox.lavalink.recorder_media import media_server, write_media
from tests.sandbox.lavalink.replay import Replay

RECORDINGS = os.environ.get("LAVALINK_RECORDINGS")
_DIGEST: dict[str, Any] = json.loads(DIGEST.read_text())
NAMES = [name for name in _DIGEST if name not in ("shapes", "tracks")]
# What is not sent, by recording and the text of a step.
NOT_REPLAYED = {
    ("01_rest_basics", '"/error"'): "the server's page for its own errors, which no client asks for",
    ("01_rest_basics", '"Accept":"(text/html|application/xml)"'): "pages for browsers",
    ("03_loadtracks", "=/music/media/"): "files of the server's own disk: the stand-in has that source off",
    ("07b_voice_close_codes", "/7150|7150"): "the recorder's voice gateway failed there; done again in 07f",
    ("07d_voice_failing_tracks", '^\\["got",6.558'): "the request that caused these two updates was not recorded",
}
# 08 and 08b, which hold what wavelink made of all this and no requests, are in test_lavalink_wavelink.py.
NO_REQUESTS = {"08_wavelink", "08b_wavelink_player"}
_GATEWAY = re.compile(r"\{gateway (\w+)\}")
_UNREACHABLE = ("127.0.0.1:1", "no-such-host.invalid:443")


def _voice(_: int, state: VoiceState) -> bool | int | Literal["silent"] | None:
    if state.endpoint in _UNREACHABLE:
        return None
    found = _GATEWAY.fullmatch(state.endpoint)
    if found is None:
        return True
    return int(found[1]) if found[1].isdecimal() else "silent"


def _left_out(name: str, step: Step) -> list[str]:
    """The patterns that leave a step of this recording out."""
    text = json.dumps(step, separators=(",", ":"))
    return [pattern for recording, pattern in NOT_REPLAYED if recording == name and re.search(pattern, text)]


async def _replay(name: str, folder: Path, seed: int) -> Replay:
    lavalink = LavalinkStandIn(music=folder, voice_check=_voice, seed=seed)
    write_media(folder, lavalink.file_url("").rstrip("/"))
    async with media_server(folder) as media, lavalink:
        replay = Replay(_DIGEST, [step for step in _DIGEST[name] if not _left_out(name, step)], lavalink, media)
        await replay.run()
    return replay


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_recording_goes_alike(name: str, seed: int, tmp_path: Path) -> None:
    """Status, shapes, values and messages; two seeds, as what chance decides must not matter."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        replay = runner.run(_replay(name, tmp_path, seed))
    assert replay.differences == []
    assert replay.requests == sum(step[0] == "rest" and not _left_out(name, step) for step in _DIGEST[name])


def test_nothing_is_left_out_that_is_not_there() -> None:
    for name, pattern in NOT_REPLAYED:
        assert any(pattern in _left_out(name, step) for step in _DIGEST[name]), (name, pattern)


@pytest.mark.skipif(RECORDINGS is None, reason="LAVALINK_RECORDINGS names no folder with recordings of a real Lavalink")
def test_the_digest_is_that_of_the_recordings() -> None:
    folder = Path(RECORDINGS or "")
    assert DIGEST.read_text() == text_of(digest_of(folder))
    assert {file.stem for file in folder.glob("*.jsonl")} == {*NAMES} | NO_REQUESTS
