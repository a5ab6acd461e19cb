"""The same people do the same things twice: what is left to chance, and Discord's limits, change no row.

A fault of the bot's that is the same in both worlds changes none either, so the rows of each are also held against
what was done, and against what Lavalink sent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from sandbox.console import local_rows
from sandbox.console.session import buttons, is_named
from sandbox.discord import Interaction, Member
from sandbox.lavalink.tags import write_wav_tags
from sandbox.world import World
from tests.e2e.conftest import Town
from tests.silence import write_silence
from tests.torture.conftest import FULL

ACTIONS = 200 if FULL else 20
# So many that nobody asks too often, however fast the others are.
PEOPLE = 60
TRACKS = ("Alpha", "Bravo", "Charlie", "Delta")
# What people do, and how often.
WEIGHTS = {
    "play": 10,
    "pause": 3,
    "resume": 3,
    "seek": 3,
    "skip": 4,
    "stop": 1,
    "volume": 2,
    "queue": 1,
    "nowplaying": 1,
    "ask": 5,
    "click pause": 2,
    "click skip": 2,
    "leave": 2,
    "join": 2,
}
Action: TypeAlias = tuple[str, int, Any]
Rows: TypeAlias = list[tuple[object, ...]]
_ARGUMENTS: dict[str, Callable[[random.Random], dict[str, object]]] = {
    "play": lambda chance: {"query": chance.choice(TRACKS)},
    "seek": lambda chance: {"position": str(chance.randrange(60))},
    "volume": lambda chance: {"level": chance.randrange(101)},
    "ask": lambda chance: {"prompt": f"What is {chance.randrange(100)}?"},
}
# How a play may have ended that was over after this; leaving can be what makes a vote pass.
_ENDS = {
    "skip": {"skipped", "voted"},
    "click skip": {"skipped", "voted"},
    "stop": {"stopped"},
    "leave": {"voted"},
}
# These are not waited for until all that they do is done.
_LATE = ("click skip", "leave")
_QUIET_LOOKS = 10
_HEARD_MS = 1_000
_KEPT = {
    "music_history": ("track_title", "requested_by", "duration_ms", "end_reason"),
    "gemini_usage": ("model", "status", "estimated", "completion_tokens"),
    "active_sessions": ("track_title", "duration_ms", "is_playing"),
}


def actions(seed: int) -> list[Action]:
    """What is done, by whom, and with what."""
    chance = random.Random(seed)
    kinds = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=ACTIONS)
    return [
        (kind, number % PEOPLE, _ARGUMENTS.get(kind, lambda _: {})(chance))
        for number, kind in enumerate(["play", *kinds])
    ]


class Crowd:
    """People in one world who do as they are told, one after another."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._world = town.world
        self._people = [self._world.guild.add_member(f"person {number}", locale="en-US") for number in range(PEOPLE)]
        self._asked: list[tuple[object, object]] = []
        self._ended: dict[str, set[str]] = {}
        self._late: set[str] = set()

    async def gather(self) -> None:
        """All are in the voice channel, and one who never leaves."""
        for person in (self._world.alice, *self._people):
            await person.join(self._world.voice)

    async def do(self, kind: str, number: int, options: dict[str, object]) -> None:
        """One thing, until it is answered; what it has ended is noted."""
        person = self._people[number]
        if kind == "play" and person.voice_channel is not None:
            self._asked.append((options["query"], person.name))
        await self._act(person, kind, options)
        self.note(kind)

    def note(self, kind: str) -> None:
        """What has ended just now was ended by this."""
        ends = _ENDS.get(kind, set[str]()) | self._late
        over = {str(play.user_data["play_id"]) for play in self._world.lavalink.account.plays if play.end_reason}
        if new := over - self._ended.keys():
            self._ended |= dict.fromkeys(new, ends)
            self._late = set()
        if kind in _LATE:
            self._late = self._late | _ENDS[kind]

    async def _act(self, person: Member, kind: str, options: dict[str, object]) -> None:
        if kind == "leave":
            await person.leave()
        elif kind == "join":
            await person.join(self._world.voice)
        elif kind.startswith("click"):
            await self._click(person, kind.removeprefix("click "))
        else:
            use = await person.slash(kind, options, channel=self._world.general)
            await use.answered(timeout=15)
            assert not use.failed, (kind, options)
            if kind == "ask":
                await use.finished(_is_answered, timeout=15)

    async def _click(self, person: Member, name: str) -> None:
        if not any(player.current for player in self._world.lavalink.players()):
            return

        def found() -> tuple[Any, str] | None:
            for message in reversed(self._world.general.messages):
                for button in buttons(message):
                    if is_named(button, name):
                        return message, button["custom_id"]
            return None

        message, button = await self._world.discord.world.changes.until(found, 15, f"a button {name}")  # type: ignore[misc]
        use = await person.click(message, button)
        await use.finished(lambda use: use.acknowledged, 15)

    async def rows(self, *tables: str) -> dict[str, Rows]:
        """What the store has once all that was done has reached it, without times, ids and milliseconds."""
        async with asyncio.timeout(10):
            found, quiet = dict[str, list[dict[str, object]]](), 0
            while quiet < _QUIET_LOOKS:
                # SQLite tells nobody that a row has come, and nobody that what is not waited for has been done.
                await asyncio.sleep(0.05)
                found = {table: local_rows.rows(self._store, table) for table in tables}
                quiet = quiet + 1 if self._is_settled(found) else 0
        return {
            table: [tuple(row[name] for name in _KEPT[table]) for row in sorted(rows, key=_order)]
            for table, rows in found.items()
        }

    def wrong_plays(self) -> list[str]:
        """What of the plays' rows, oldest first, is not what was asked for, sent and ended."""
        rows = sorted(local_rows.rows(self._store, "music_history"), key=_order)
        sent = {str(play.user_data["play_id"]): play for play in self._world.lavalink.account.plays}
        found = [f"{row}: nothing of the kind was sent" for row in rows if row["event_id"] not in sent]
        found += [
            f"no row: {play}" for play_id, play in sent.items() if play_id not in {row["event_id"] for row in rows}
        ]
        asked = iter(self._asked)
        for row in rows:
            play = sent.get(str(row["event_id"]))
            # A stop empties the queue, so some are never heard; the others are heard in their order.
            if (row["track_title"], row["requested_by"]) not in asked:
                found.append(f"{row}: nobody asked for it in this order")
            if play is None:
                continue
            if play.title != row["track_title"] or abs(play.heard_ms - _int(row["played_ms"])) > _HEARD_MS:
                found.append(f"{row}: {play}")
            if row["end_reason"] not in self._ended[str(row["event_id"])]:
                found.append(f"{row}: ended by what gives {self._ended[str(row['event_id'])]}")
        return found

    @property
    def _store(self) -> Path:
        return Path(self._town.environment["DATA_DIR"]) / "bot.db"

    def _is_settled(self, found: dict[str, list[dict[str, object]]]) -> bool:
        """Whether nothing is open that is over, and a session is what Lavalink plays."""
        playing = [player for player in self._world.lavalink.players() if player.current is not None]
        plays = [row for row in found.get("music_history", []) if row["ended_at"] is None]
        sessions = [(row["track_title"], bool(row["is_playing"])) for row in found.get("active_sessions", [])]
        return (
            not any(row["status"] == "open" for row in found.get("gemini_usage", []))
            and ("music_history" not in found or len(plays) == len(playing))
            and (
                "active_sessions" not in found
                or sessions == [(player.current.info.title, not player.paused) for player in playing if player.current]
            )
        )


def _is_answered(use: Interaction) -> bool:
    return any("that is all I know" in message.text for message in use.messages)


def _int(value: object) -> int:
    assert isinstance(value, int), value
    return value


def _order(row: dict[str, object]) -> str:
    return str(row.get("created_at", row.get("guild_id")))


async def lived(folder: Path, script: list[Action], **world: Any) -> dict[str, Rows]:
    """The rows after a script, in a world of this kind."""
    folder.mkdir()
    music = folder / "music"
    music.mkdir()
    for title in TRACKS:
        # So long that none ends by itself.
        write_wav_tags(write_silence(music / f"{title}.wav", 600_000), title, "Nobody")
    async with World(music, supabase=False, **world) as made:
        town = Town(made, folder)
        async with town.bot:
            await town.bot.started()
            crowd = Crowd(town)
            await crowd.gather()
            for action in script:
                await crowd.do(*action)
            rows = await crowd.rows("active_sessions")
            await (await made.alice.slash("stop", {}, channel=made.general)).answered(timeout=15)
            crowd.note("stop")
            rows |= await crowd.rows("music_history", "gemini_usage")
        assert crowd.wrong_plays() == []
        town.judge()
        return rows


@pytest.mark.timeout(600)
async def test_chance_and_limits_change_no_row(tmp_path: Path, seed: int, shown: Callable[..., None]) -> None:
    script = actions(seed)
    calm = await lived(tmp_path / "calm", script, races=False, limits=False)
    harsh = await lived(tmp_path / "harsh", script, races=True, limits=True, seed=seed)
    assert harsh == calm
    assert calm["music_history"]
    shown(actions=len(script), plays=len(calm["music_history"]), questions=len(calm["gemini_usage"]))
