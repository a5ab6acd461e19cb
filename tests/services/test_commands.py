"""Whatever stands in a row of `command_queue`, it is an order that can be carried out or a fault in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.commands import KNOWN, PLAIN, BadCommand, Order, Outcome, Seek, Volume, read_order

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
GUILDS = st.integers(1, 10**20 - 1).map(str)
FIELDS = st.fixed_dictionaries({}, optional={"guild_id": GUILDS | JSON, "position_ms": JSON, "level": JSON})


@given(st.sampled_from(PLAIN), GUILDS, st.dictionaries(st.text(), JSON))
def test_a_guild_is_all_that_most_commands_need(command: str, guild_id: str, more: dict[str, object]) -> None:
    assert read_order(command, more | {"guild_id": guild_id}) == Order(guild_id, command)  # pyright: ignore[reportArgumentType] - sampled from PLAIN


@given(GUILDS, st.integers(0))
def test_a_place_and_a_level_are_whole_numbers(guild_id: str, number: int) -> None:
    assert read_order("seek", {"guild_id": guild_id, "position_ms": number}) == Order(guild_id, Seek(number))
    assert read_order("volume", {"guild_id": guild_id, "level": number}) == Order(guild_id, Volume(number))


@given(st.sampled_from(KNOWN) | JSON, FIELDS | JSON)
def test_anything_else_is_refused_in_words_of_both_languages(command: object, payload: object) -> None:
    try:
        order = read_order(command, payload)
    except BadCommand as fault:
        english, japanese = fault.text("en"), fault.text("ja")
        assert english
        assert english != japanese
        error = Outcome.of_fault("1", fault).error
        assert error == f"{english} / {japanese}"
        # What strangers wrote is not handed back to whoever shows the reason.
        assert len(f"{error}") < 300
    else:
        assert isinstance(payload, dict)
        assert payload["guild_id"] == order.guild_id
        assert order.guild_id.isascii()
        assert order.guild_id.isdecimal()
        assert command in KNOWN


@pytest.mark.parametrize(
    ("command", "payload", "said"),
    [
        ("pause", None, "payload must be an object"),
        ("pause", [], "payload must be an object"),
        ("pause", '{"guild_id": "5"}', "payload must be an object"),
        ("pause", {}, "guild_id must be"),
        ("pause", {"guild_id": 5}, "guild_id must be"),
        ("pause", {"guild_id": True}, "guild_id must be"),
        ("pause", {"guild_id": "0"}, "guild_id must be"),
        ("pause", {"guild_id": "5\n"}, "guild_id must be"),
        ("pause", {"guild_id": "５"}, "guild_id must be"),
        ("pause", {"guild_id": "9" * 21}, "guild_id must be"),
        ("PAUSE", {"guild_id": "5"}, "no such command"),
        (None, {"guild_id": "5"}, "no such command"),
        ("'; drop table command_queue; --", {"guild_id": "5"}, "no such command"),
        ("seek", {"guild_id": "5"}, "position_ms must be"),
        ("seek", {"guild_id": "5", "position_ms": "1000"}, "position_ms must be"),
        ("seek", {"guild_id": "5", "position_ms": 1000.5}, "position_ms must be"),
        ("seek", {"guild_id": "5", "position_ms": -1}, "position_ms must be"),
        ("seek", {"guild_id": "5", "position_ms": True}, "position_ms must be"),
        ("volume", {"guild_id": "5", "level": None}, "level must be"),
    ],
)
def test_what_is_wrong_is_named(command: object, payload: object, said: str) -> None:
    with pytest.raises(BadCommand) as refusal:
        read_order(command, payload)
    assert said in refusal.value.text("en")
