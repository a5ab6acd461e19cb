"""A network that repeats, delays and reorders what bots send cannot leave a wrong row behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from math import ceil

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from sandbox.supabase import PostgreSQL
from tests.migrations.calls import KEYS
from tests.torture.adversary import Adversary, Sync
from tests.torture.conftest import FULL

STEPS = 10_000 if FULL else 400
STEPS_AT_ONCE = 50


def torment(
    postgres: PostgreSQL,
    database: str,
    seed: int,
    steps: int = STEPS,
    sabotage: Callable[[Sync], object] | None = None,
) -> Counter[str]:
    """Let the adversary loose on a database for about so many steps; what was done."""
    taken: Counter[str] = Counter()
    with psycopg.connect(postgres.uri(database), autocommit=True) as connection:
        if sabotage:
            sabotage(connection)
        run_state_machine_as_test(
            seeded(seed)(partial(Adversary, connection, taken)),  # pyright: ignore[reportArgumentType] - called without arguments
            settings=settings(
                max_examples=ceil(steps / STEPS_AT_ONCE),
                stateful_step_count=STEPS_AT_ONCE,
                deadline=None,
                print_blob=True,
                database=None,
                # A failure is shown as it was found where finding it is all that is asked for.
                phases=[Phase.generate] if sabotage else [Phase.generate, Phase.shrink],
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            ),
        )
    return taken


@pytest.mark.timeout(600)
def test_whatever_the_network_does_the_newest_revision_is_what_remains(
    postgres: PostgreSQL, database: str, seed: int, shown: Callable[..., None]
) -> None:
    taken: Counter[str] = Counter()
    # An example may end early.
    while taken["steps"] < STEPS:
        taken += torment(postgres, database, seed + taken["steps"], STEPS - taken["steps"])
    shown(steps=taken["steps"], rows_settled=taken["settled"])
    assert taken["settled"] > 0


def is_found(postgres: PostgreSQL, database: str, seed: int, sabotage: Callable[[Sync], object]) -> bool:
    """Whether the adversary sees that something was made wrong, within a bounded time."""
    for turn in range(20):
        try:
            torment(postgres, database, seed + turn, sabotage=sabotage)
        except AssertionError:
            return True
    return False


@pytest.mark.timeout(600)
def test_the_adversary_finds_tables_without_their_trigger(postgres: PostgreSQL, database: str, seed: int) -> None:
    def sabotage(connection: Sync) -> None:
        for table in KEYS:
            connection.execute(f"drop trigger if exists drop_stale_row on public.{table}".encode())

    assert is_found(postgres, database, seed, sabotage)


@pytest.mark.timeout(600)
def test_the_adversary_finds_a_claim_that_does_not_compare(postgres: PostgreSQL, database: str, seed: int) -> None:
    def sabotage(connection: Sync) -> None:
        found = connection.execute("select pg_get_functiondef('public.apply_sessions'::regproc)").fetchone()
        assert found is not None
        connection.execute(found[0].replace("where known.revision < excluded.revision", ""))

    assert is_found(postgres, database, seed, sabotage)
