"""Filters: a PATCH replaces them as a whole, defaults are filled in, almost nothing is range-checked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.lavalink.errors import BadRequest, LavalinkError
from sandbox.lavalink.json_values import json_float, json_integer, json_list, json_object

EQUALIZER_BANDS = 15
# "Lavalink REST docs", with the defaults that 4.2.2 filled in.
_DEFAULTS: dict[str, dict[str, float]] = {
    "karaoke": {"level": 1.0, "monoLevel": 1.0, "filterBand": 220.0, "filterWidth": 100.0},
    "timescale": {"speed": 1.0, "pitch": 1.0, "rate": 1.0},
    "tremolo": {"frequency": 2.0, "depth": 0.5},
    "vibrato": {"frequency": 2.0, "depth": 0.5},
    "distortion": {
        "sinOffset": 0.0,
        "sinScale": 1.0,
        "cosOffset": 0.0,
        "cosScale": 1.0,
        "tanOffset": 0.0,
        "tanScale": 1.0,
        "offset": 0.0,
        "scale": 1.0,
    },
    "rotation": {"rotationHz": 0.0},
    "channelMix": {"leftToLeft": 1.0, "leftToRight": 0.0, "rightToLeft": 0.0, "rightToRight": 1.0},
    "lowPass": {"smoothing": 20.0},
}
FILTER_NAMES = ["volume", "equalizer", *_DEFAULTS]


@dataclass(frozen=True, slots=True)
class Filters:
    """A player's filters; `values` is what Lavalink shows, defaults filled in."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    speed: float = 1.0
    """Milliseconds of the track in one millisecond of sound: timescale's speed times rate."""


def parse_filters(value: object) -> Filters:
    """Read the `filters` of a PATCH; raises LavalinkError as 4.2.2 answers."""
    body = json_object(value)
    parsers: dict[str, Callable[[object], object]] = {"volume": json_float, "equalizer": _equalizer}
    values: dict[str, object] = {name: parse(body[name]) for name, parse in parsers.items() if name in body}
    if "pluginFilters" in body:
        json_object(body["pluginFilters"])
    for name, defaults in _DEFAULTS.items():
        if body.get(name) is not None:
            given = json_object(body[name])
            values[name] = {key: json_float(given.get(key, default)) for key, default in defaults.items()}
    timescale = values.get("timescale")
    return Filters(values, 1.0 if timescale is None else _speed(json_object(timescale)))


def _speed(timescale: dict[str, object]) -> float:
    speed = json_float(timescale["speed"]) * json_float(timescale["rate"])
    # Zero and less are accepted by 4.2.2; what they sound like was not seen, so they change nothing here.
    return speed if speed > 0 else 1.0


def _equalizer(value: object) -> list[dict[str, object]]:
    bands: list[dict[str, object]] = []
    for item in json_list(value):
        given = json_object(item)
        if "band" not in given:
            raise BadRequest
        band = json_integer(given["band"], bits=32)
        if not 0 <= band < EQUALIZER_BANDS:
            fault = f"Index {band} out of bounds for length {EQUALIZER_BANDS}"
            raise LavalinkError(500, f"Request processing failed: java.lang.ArrayIndexOutOfBoundsException: {fault}")
        bands.append({"band": band, "gain": json_float(given.get("gain", 1.0))})
    return bands
