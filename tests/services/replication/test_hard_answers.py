"""Answers that only look like success, or like somebody's fault: nothing is taken for written that was not."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from sandbox.supabase import Supabase
from services.recorder import Recorder
from services.replication import Replicator
from services.replication.faults import NotSupabase, Paused, Refused, RemoteFault, TooSlow, Transient, fault_of
from services.replication.http_time import LONGEST_WISH
from services.replication.remote import Remote
from services.replication.retry import RETRY_FACT
from services.rows import Play, State
from services.store import Store
from services.store.books import read_books
from services.store.clock import LIMIT
from services.store.tables import TABLE_OF
from tests.samples import entry, play, session, usage
from tests.services.replication.drained import BEGINNING, drained

HISTORY = TABLE_OF[Play]


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, "<html>Please log in to the hotel's network</html>", {"Content-Type": "text/html"}),
        (201, '{"ok": true}', {"Content-Type": "application/json"}),
        (200, "[]", {"Content-Type": "application/json"}),
        (301, "", {"Location": "https://example.com/"}),
        (308, "<html>moved</html>", {"Location": "https://example.com/", "Content-Type": "text/html"}),
        (404, "<html>no such page</html>", {"Content-Type": "text/html"}),
        (200, "", {}),
        (201, "", {"Content-Range": "*/*"}),
        (204, "", {}),
    ],
)
async def test_what_is_no_answer_of_postgrests_delivers_nothing_and_is_named(
    store: Store, supabase: Supabase, status: int, body: str, headers: dict[str, str]
) -> None:
    supabase.answer(status, body, headers)
    async with Replicator(store, supabase.url, supabase.service_role_key) as replicator:
        recorder = Recorder(store)
        recorder.record(session("5"))
        recorder.record(play())
        await supabase.until(lambda: replicator.lanes[HISTORY].paused is not None and replicator.catching_up)
        assert all("SUPABASE_URL" in reason for reason in replicator.paused)
        books = await store.read(read_books)
        assert books["active_sessions"].waiting == 1
        assert (books["music_history"].waiting, books["music_history"].set_aside) == (1, 0)
        await supabase.up()
        await drained(store)
        assert replicator.paused == []
    assert len(await supabase.rows("active_sessions")) == len(await supabase.rows("music_history")) == 1


async def test_a_write_that_changes_nothing_is_an_answer_too(supabase: Supabase) -> None:
    """What was written before an answer was lost, or is older than what is there, is acknowledged by PostgREST."""
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    item = {"key": "k", "value": {}, "revision": 7}
    for revision in (7, 7, 6):
        await remote.upsert("bot_state", [item | {"revision": revision}], "key")
    await remote.forget_revision("no such guild")
    await remote.aclose()


async def test_an_address_below_the_projects_is_named(store: Store, supabase: Supabase) -> None:
    async with Replicator(store, f"{supabase.url}/dashboard", supabase.service_role_key) as replicator:
        Recorder(store).record(play())
        await supabase.until(lambda: bool(replicator.paused))
        assert "SUPABASE_URL" in replicator.paused[0]
    assert (await store.read(read_books))["music_history"].waiting == 1


async def test_a_table_that_is_missing_is_named_whatever_the_write_was_told(supabase: Supabase) -> None:
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    await supabase.execute("alter table public.bot_state rename to elsewhere; notify pgrst, 'reload schema'")
    item = {"key": "k", "value": {}, "revision": 7}

    async def is_told_by_a_read() -> bool:
        # Until PostgREST has read the schema again a write is told why; from then on it is told `{}`, and a read why.
        with pytest.raises(Paused, match="migration"):
            await remote.upsert("bot_state", [item], "key")
        return supabase.requests[-1].method == "GET"

    await supabase.until(is_told_by_a_read)
    await remote.aclose()


@pytest.mark.parametrize(
    ("status", "code", "kind", "word"),
    [
        (401, "PGRST301", Paused, "refuses the key"),
        (401, None, Paused, "refuses the key"),
        (403, "42501", Paused, "service role key"),
        (402, None, Paused, "plan is full"),
        (405, "25006", Paused, "plan is full"),
        (540, None, Paused, "dashboard"),
        (404, "PGRST205", Paused, "migration"),
        (400, "PGRST204", Paused, "migration"),
        (404, None, NotSupabase, "SUPABASE_URL"),
        (307, None, NotSupabase, "SUPABASE_URL"),
        (413, None, Refused, ""),
        (400, "22P05", Refused, ""),
        (409, "23505", Refused, ""),
        (500, "21000", Refused, ""),
        (500, "57014", TooSlow, ""),
        (500, "40P01", Transient, ""),
        (503, "53300", Transient, ""),
        (429, None, Transient, ""),
        (None, None, Transient, ""),
        (400, "P0001", Paused, ""),
    ],
)
def test_each_answer_has_its_consequence(
    status: int | None, code: str | None, kind: type[RemoteFault], word: str
) -> None:
    fault = fault_of(status, code, "said", "bot_logs", None)
    assert type(fault) is kind
    assert word in str(fault)


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        ("2", 2.0),
        ("999999999999", LONGEST_WISH),
        ("9" * 400, LONGEST_WISH),
        ("Wed, 21 Oct 2999 07:28:00 GMT", LONGEST_WISH),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("²", None),
        ("soon", None),
        ("-1", None),
    ],
)
async def test_a_wish_to_wait_is_heard_within_reason(supabase: Supabase, header: str, wish: float | None) -> None:
    supabase.answer(429, "slow down", {"Retry-After": header})
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    with pytest.raises(Transient) as caught:
        await remote.highest_revision("bot_state")
    assert caught.value.retry_after == wish
    await remote.aclose()


@pytest.mark.parametrize("url", ["http://a..b", "http://-", "http://xn--a", "http://127.0.0.1:1", "http://[::1]:1/x/"])
async def test_a_url_that_leads_nowhere_is_said_and_the_bot_runs(store: Store, url: str) -> None:
    async with Replicator(store, url, "key") as replicator:
        Recorder(store).record(play())
        async with asyncio.timeout(15):
            while not (replicator.paused or replicator.failing):
                await asyncio.sleep(0.02)
    assert (await store.read(read_books))["music_history"].waiting == 1


@pytest.mark.usefixtures("replicator")
async def test_slow_statements_get_smaller_batches_until_they_pass(store: Store, supabase: Supabase) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    timeout = '{"code": "57014", "message": "canceling statement due to statement timeout"}'
    supabase.answer(500, timeout, times=2)
    recorder = Recorder(store)
    for number in range(500):
        recorder.record(entry(f"message {number}"))
    await drained(store)
    sizes = [request.rows for request in supabase.requests if request.path == "/bot_logs"]
    assert sizes[:3] == [500, 250, 125]
    assert max(sizes[3:]) <= 250


@pytest.mark.usefixtures("replicator")
async def test_a_slow_batch_that_its_bytes_have_kept_small_is_halved_too(store: Store, supabase: Supabase) -> None:
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    timeout = '{"code": "57014", "message": "canceling statement due to statement timeout"}'
    supabase.answer(500, timeout, times=2)
    recorder = Recorder(store)
    for number in range(100):
        recorder.record(entry(f"{number:08000}"))
    await drained(store)
    sizes = [request.rows for request in supabase.requests if request.path == "/bot_logs"]
    assert sizes[0] < 50
    assert sizes[1:3] == [sizes[0] // 2, sizes[0] // 4]


async def test_an_answer_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.replication.exchange.WHOLE_SECONDS", 0.5)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        remote = await Remote.open(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key")
        with pytest.raises(TooSlow):
            await asyncio.wait_for(remote.highest_revision("bot_state"), 5)
        async with asyncio.timeout(5):
            await remote.ask_report()  # at connect everything waits for it
        await remote.aclose()


async def test_rows_that_are_all_refused_pause_the_lane_before_the_table_is_set_aside(
    store: Store, supabase: Supabase, replicator: Replicator
) -> None:
    await supabase.execute("alter table public.gemini_usage add constraint foreign_program check (model = 'theirs')")
    recorder = Recorder(store)
    for _ in range(100):
        recorder.record(usage())
    await supabase.until(lambda: bool(replicator.paused))
    assert "doctor --retry-set-aside" in replicator.paused[0]
    book = (await store.read(read_books))["gemini_usage"]
    assert (book.set_aside, book.waiting) == (20, 80)

    def delivered() -> int:
        taken = [request for request in supabase.requests if request.status == 201]
        return sum(request.rows for request in taken if request.path == "/gemini_usage")

    await supabase.execute("alter table public.gemini_usage drop constraint foreign_program")
    await drained(store)
    assert len(await supabase.rows("gemini_usage")) == 80
    assert replicator.paused == []
    # What another process does for `doctor --retry-set-aside`.
    await store.commit(lambda transaction: transaction.keep_fact(RETRY_FACT, "now"))
    await supabase.until(lambda: delivered() >= 100)
    await drained(store)
    assert len(await supabase.rows("gemini_usage")) == 100
    assert (await store.read(read_books))["gemini_usage"].set_aside == 0


@pytest.mark.usefixtures("replicator")
async def test_a_bisected_batch_whose_acknowledgement_fails_is_sent_again_and_doubles_nothing(
    store: Store, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await supabase.execute("alter table public.gemini_usage add constraint poison check (model <> 'poison')")
    monkeypatch.setattr("services.store.store.COMMIT_TIMEOUT", 0.0)
    recorder = Recorder(store)
    for number in range(20):
        recorder.record(usage(model="poison" if number == 7 else "good"))
    await supabase.until(lambda: sum(r.path == "/gemini_usage" for r in supabase.requests) >= 8)
    monkeypatch.undo()
    monkeypatch.setattr("services.replication.backoff.LONGEST", 0.2)
    await drained(store)
    assert len(await supabase.rows("gemini_usage")) == 19
    assert (await store.read(read_books))["gemini_usage"].set_aside == 1


@pytest.mark.usefixtures("replicator")
async def test_the_owner_wins_over_a_revision_that_no_clock_gave(
    store: Store, supabase: Supabase, replicator: Replicator
) -> None:
    await supabase.execute(f"insert into public.session_revisions values ('5', {LIMIT}), ('6', {LIMIT})")
    await supabase.execute("insert into public.bot_state values ('k', '1', 3900000000000000)")
    replicator.reconcile(
        "1", owns=lambda guild_id: guild_id == "5", joined=lambda _: True, live=lambda: {"5"}, begun=lambda: {"5"}
    )
    recorder = Recorder(store)
    recorder.record(session("5"))
    recorder.record(session("6"))
    await drained(store)
    assert [row["guild_id"] for row in await supabase.rows("active_sessions")] == ["5"]
    before = len(supabase.requests)
    await asyncio.sleep(0.3)
    assert len(supabase.requests) == before, "what cannot be won is not sent again and again"
    await Recorder(store).commit(session("5", position_ms=7))
    await drained(store)
    assert [row["position_ms"] for row in await supabase.rows("active_sessions")] == [7]


@pytest.mark.usefixtures("replicator")
@pytest.mark.parametrize("revision", [3_900_000_000_000_000, LIMIT])
async def test_the_owner_wins_over_a_row_whose_revision_was_edited_by_hand(
    store: Store, supabase: Supabase, replicator: Replicator, revision: int
) -> None:
    """Its revision is known to nothing but the row itself, which would drop what is older."""
    await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
    live = {"5", "6"}
    replicator.reconcile("1", owns=lambda _: True, joined=lambda _: True, live=lambda: live, begun=lambda: live)
    recorder = Recorder(store)
    for guild_id in sorted(live):
        await recorder.commit(session(guild_id))
    await drained(store)
    await supabase.execute(f"update public.active_sessions set revision = {revision}, track_title = 'theirs'")
    await recorder.commit(session("5", position_ms=7))
    recorder.close_session("6")
    await drained(store)
    (row,) = await supabase.rows("active_sessions")
    assert (row["guild_id"], row["position_ms"]) == ("5", 7)
    assert row["track_title"] != "theirs"


async def test_the_clock_is_lifted_over_real_revisions_even_beside_one_that_is_none(
    store: Store, supabase: Supabase
) -> None:
    await supabase.execute(f"insert into public.bot_state values ('a', '1', {LIMIT}), ('b', '1', 3900000000000000)")
    async with Replicator(store, supabase.url, supabase.service_role_key):
        await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
        await store.commit(lambda _: None)
        Recorder(store).record(State("b", {"mine": True}))
        await drained(store)
    (row,) = await supabase.rows("bot_state", "key = 'b'")
    assert row["value"] == {"mine": True}


@pytest.mark.usefixtures("replicator")
@pytest.mark.parametrize("revision", [3_900_000_000_000_000, LIMIT])
async def test_a_state_wins_over_a_revision_of_the_future(store: Store, supabase: Supabase, revision: int) -> None:
    key = 'playlist "x",(y).z'
    recorder = Recorder(store)
    await recorder.commit(State(key, {"volume": 1}))
    await drained(store)
    await supabase.execute(f"update public.bot_state set revision = {revision}, value = '2'")
    await recorder.commit(State(key, {"volume": 3}))
    await drained(store)
    assert [row["value"] for row in await supabase.rows("bot_state")] == [{"volume": 3}]


async def test_a_state_that_waited_long_does_not_win_over_a_newer_one(store: Store, supabase: Supabase) -> None:
    async with Replicator(store, supabase.url, supabase.service_role_key):
        await supabase.until(lambda: len(supabase.requests) >= BEGINNING)
        supabase.answer(503, "down", times=2)
        Recorder(store).record(State("k", {"of": "before"}))
        await store.commit(lambda _: None)
        newer = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
        await supabase.execute(f"insert into public.bot_state values ('k', '{{\"of\": \"now\"}}', {newer})")
        await drained(store)
    assert [row["value"] for row in await supabase.rows("bot_state")] == [{"of": "now"}]


async def test_a_state_is_not_sent_from_a_clock_that_may_be_behind_not_even_at_the_end(
    store: Store, supabase: Supabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database drops what is older without a word: it would be taken for delivered."""
    monkeypatch.setattr("services.replication.backoff.Backoff.delay", lambda *_: 30.0)
    await supabase.execute("insert into public.bot_state values ('k', '1', 3900000000000000)")
    supabase.answer(503, "down")
    async with Replicator(store, supabase.url, supabase.service_role_key):
        Recorder(store).record(State("k", {"mine": True}))
        await supabase.until(lambda: len(supabase.requests) >= 1)
        await supabase.up()
    assert (await store.read(read_books))["bot_state"].waiting == 1


async def test_more_ghosts_than_an_answer_holds_go_all(
    store: Store, supabase: Supabase, replicator: Replicator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await supabase.execute(
        "insert into public.active_sessions (guild_id, track_title, application_id)"
        " select n::text, 'ghost', '1' from generate_series(1, 1700) n;"
        " alter role authenticator set pgrst.db_max_rows = '1000'; notify pgrst, 'reload config'"
    )
    found = await replicator._remote.sessions_of("1")  # pyright: ignore[reportPrivateUsage] - the one question
    assert len(found) == 1_700
    replicator.reconcile("1", owns=lambda _: True, joined=lambda _: True, live=lambda: (), begun=lambda: ())

    async def gone() -> bool:
        return await supabase.rows("active_sessions") == []

    await supabase.until(gone)
    await drained(store)


async def test_what_the_client_itself_cannot_send_accuses_the_row_and_not_the_way(supabase: Supabase) -> None:
    remote = await Remote.open(supabase.url, supabase.service_role_key)
    with pytest.raises(Refused):
        await remote.upsert("bot_logs", [{"message": "lone \ud800"}], "event_id")
    with pytest.raises(Refused):
        await remote.upsert("system_stats", [{"cpu_usage": float("nan")}], "event_id")
    await remote.aclose()
