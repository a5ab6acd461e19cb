"""The body of a player's PATCH, read and checked as 4.2.2 does. A field that is absent is UNSET."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from sandbox.lavalink.errors import BadRequest
from sandbox.lavalink.filters import Filters, parse_filters
from sandbox.lavalink.json_values import json_boolean, json_integer, json_object, json_string
from sandbox.lavalink.voice import VoiceState, parse_voice


class _Unset(Enum):
    UNSET = "unset"


UNSET: Final = _Unset.UNSET
Unset: TypeAlias = Literal[_Unset.UNSET]

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class PlayerPatch:
    """What a PATCH asks for; times in ms, volume not clamped yet. `encoded` None means stop."""

    encoded: str | Unset | None = UNSET
    identifier: str | Unset = UNSET
    user_data: dict[str, object] | Unset = UNSET
    position: int | Unset = UNSET
    end_time: int | Unset | None = UNSET
    volume: int | Unset = UNSET
    paused: bool | Unset = UNSET
    filters: Filters | Unset = UNSET
    voice: VoiceState | Unset = UNSET

    @property
    def has_track(self) -> bool:
        """Whether it plays or stops something."""
        return self.encoded is not UNSET or self.identifier is not UNSET


def given(value: _Value | Unset, default: _Value) -> _Value:
    """The value, or the default when it is absent."""
    return default if value is UNSET else value


def parse_player_patch(value: object) -> PlayerPatch:
    """Read the body; raises LavalinkError. Unknown fields are ignored."""
    body = json_object(value)
    track = json_object(body["track"]) if "track" in body else {}
    # The two fields outside `track` are the deprecated form of those in it.
    names = {"encodedTrack": "encoded", "identifier": "identifier"}
    outside = {new: body[old] for old, new in names.items() if old in body}
    if "track" in body and outside:
        raise BadRequest("Cannot specify both track and encodedTrack/identifier")
    chosen = {**track, **outside}
    if "encoded" in chosen and "identifier" in chosen:
        raise BadRequest("Cannot specify both encodedTrack and identifier")
    return PlayerPatch(
        encoded=_nullable_string(chosen["encoded"]) if "encoded" in chosen else UNSET,
        identifier=json_string(chosen["identifier"]) if "identifier" in chosen else UNSET,
        user_data=json_object(track["userData"]) if "userData" in track else UNSET,
        position=json_integer(body["position"], bits=64) if "position" in body else UNSET,
        end_time=_end_time(body["endTime"]) if "endTime" in body else UNSET,
        volume=json_integer(body["volume"], bits=32) if "volume" in body else UNSET,
        paused=json_boolean(body["paused"]) if "paused" in body else UNSET,
        filters=parse_filters(body["filters"]) if "filters" in body else UNSET,
        voice=parse_voice(body["voice"]) if "voice" in body else UNSET,
    )


def _nullable_string(value: object) -> str | None:
    return None if value is None else json_string(value)


def _end_time(value: object) -> int | None:
    if value is None:
        return None
    end_time = json_integer(value, bits=64)
    if end_time <= 0:
        raise BadRequest("End time must be greater than 0")
    return end_time
