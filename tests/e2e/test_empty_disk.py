"""A bot whose disk is empty starts at once, and what it had kept comes back from Supabase in the background."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import time
from pathlib import Path

from services.store.ledger import Spent, month_usage
from tests.e2e.conftest import Town
from tests.samples import now


def spent(town: Town) -> dict[str, int]:
    """This month's tokens in the bot's guild, as the bot itself would read them."""
    with sqlite3.connect(Path(town.environment["DATA_DIR"]) / "bot.db") as store:
        found: dict[str, Spent] = month_usage(store, now(), str(town.world.guild.id))
    store.close()
    return {model: each.total_tokens for model, each in found.items()}


async def supabase_detail(town: Town) -> str:
    _, body = await town.health("/readyz")
    return json.loads(body)["services"]["supabase"]["detail"]


async def test_usage_comes_back_to_an_empty_disk_while_the_bot_already_answers(town: Town) -> None:
    for _ in range(2):
        await town.ask("ask", prompt="hello")
    await town.rows("gemini_usage", lambda rows: [row["status"] for row in rows] == ["settled"] * 2)
    billed = town.world.gemini.account.total_tokens
    assert spent(town) == {"gemini-3.5-flash-lite": billed}
    await town.bot.terminate()
    shutil.rmtree(town.environment["DATA_DIR"])
    await town.world.discord.bot_gone()
    town.supabase.slow(3)
    begun = time.monotonic()
    await town.bot.start()
    await town.bot.started()
    await town.ask("ask", prompt="hello again")
    assert "catching up" in await supabase_detail(town)
    assert time.monotonic() - begun < 3 * 3, "reading back takes three answers at the least"
    town.supabase.slow(0)
    async with asyncio.timeout(20):
        while await supabase_detail(town):
            await asyncio.sleep(0.1)  # nothing comes to the gateway when it is done
    assert town.world.gemini.account.total_tokens > billed
    assert spent(town) == {"gemini-3.5-flash-lite": town.world.gemini.account.total_tokens}
    assert f"{billed} tokens of this month" in town.bot.log()
