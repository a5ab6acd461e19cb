"""Logging: to the console with every secret redacted, and what matters to `bot_logs`."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.recorder import Records
from services.rows import LogEntry

FOLD_SECONDS = 60.0
"""A message that comes again within this time of its last occurrence is counted in the row that is there."""
AMEND_SECONDS = 1.0
FOLDED_MESSAGES = 500

# What looks like a Discord token, a JSON web token, a Google API key or a Supabase key, wherever it came from.
_SHAPES = re.compile(
    r"[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}"
    r"|eyJ[A-Za-z\d_-]{8,}\.[A-Za-z\d_-]{8,}\.[A-Za-z\d_-]{8,}"
    r"|AIza[A-Za-z\d_-]{35}"
    r"|sb_(?:secret|publishable)_[A-Za-z\d_-]{8,}"
)


class Redactor:
    """Takes secrets out of text: those known, and what has a secret's shape."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(self, text: str) -> str:
        """`text` with every secret replaced."""
        if self._known is not None:
            text = self._known.sub("[redacted]", text)
        return _SHAPES.sub("[redacted]", text)


class TextFormatter(logging.Formatter):
    """One line a record for people, tracebacks below it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record without secrets, in its traceback neither."""
        return self._redactor.clean(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line for log collectors."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record without secrets: time (ISO 8601, UTC), level, logger, message, and the traceback if any."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": self._redactor.clean(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = self._redactor.clean(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, format: str, redactor: Redactor) -> None:
    """Log to standard error; `level` decides what the console shows, not what is recorded."""
    console = logging.StreamHandler()
    console.setFormatter(JsonFormatter(redactor) if format == "json" else TextFormatter(redactor))
    console.setLevel(level)
    root = logging.getLogger()
    root.handlers[:] = [console]
    shown = logging.getLevelNamesMapping()[level]
    root.setLevel(min(shown, logging.WARNING))
    logging.getLogger("bot").setLevel(min(shown, logging.INFO))
    # One line for every request, with the whole address: noise where it is not looked for.
    logging.getLogger("httpx").setLevel(logging.DEBUG if shown == logging.DEBUG else logging.WARNING)
    logging.captureWarnings(True)


@dataclass(slots=True)
class _Folded:
    entry: LogEntry
    count: int
    last: float
    amended: float


class LogRecorder(logging.Handler):
    """Keeps the bot's own INFO events and WARNING and above of any logger; a message that comes again is counted.

    A record with `extra={"kept": False}` stays on the console.
    """

    def __init__(
        self,
        recorder: Records,
        redactor: Redactor,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        super().__init__(logging.INFO)
        self._recorder = recorder
        self._redactor = redactor
        self._now = now
        self._monotonic = monotonic
        self._new_id = new_id
        self._folded: OrderedDict[tuple[str, str], _Folded] = OrderedDict()
        self.addFilter(self._is_kept)

    @staticmethod
    def _is_kept(record: logging.LogRecord) -> bool:
        own = record.name == "bot" or record.name.startswith("bot.")
        return getattr(record, "kept", True) and (own or record.levelno >= logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Record it; whatever goes wrong here is said nowhere, since saying it would come back here."""
        try:
            level = "ERROR" if record.levelno >= logging.ERROR else record.levelname
            self._keep(level, self._redactor.clean(self._text(record)))
        except Exception:  # noqa: BLE001 - see above
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Nothing: a failure to log never logs itself."""

    def flush(self) -> None:
        """Write the counts that have grown since they were last written."""
        self.acquire()
        try:
            for key, folded in self._folded.items():
                if folded.amended < folded.last:
                    self._amend(key, folded)
        finally:
            self.release()

    def _keep(self, level: str, message: str) -> None:
        moment = self._monotonic()
        key = (level, message)
        folded = self._folded.get(key)
        if folded is None or moment - folded.last > FOLD_SECONDS:
            entry = LogEntry(self._new_id(), self._now(), level, message)
            self._folded[key] = _Folded(entry, 1, moment, moment)
            self._folded.move_to_end(key)
            if len(self._folded) > FOLDED_MESSAGES:
                self._folded.popitem(last=False)
            self._recorder.record(entry)
            return
        folded.count += 1
        folded.last = moment
        if moment - folded.amended >= AMEND_SECONDS:
            self._amend(key, folded)

    def _amend(self, key: tuple[str, str], folded: _Folded) -> None:
        folded.amended = folded.last
        self._recorder.record(replace(folded.entry, message=f"{key[1]} (×{folded.count})"))

    @staticmethod
    def _text(record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        return text
