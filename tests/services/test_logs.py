"""`bot_logs` has what matters, once, and no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from itertools import count

import pytest

from services.logs import FOLD_SECONDS, JsonFormatter, LogRecorder, Redactor, TextFormatter
from services.rows import LogEntry
from tests.fakes import MemoryRecorder
from tests.samples import now

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ.GaBcDe.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
SECRETS = ["canary-password", "key.with+signs"]


class Clock:
    seconds = 0.0


@pytest.fixture
def recorder() -> MemoryRecorder:
    return MemoryRecorder()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handler(recorder: MemoryRecorder, clock: Clock) -> Iterator[LogRecorder]:
    ids = count()
    made = LogRecorder(recorder, Redactor(SECRETS), now, lambda: clock.seconds, lambda: str(next(ids)))
    root = logging.getLogger()
    levels = root.level, logging.getLogger("bot").level
    root.addHandler(made)
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(logging.INFO)
    yield made
    root.removeHandler(made)
    root.setLevel(levels[0])
    logging.getLogger("bot").setLevel(levels[1])


def kept(recorder: MemoryRecorder) -> list[tuple[str, str]]:
    return [(row.level, row.message) for row in recorder.rows.values() if isinstance(row, LogEntry)]


@pytest.mark.usefixtures("handler")
def test_the_bots_events_and_everybodys_warnings_are_kept(recorder: MemoryRecorder) -> None:
    logging.getLogger("bot.nodes").info("Node %s ready", "one")
    logging.getLogger("bot.nodes").debug("noise")
    logging.getLogger("discord.gateway").info("noise")
    logging.getLogger("discord.gateway").warning("Shard is slow")
    logging.getLogger("bottle").info("noise of another library")
    logging.getLogger("bot").critical("The store is damaged")
    assert kept(recorder) == [
        ("INFO", "Node one ready"),
        ("WARNING", "Shard is slow"),
        ("ERROR", "The store is damaged"),
    ]


def test_the_same_message_again_and_again_is_one_row_with_a_count(
    handler: LogRecorder, recorder: MemoryRecorder, clock: Clock
) -> None:
    for _ in range(1_000):
        logging.getLogger("bot").warning("It fails")
        clock.seconds += 0.001
    handler.flush()
    assert kept(recorder) == [("WARNING", "It fails (×1000)")]
    assert len(recorder.history) <= 3
    clock.seconds += FOLD_SECONDS + 1
    logging.getLogger("bot").warning("It fails")
    assert kept(recorder) == [("WARNING", "It fails (×1000)"), ("WARNING", "It fails")]


@pytest.mark.usefixtures("handler")
def test_no_secret_is_kept_even_in_a_traceback(recorder: MemoryRecorder) -> None:
    try:
        raise ValueError(f"refused http://:canary-password@host with {TOKEN}")
    except ValueError:
        logging.getLogger("bot").exception("Failed with %s", "key.with+signs")
    ((_, message),) = kept(recorder)
    assert "ValueError" in message
    assert not any(secret in message for secret in [*SECRETS, TOKEN])


@pytest.mark.parametrize("formatter", [TextFormatter, JsonFormatter])
def test_no_secret_reaches_the_console(formatter: type[TextFormatter] | type[JsonFormatter]) -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "got %s and %s", (TOKEN, "canary-password"), None)
    line = formatter(Redactor(SECRETS)).format(record)
    assert TOKEN not in line
    assert "canary-password" not in line
    if formatter is JsonFormatter:
        assert json.loads(line)["level"] == "ERROR"


@pytest.mark.usefixtures("handler")
def test_a_failure_to_log_never_logs_itself(recorder: MemoryRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the recorder is broken")

    monkeypatch.setattr(recorder, "record", fail)
    logging.getLogger("bot").error("something")
    monkeypatch.undo()
    logging.getLogger("bot.replication").warning("log rows wait", extra={"kept": False})
    assert recorder.history == []
