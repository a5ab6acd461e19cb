"""`python bot.py doctor`: what is well, what is wrong, and that it says so in words, in time and without a secret."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import jsonschema

from cogs.music.here import INVITED
from sandbox.free_port import free_port
from sandbox.gemini.refusals import EXPIRED_KEY, LOCATION
from tests.e2e.conftest import Town
from tests.e2e.doctor import look, run
from tests.e2e.other_server import other_server

JAPANESE = range(0x3040, 0x9FFF)
REPORT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["exit_code", "findings"],
    "properties": {
        "exit_code": {"enum": [0, 1, 2]},
        "findings": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "subject", "state", "message", "cure"],
                "properties": {
                    "name": {"pattern": r"^(settings|clock|(discord|lavalink|gemini|supabase|store)\.[a-z_]+)$"},
                    "subject": {"type": "string"},
                    "state": {"enum": ["ok", "off", "wrong"]},
                    "message": {"type": "string", "minLength": 1},
                    "cure": {"type": ["string", "null"]},
                },
            },
        },
    },
}


async def test_all_is_well_beside_a_running_bot_and_only_a_probe_writes(town: Town) -> None:
    await town.play("morning")
    await town.rows("music_history")
    before = len(town.supabase.requests)
    visit = await run(town, "doctor")
    assert visit.code == 0, visit.text
    assert all(line.startswith("✓ ") for line in visit.lines)
    for part in ("Lavalink 4.2.2", "youtube-plugin", "service_role", "music_history", "apply_sessions", "Realtime"):
        assert part in visit.text
    link = next(line for line in visit.lines if "oauth2/authorize" in line).split()[-1]
    query = parse_qs(urlsplit(link).query)
    assert query["permissions"] == [str(INVITED.value)]
    assert set(query["scope"][0].split()) == {"bot", "applications.commands"}
    assert query["client_id"] == [str(town.world.discord.bot.id)]

    written = await run(town, "doctor", "--write")
    assert written.code == 0, written.text
    asked = [request for request in town.supabase.requests[before:] if request.path == "/bot_state"]
    assert [request.method for request in asked if request.rows] == ["POST"]
    assert [request.method for request in asked].count("DELETE") == 1
    assert await town.supabase.rows("bot_state", "key like 'doctor%'") == []
    await town.ask("nowplaying")


async def test_refused_rows_are_listed_and_sent_again_by_the_bot_once_that_is_asked_for(town: Town) -> None:
    await town.supabase.execute("alter table public.music_history add constraint no check (track_title is null)")
    await town.play("morning")
    async with asyncio.timeout(20):
        while not (visit := await look(town)).wrong:
            pass
    assert {name for name, _ in visit.wrong} == {"store.set_aside"}
    assert "23514" in " ".join(visit.wrong.values())
    await town.supabase.execute("alter table public.music_history drop constraint no")
    assert (await run(town, "doctor", "--retry-set-aside")).code == 0
    await town.rows("music_history", timeout=6)
    assert (await look(town)).wrong == {}


async def test_every_line_is_there_in_japanese_and_as_json(quiet_town: Town) -> None:
    await quiet_town.world.lavalink.down()
    japanese = await run(quiet_town, "doctor", DEFAULT_LOCALE="ja")
    assert japanese.code == 1
    assert all(any(ord(letter) in JAPANESE for letter in line) for line in japanese.lines), japanese.text
    visit = await look(quiet_town)
    jsonschema.validate(json.loads(visit.text), REPORT)
    assert visit.code == 1
    assert len(visit.findings) == len(japanese.lines)
    assert [found["state"] == "wrong" for found in visit.findings] == [line[0] == "✗" for line in japanese.lines]
    assert all((found["cure"] is not None) == (found["state"] == "wrong") for found in visit.findings)


async def test_what_is_not_set_up_is_no_fault(quiet_town: Town) -> None:
    visit = await look(quiet_town, LAVALINK_NODES="", GEMINI_API_KEY="", SUPABASE_URL="", SUPABASE_SERVICE_ROLE_KEY="")
    assert visit.code == 0, visit.text
    for name in ("lavalink.node", "gemini.key", "supabase.url", "store.file"):
        assert visit.states[name] == {"off"}


async def test_wrong_settings_are_all_named(quiet_town: Town) -> None:
    visit = await run(quiet_town, "doctor", HTTP_PORT="x", LOG_LEVEL="LOUD", DEFAULT_LOCALE="ja")
    assert visit.code == 2
    assert all(line.startswith("✗ ") for line in visit.lines)
    assert all(f": {name} は" in visit.text for name in ("HTTP_PORT", "LOG_LEVEL"))
    visit = await look(quiet_town, HTTP_PORT="x")
    assert visit.code == 2
    assert set(visit.wrong) == {("settings", "HTTP_PORT")}


async def test_discord_refusing_or_replaced(quiet_town: Town) -> None:
    refused = await look(quiet_town, DISCORD_TOKEN="a-canary-of-a-token")
    assert "DISCORD_TOKEN" in refused.wrong["discord.token", ""]
    assert "…oken" in refused.text
    gateway = await look(quiet_town, DISCORD_GATEWAY_URL=f"ws://127.0.0.1:{free_port()}")
    assert set(gateway.wrong) == {("discord.gateway", "")}
    async with other_server() as address:
        page = await look(
            quiet_town, DISCORD_API_URL=f"http://{address}/api/v10", DISCORD_GATEWAY_URL=f"ws://{address}"
        )
    assert "web page" in page.wrong["discord.token", ""]


async def test_each_node_has_a_line_of_its_own(quiet_town: Town) -> None:
    lavalink = quiet_town.world.lavalink
    nodes = {"refused": f"127.0.0.1:{free_port()}"}
    async with (
        other_server() as page,
        other_server("", 401) as unauthorised,
        other_server("", 307, {"Location": "https://elsewhere.example/version"}) as redirect,
        other_server("3.7.11", headers={"Content-Type": "text/plain"}) as old,
    ):
        nodes |= {"page": page, "unauthorised": unauthorised, "redirect": redirect, "old": old}
        uris = [f"http://:canary-password@{address}" for address in nodes.values()]
        visit = await look(
            quiet_town,
            LAVALINK_NODES=",".join([lavalink.uri, lavalink.uri.replace("sandbox-lavalink", "canary-password"), *uris]),
        )
    wrong = {subject: told for (name, subject), told in visit.wrong.items() if name == "lavalink.node"}
    assert "refuses the connection" in wrong[nodes["refused"]]
    assert "web server" in wrong[nodes["page"]]
    assert "password (401)" in wrong[nodes["unauthorised"]]
    assert "elsewhere.example" in wrong[nodes["redirect"]]
    assert "3.7.11" in wrong[nodes["old"]]
    own = [found for found in visit.findings if found["subject"] == f"127.0.0.1:{lavalink.port}"]
    assert [found["state"] for found in own] == ["ok", "wrong"]
    assert "password (403)" in own[1]["message"]
    assert "canary-password" not in visit.text


async def test_a_node_without_a_searched_source_is_told(quiet_town: Town) -> None:
    visit = await look(quiet_town, SEARCH_SOURCES="spsearch")
    assert "spotify" in visit.wrong["lavalink.node", f"127.0.0.1:{quiet_town.world.lavalink.port}"]


async def test_gemini_key_and_models(quiet_town: Town) -> None:
    refused = await look(quiet_town, GEMINI_API_KEY="a-canary-of-a-key-1234")
    assert "GEMINI_API_KEY" in refused.wrong["gemini.key", ""]
    assert "…1234" in refused.text
    models = await look(quiet_town, GEMINI_MODEL="gemini-3.5-flash-lite,gemini-pro,gemini-embedding-001")
    assert set(models.wrong) == {("gemini.model", "gemini-pro"), ("gemini.model", "gemini-embedding-001")}
    assert models.states["gemini.model"] == {"ok", "wrong"}
    gemini = quiet_town.world.gemini
    for denial, words in ((LOCATION, "not from this country"), (EXPIRED_KEY, "refuses the API key")):
        gemini.deny(denial)
        assert words in (await look(quiet_town)).wrong["gemini.key", ""]
    gemini.deny(None)
    gemini.ratelimit(1)
    assert "quota" in (await look(quiet_town)).wrong["gemini.key", ""]
    await gemini.down()
    away = await look(quiet_town)
    assert set(away.wrong) == {("gemini.key", "")}
    assert quiet_town.world.gemini.account.total_tokens == 0


async def test_everything_hanging_is_told_within_the_time(quiet_town: Town) -> None:
    world = quiet_town.world
    world.discord.slow(60)
    world.lavalink.hang("/")
    world.gemini.halfopen()
    quiet_town.supabase.slow(60)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    visit = await look(quiet_town)
    assert loop.time() - begun < 15
    assert visit.code == 1
    assert {name for name, _ in visit.wrong} == {"discord.token", "lavalink.node", "gemini.key", "supabase.url"}


async def test_a_clock_off_by_an_hour_is_told(quiet_town: Town) -> None:
    for hours, word in ((-1, "ahead"), (1, "behind")):
        date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
        async with other_server("{}", headers={"Date": date, "Content-Type": "application/json"}) as address:
            visit = await look(quiet_town, DISCORD_API_URL=f"http://{address}")
        told = visit.wrong["clock", address]
        assert word in told
        assert "NTP" in told
    assert visit.states["supabase.url"] == {"ok"}


async def test_no_secret_is_shown_even_where_one_is_echoed(quiet_town: Town) -> None:
    canaries = {
        "DISCORD_TOKEN": "canary-token-0001",
        "GEMINI_API_KEY": "canary-gemini-0002",
        "SUPABASE_SERVICE_ROLE_KEY": "canary-supabase-0003",
    }
    async with other_server("4.{authorization}", headers={"Content-Type": "text/plain"}) as echo:
        settings = canaries | {"LAVALINK_NODES": f"http://:canary-password-0004@{echo}"}
        for arguments in (["doctor"], ["doctor", "--json"], ["doctor", "--write"]):
            for variables in (settings, settings | {"SUPABASE_URL": f"http://{echo}"}):
                visit = await run(quiet_town, *arguments, **variables)
                assert visit.code == 1
                assert "canary-" not in visit.text
