"""One row that Supabase refuses among five hundred: the others arrive in few requests, and it is shown everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from services.recorder import Recorder
from services.store import Store
from tests.e2e.conftest import Town
from tests.e2e.doctor import run
from tests.samples import usage

ROWS = 500
REQUESTS = 20


async def test_a_poison_row_among_five_hundred_is_set_aside_and_seen(
    quiet_town: Town, shown: Callable[..., None]
) -> None:
    town = quiet_town
    await town.supabase.execute("alter table public.gemini_usage add constraint poison check (model <> 'poison')")
    rows = [usage(model="poison" if number == 250 else "good", status="settled") for number in range(ROWS)]
    async with Store(Path(town.environment["DATA_DIR"])) as store:
        for row in rows:
            Recorder(store).record(row)
    await town.bot.start()
    await town.bot.started()
    arrived = await town.rows("gemini_usage", lambda rows: len(rows) == ROWS - 1)
    assert {row["event_id"] for row in arrived} == {row.event_id for row in rows if row.model == "good"}
    requests = sum(request.method == "POST" and request.path == "/gemini_usage" for request in town.supabase.requests)
    assert requests <= REQUESTS
    _, metrics = await town.health("/metrics")
    assert 'bot_rows_set_aside{table="gemini_usage"} 1.0' in metrics
    _, ready = await town.health("/readyz")
    assert json.loads(ready)["services"]["supabase"]["state"] == "ok"
    (poisonous,) = (row.event_id for row in rows if row.model == "poison")
    assert poisonous in (await run(town, "doctor")).text
    # Cured, it is sent by the running bot as soon as somebody asks for it.
    await town.supabase.execute("alter table public.gemini_usage drop constraint poison")
    await run(town, "doctor", "--retry-set-aside")
    await town.rows("gemini_usage", lambda rows: len(rows) == ROWS)
    shown(rows_delivered=ROWS - 1, row_set_aside_and_seen=1, requests=requests)
