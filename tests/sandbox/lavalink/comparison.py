"""How what came from the stand-in is held against what a real server sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from tests.sandbox.lavalink.digest import Step, message_values, shape_of, values_of

# An mp3 decoder took up to a tenth of a second for its first frame, and a request some milliseconds.
POSITION_MS = 300
_TIME_S = 0.5
_SEEK_S = 0.1
_MOMENT_S = 0.05


class Circumstances:
    """What excuses a position or a moment: tracks that fail otherwise, and seeks, which are carried out late."""

    def __init__(self) -> None:
        self.faulty: set[str] = set()
        """Guilds that played a track for which the stand-in has one of its own."""
        self.seeks: dict[str, list[float]] = {}
        """Seconds of the seeks of a guild."""

    def excuse_position(self, guild: str, seconds: float) -> bool:
        """Whether the position may be another one at that moment."""
        return guild in self.faulty or any(abs(seconds - at) < _SEEK_S for at in self.seeks.get(guild, ()))


def answer_differences(
    expected: dict[str, Any], shape: Any, answer: Any, *, any_position: bool, any_title: bool
) -> list[str]:
    """What is different in a REST answer of the right status."""
    got_shape = "text" if isinstance(answer, str) else shape_of(answer)
    found = [] if got_shape == shape else [f"{got_shape}, a real one {shape}"]
    got = {} if isinstance(answer, str) else values_of(answer)
    expected = {name: value for name, value in expected.items() if name != "Allow"}
    if "state" in expected and "state" in got and (any_position or _near_position(expected, got)):
        expected, got = expected | {"state": expected["state"][1:]}, got | {"state": got["state"][1:]}
    if any_title:
        expected, got = untitled(expected), untitled(got)
    names = sorted(expected.keys() | got.keys())
    found += [
        f"{name} {got.get(name)}, a real one {expected.get(name)}"
        for name in names
        if got.get(name) != expected.get(name)
    ]
    return found


def error_differences(path: str, status: int, answer: Any) -> list[str]:
    """What is otherwise in an error's body than in all that were recorded; `path` is the request's."""
    if not isinstance(answer, dict) or "timestamp" not in answer:
        return []
    told = [answer.get(name) for name in ("status", "error", "path")]
    usual = [status, HTTPStatus(status).phrase, path.partition("?")[0]]
    return [] if told == usual else [f"{told}, a real one {usual}"]


def untitled(values: dict[str, Any]) -> dict[str, Any]:
    """The same without what a file tells of itself."""
    return values | ({"track": values["track"][-1]} if "track" in values else {})


def message_differences(
    expected: list[Step],
    received: list[tuple[float, Any]],
    shapes: list[Any],
    excuses: Circumstances,
    aborted: float | None,
) -> list[str]:
    """What is different in what one connection brought.

    Fixed are the order of a guild's events, the order of its playerUpdates, how many there are, when and with
    which position; whether an update comes before or after an event of the same moment is left to chance.
    Updates of the last moment before the client dropped the connection, at `aborted`, may be lost.
    """
    wanted = [(step[1], step[3], step[4], shapes[step[5]], step[6]) for step in expected]
    got = [
        (at, one.get("type", one["op"]), one.get("guildId"), shape_of(one), message_values(one)) for at, one in received
    ]
    if aborted is not None:
        wanted, got = (
            [one for one in many if one[1] != "playerUpdate" or one[0] < aborted - _MOMENT_S] for many in (wanted, got)
        )
    found: list[str] = []
    for guild in {one[2] for one in (*wanted, *got)}:
        for kind in ("playerUpdate", "stats", "event"):
            ours, theirs = (
                [one for one in many if one[2] == guild and _kind(one[1]) == kind] for many in (got, wanted)
            )
            if [one[1] for one in ours] != [one[1] for one in theirs]:
                found.append(f"guild {guild}: {_brief(ours)}, a real one {_brief(theirs)}")
                continue
            for one, real in zip(ours, theirs, strict=True):
                found += _difference(one, real, excuses)
    if wanted and wanted[0][4].get("resumed"):
        ours, theirs = _resumed_order(got), _resumed_order(wanted)
        found += [] if ours == theirs else [f"after the resume {ours}, a real one {theirs}"]
    return found


def _difference(one: Any, real: Any, excuses: Circumstances) -> list[str]:
    at, name, guild, shape, values = one
    real_at, _, _, real_shape, real_values = real
    where = f"{name} of guild {guild} at {real_at:.2f} s"
    found = [] if shape == real_shape else [f"{where}: {shape}, a real one {real_shape}"]
    if guild not in excuses.faulty and abs(at - real_at) > _TIME_S:
        found.append(f"{where}: at {at:.2f} s")
    if "state" in values and (excuses.excuse_position(guild, at) or _near_position(real_values, values)):
        values, real_values = {"state": values["state"][1:]}, {"state": real_values["state"][1:]}
    if guild in excuses.faulty:
        values, real_values = untitled(values), untitled(real_values)
    if values != real_values:
        found.append(f"{where}: {values}, a real one {real_values}")
    return found


def _kind(name: str) -> str:
    return name if name in ("playerUpdate", "stats") else "event"


def _near_position(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return abs(one["state"][0] - other["state"][0]) <= POSITION_MS


def _resumed_order(messages: list[Any]) -> list[str]:
    """Ready, the queued events, one playerUpdate a player; in what order the players come is left to chance."""
    return [name for at, name, *_ in messages if at - messages[0][0] < 0.1]


def _brief(messages: list[Any]) -> str:
    return ", ".join(f"{name}@{at:.2f}" for at, name, *_ in messages)
