"""A network that repeats, delays and reorders, and people who interfere: what may befall the rows on their way."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from psycopg.rows import TupleRow

from tests.migrations.calls import KEYS, item, upsert_statement

CONTENT = {
    "music_history": "track_title",
    "gemini_usage": "model",
    "bot_logs": "message",
    "system_stats": "ram_rss",
    "bot_state": "value",
}
GUILD = st.integers(0, 2)
KEY = st.integers(0, 1)
AHEAD = st.integers(0, 3)
OLD_BOT = """
insert into public.active_sessions (guild_id, track_title, position_ms, duration_ms, is_playing)
values (%s, %s, 0, 1, true)
on conflict (guild_id) do update set guild_id = excluded.guild_id, track_title = excluded.track_title,
    position_ms = excluded.position_ms, duration_ms = excluded.duration_ms, is_playing = excluded.is_playing
"""

Sync = psycopg.Connection[TupleRow]
serial = count(1)


@dataclass(frozen=True)
class Version:
    """One version of a row on its way; `content` is None where it deletes the session."""

    table: str
    key: str
    revision: int
    content: int | None
    stamped: bool = True
    """Whether its `updated_at` is recent."""


class Adversary(RuleBasedStateMachine):
    """Two stores make versions, the network delivers any of them at any time, people and older bots interfere.

    `there` is what the database has to have: what is written here is the rule, independently of the SQL.
    """

    def __init__(self, connection: Sync, taken: Counter[str]) -> None:
        super().__init__()
        self.connection = connection
        self.taken = taken
        # Keys of this run alone, so that nothing has to be cleared between runs.
        run = next(serial)
        self.guilds = [f"{run}-{number}" for number in range(3)]
        self.keys = [str(uuid.UUID(int=run * 10 + number)) for number in range(2)]
        self.clocks = [0, 1]
        self.made: list[Version] = []
        self.there: dict[tuple[str, str], tuple[int, int]] = {}
        self.claimed: dict[str, int] = {}
        self.stale: set[str] = set()
        self.touched: set[tuple[str, str]] = set()

    sessions = Bundle("sessions")
    rows = Bundle("rows")

    def version(self, table: str, key: str, store: int, ahead: int, **more: Any) -> Version:
        # The last bit is the store's, so that no two versions have the same revision.
        self.clocks[store] += 2 * (ahead + 1)
        contents: dict[str, Any] = {"content": next(serial)}
        made = Version(table, key, self.clocks[store], **(contents | more))
        self.made.append(made)
        return made

    @rule(
        target=sessions, guild=GUILD, store=st.integers(0, 1), ahead=AHEAD, stops=st.booleans(), stamped=st.booleans()
    )
    def a_session_changes(self, guild: int, store: int, ahead: int, stops: bool, stamped: bool) -> Version:
        more: dict[str, Any] = {"content": None} if stops else {}
        return self.version("active_sessions", self.guilds[guild], store, ahead, stamped=stamped, **more)

    @rule(target=rows, table=st.sampled_from(sorted(KEYS)), key=KEY, store=st.integers(0, 1), ahead=AHEAD)
    def a_row_changes(self, table: str, key: int, store: int, ahead: int) -> Version:
        return self.version(table, self.keys[key], store, ahead)

    @rule(batch=st.lists(sessions, min_size=1, max_size=6))
    def sessions_arrive(self, batch: list[Version]) -> None:
        expected: set[tuple[str, int, bool]] = set()
        for guild in {version.key for version in batch}:
            newest = max((version for version in batch if version.key == guild), key=lambda version: version.revision)
            applied = newest.revision > self.claimed.get(guild, -1)
            if applied:
                self.claimed[guild] = newest.revision
                self.touched.discard(("active_sessions", guild))
                self.put(newest)
            expected.add((guild, self.claimed[guild], applied))
        items = [
            item(
                version.revision,
                guild_id=version.key,
                deleted=version.content is None,
                track_title=str(version.content),
                updated_at="infinity" if version.stamped else "2020-01-01T00:00:00Z",
            )
            for version in batch
        ]
        answer = self.connection.execute("select * from public.apply_sessions(%s)", [json.dumps(items)])
        assert set(answer.fetchall()) == expected

    @rule(batch=st.lists(rows, min_size=1, max_size=6))
    def rows_arrive(self, batch: list[Version]) -> None:
        for table in {version.table for version in batch}:
            # A request has each key once, sorted.
            once = {version.key: version for version in batch if version.table == table}
            for version in once.values():
                if version.revision > self.there.get((table, version.key), (-1, 0))[0]:
                    self.touched.discard((table, version.key))
                    self.put(version)
                elif version.revision == self.there[table, version.key][0]:
                    # The same revision is an edit by hand, and so is what undoes one.
                    self.put(version)
            columns = (KEYS[table], "revision", CONTENT[table])
            payload = [
                dict(zip(columns, (version.key, version.revision, version.content), strict=True))
                for _, version in sorted(once.items())
            ]
            self.connection.execute(upsert_statement(table, columns), [json.dumps(payload)])

    @rule(guild=GUILD)
    def an_older_bot_upserts_a_session(self, guild: int) -> None:
        """It knows no revision: beside ours it edits the row, without ours it makes one that anything supersedes."""
        key, title = self.guilds[guild], next(serial)
        known = ("active_sessions", key) in self.there
        self.connection.execute(OLD_BOT, [key, str(title)])
        revision = self.there["active_sessions", key][0] if known else 0
        self.touch(Version("active_sessions", key, revision, title, stamped=key not in self.stale if known else True))

    @rule(guild=GUILD)
    def an_older_bot_deletes_a_session(self, guild: int) -> None:
        key = self.guilds[guild]
        self.connection.execute("delete from public.active_sessions where guild_id = %s", [key])
        self.touch(Version("active_sessions", key, 0, None))

    @rule(table=st.sampled_from(sorted(KEYS)), key=KEY)
    def a_row_is_edited_by_hand(self, table: str, key: int) -> None:
        place, value = (table, self.keys[key]), next(serial)
        self.connection.execute(
            f"update public.{table} set {CONTENT[table]} = %s where {KEYS[table]} = %s".encode(),
            [str(value), place[1]],
        )
        if place in self.there:
            self.touch(Version(*place, self.there[place][0], value))

    @rule()
    def the_sweep_runs(self) -> None:
        self.connection.execute("select public.sweep_sessions()")
        for guild in sorted(self.stale):
            self.touch(Version("active_sessions", guild, 0, None))

    @invariant()
    def the_database_has_what_it_should(self) -> None:
        self.taken["steps"] += 1
        assert self.found() == self.there

    def teardown(self) -> None:
        """Whatever is still on its way arrives, the newest first; then the newest is what is there."""
        newest: dict[tuple[str, str], Version] = {}
        for version in sorted(self.made, key=lambda version: -version.revision):
            newest.setdefault((version.table, version.key), version)
            arrive = self.sessions_arrive if version.table == "active_sessions" else self.rows_arrive
            arrive([version])
        assert self.found() == self.there
        for place, version in newest.items():
            if place not in self.touched:
                right = None if version.content is None else (version.revision, version.content)
                assert self.there.get(place) == right
                self.taken["settled"] += 1

    def put(self, version: Version) -> None:
        place = (version.table, version.key)
        self.stale.discard(version.key)
        if version.content is None:
            self.there.pop(place, None)
        else:
            self.there[place] = (version.revision, version.content)
            if version.table == "active_sessions" and not version.stamped:
                self.stale.add(version.key)

    def touch(self, version: Version) -> None:
        """Somebody else than our bots wrote this, so that the newest version need not be what is there."""
        self.touched.add((version.table, version.key))
        self.put(version)

    def found(self) -> dict[tuple[str, str], tuple[int, int]]:
        parts = ["select 'active_sessions', guild_id, revision, track_title from public.active_sessions"]
        parts += [
            f"select '{table}', {key}::text, revision, {CONTENT[table]}::text from public.{table}"
            for table, key in KEYS.items()
        ]
        rows = self.connection.execute(" union all ".join(parts).encode()).fetchall()
        ours = {*self.guilds, *self.keys}
        return {(table, key): (revision, int(content)) for table, key, revision, content in rows if key in ours}
