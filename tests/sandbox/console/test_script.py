"""Scripts: how they are read, and what a line that fails comes to."""

from __future__ import annotations

import asyncio
import inspect
import io
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from sandbox.console import conditions, script, verbs
from sandbox.console.faults import FAULTS, Fault
from sandbox.console.main import TOUR
from sandbox.console.prompt import help_table
from sandbox.console.session import Session
from sandbox.discord import DiscordStandIn
from sandbox.gemini import GeminiStandIn
from sandbox.lavalink import LavalinkStandIn
from sandbox.real_lavalink import RealLavalink
from sandbox.supabase import Supabase


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.console.expectations.DEADLINE", 0.0)


def lines(*texts: str) -> list[script.Line]:
    return [script.Line(number, text) for number, text in enumerate(texts, start=1)]


def keep(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("CREATE TABLE music_history (track_title, end_reason, played_ms, deleted)")
        store.executemany("INSERT INTO music_history VALUES (?, ?, ?, ?)", rows)


def test_empty_lines_are_no_lines_but_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a script.txt"
    path.write_text("say one\n\n  /play morning  \nsay #1 is best\n")
    assert [(line.number, line.text) for line in script.read(path)] == [
        (1, "say one"),
        (3, "/play morning"),
        (4, "say #1 is best"),
    ]


async def test_comments_are_headings_and_do_nothing(session: Session, printed: io.StringIO) -> None:
    outcome = await script.run(session, lines("# Those who listen", "# have a say.", "as bob"))
    assert (outcome.exit_code, outcome.held) == (0, 0)
    assert printed.getvalue().startswith("\n# Those who listen\n# have a say.\nalice> as bob\n")


async def test_a_script_whose_expectations_hold_exits_0(session: Session) -> None:
    outcome = await script.run(session, lines("expect player none", "wait 0 player none"))
    assert (outcome.exit_code, outcome.held) == (0, 2)


async def test_a_failed_expectation_exits_1_and_names_line_expected_and_seen(
    session: Session, printed: io.StringIO
) -> None:
    outcome = await script.run(session, lines("expect player none", "expect player playing", "as bob"))
    assert outcome.exit_code == 1
    assert outcome.failed == ["line 2: expect player playing"]
    assert "line 2: expect player playing" in printed.getvalue()
    assert "expected player playing" in printed.getvalue()
    assert "seen no track" in printed.getvalue()
    assert session.member.name == "bob", "the lines after a failed one are done too"


@pytest.mark.parametrize(
    "line",
    [
        "expect the best",
        "wait soon player none",
        "click play",
        "hello",
        "/play x",
        "down the stairs",
        "as nobody",
        "as",
        "/",
        "/play",
        "slow lavalink",
        "slow lavalink -1",
        "slow lavalink nan",
        "slow lavalink inf",
        "slow lavalink 1 seed=x",
        "down",
        "down discord seed=1",
        "up discord and running",
        "ratelimit discord many",
        "ratelimit discord 0",
        "shared-limit gemini",
        "drop-event discord",
        "drop-event discord NOTHING_LIKE_IT",
        "drop-event gemini MESSAGE_CREATE",
        "halfopen nothing",
        "log -3",
        "log all",
        "rows",
        "rows nothing",
        'expect "unclosed',
        "expect row",
        "expect row music_history played_ms>much",
        "expect player position>",
        "expect player positioned",
        "wait nan player none",
        "wait -1 player none",
    ],
)
async def test_a_line_that_cannot_be_done_fails_in_words(session: Session, printed: io.StringIO, line: str) -> None:
    outcome = await script.run(session, lines(line))
    assert outcome.failed == [f"line 1: {line}"]
    assert not any(word in printed.getvalue() for word in ("convert", "literal", "unpack", "Traceback"))


@pytest.mark.parametrize(
    "fault",
    ["slow discord 2.5", "slow discord 9 seed=1", "ratelimit discord 9", "shared-limit discord", "halfopen discord"],
)
async def test_up_ends_every_fault(session: Session, fault: str) -> None:
    outcome = await script.run(session, lines(fault, "up discord"))
    assert outcome.failed == []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with aiohttp.ClientSession() as http, http.get(f"{session.world.discord.api_url}/gateway") as answer:
        assert answer.status == 200
        assert loop.time() - begun < 2


async def test_a_fault_strikes_as_its_line_says(session: Session) -> None:
    outcome = await script.run(session, lines("ratelimit discord 2", "reset discord seed=3"))
    assert outcome.failed == []
    async with aiohttp.ClientSession() as http:
        answers = [await http.get(f"{session.world.discord.api_url}/gateway") for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]


async def test_every_fault_is_in_the_help_with_its_seed_and_its_services(session: Session) -> None:
    table = io.StringIO()
    Console(file=table, width=200).print(help_table(session))
    for fault in FAULTS:
        (line,) = [line for line in table.getvalue().splitlines() if f" {fault.name} {fault.arguments}" in line]
        named = line.rpartition(" — ")[2].rstrip()
        whose = {"drop-event": "discord, lavalink", "shared-limit": "discord"}
        assert named == whose.get(fault.name, "discord, lavalink, gemini")
        assert "seed" in line
    assert "chance decides" in table.getvalue()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize(
    "stand_in", [DiscordStandIn, LavalinkStandIn, GeminiStandIn, Supabase, RealLavalink], ids=lambda kind: kind.__name__
)
def test_every_stand_in_has_every_fault_with_a_seed_where_there_is_chance(stand_in: type[object], fault: Fault) -> None:
    method = getattr(stand_in, fault.name.replace("-", "_"), None)
    only = {"drop-event": (DiscordStandIn, LavalinkStandIn, RealLavalink), "shared-limit": (DiscordStandIn,)}
    if stand_in not in only.get(fault.name, (stand_in,)):
        assert method is None, fault.absent
        return
    assert method is not None
    assert ("seed" in inspect.signature(method).parameters) == (fault.name not in ("down", "up"))


async def test_a_fault_that_a_service_cannot_have_is_refused_with_the_reason(
    session: Session, printed: io.StringIO
) -> None:
    await script.run(session, lines("drop-event gemini MESSAGE_CREATE", "down lavalink seed=4"))
    said = " ".join(printed.getvalue().split())
    assert "there is no drop-event for gemini: it sends no events (there is: discord, lavalink)" in said
    assert "chance has no part in down lavalink: it takes no seed" in said


async def test_rows_are_shown_with_the_columns_that_were_asked_for(session: Session, printed: io.StringIO) -> None:
    keep(session.store, [("Morning Light", "skipped", 1234, 0)])
    await script.run(session, lines("rows music_history track_title played_ms", "rows music_history title"))
    assert "Morning Light" in printed.getvalue()
    assert "1234" in printed.getvalue()
    assert "end_reason" not in printed.getvalue().partition("line 2")[0]
    assert "there is no column title" in printed.getvalue()


async def test_what_needs_supabase_is_skipped_in_plain_sight(
    session: Session, printed: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUIRE_REAL", raising=False)
    outcome = await script.run(session, lines("expect remote music_history", "rows remote bot_logs", "down supabase"))
    assert (outcome.skipped, outcome.exit_code) == (3, 0)
    assert printed.getvalue().count("SKIPPED") == 3


async def test_where_the_real_parts_are_required_such_a_line_fails(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_REAL", "1")
    outcome = await script.run(session, lines("wait 5 no remote active_sessions"))
    assert outcome.exit_code == 1


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("row music_history", True),
        ("row music_history track_title~Morning end_reason=skipped", True),
        ('row music_history "track_title=Morning Light"', True),
        ("row music_history played_ms>900 played_ms<1100", True),
        ("row music_history played_ms>1000", False),
        ("row music_history end_reason=null", True),
        ("row music_history end_reason!=skipped end_reason!=null", False),
        ("no row music_history end_reason=lost", True),
        ("no row music_history end_reason=skipped", False),
        ("row music_history track_title=Deleted", False),
    ],
)
async def test_rows_are_compared_by_column(session: Session, condition: str, holds: bool) -> None:
    keep(
        session.store,
        [("Morning Light", "skipped", 1000, 0), ("Night", None, None, 0), ("Deleted", None, 0, 1)],
    )
    if holds:
        await conditions.until_holds(session, condition, 0)
    else:
        with pytest.raises(conditions.FailedError):
            await conditions.until_holds(session, condition, 0)


async def test_a_misspelt_table_or_column_is_named(session: Session) -> None:
    keep(session.store, [("Morning Light", None, 0, 0)])
    with pytest.raises(ValueError, match=r"no table history.*music_history"):
        await conditions.until_holds(session, "row history", 0)
    with pytest.raises(ValueError, match=r"no column title.*track_title"):
        await conditions.until_holds(session, "row music_history title=x", 0)


def test_every_line_of_the_tour_is_known() -> None:
    for line in script.read(TOUR):
        if line.is_comment:
            continue
        word, _, argument = line.text.partition(" ")
        assert word in verbs.VERBS or word[0] in "/@", line
        if word in ("expect", "wait"):
            conditions.parse(argument if word == "expect" else argument.partition(" ")[2])


async def test_what_discord_could_not_take_fails_the_script_in_words(session: Session, printed: io.StringIO) -> None:
    discord = session.world.discord
    headers = {"Authorization": f"Bot {discord.token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        await http.get(f"{discord.api_url}/users/@me/wishes")
        await http.post(f"{discord.api_url}/channels/{session.world.general.id}/messages", json={})
    outcome = await script.run(session, lines("join #music"))
    assert outcome.exit_code == 1
    for sentence in ("GET /users/@me/wishes: 404", "Cannot send an empty message"):
        assert sentence in printed.getvalue()
