"""A disk as a power cut leaves it, from the recorded writes and syncs of the files on it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
"""What a disk writes at once or not at all."""

# strace -f -y -xx: `12345 pwrite64(7<\x2f..>, "\x0d..", 4096, 32) = 4096`, all text in hex. The number at the end is
# the result; a call that another thread interrupts in the log has its end in a line of its own.
_CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<fd>\d+)(?:<(?P<path>[^>]*)>)?(?P<rest>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were handed to the kernel for a file; a power cut may lose, keep or tear them."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file's new length; as unsure as a write until the file is synced."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was written to the file before is safe."""

    file: str


@dataclass(frozen=True, slots=True)
class Said:
    """The process wrote this to its standard output."""

    text: str


Event = Write | Truncate | Sync | Said


def read_trace(log: Path) -> list[Event]:
    """The events of a log of `strace -f -y -xx -s 1000000`, in their order; a sync counts where it ended."""
    return list(_events(log.read_text().splitlines()))


def _events(lines: Iterable[str]) -> Iterator[Event]:
    syncing: dict[str, str] = {}
    for line in lines:
        if resumed := _RESUMED.match(line):
            if file := syncing.pop(resumed["pid"], None):
                yield Sync(file)
            continue
        call = _CALL.match(line)
        if call is None:
            continue
        file = Path(_bytes(call["path"] or "").decode()).name
        match call["name"]:
            case "write" if call["fd"] == "1":
                yield Said(_bytes(_quoted(call["rest"])).decode())
            case "pwrite64":
                length, offset = re.findall(r", (\d+)", call["rest"])[-2:]
                yield Write(file, int(offset), _bytes(_quoted(call["rest"]))[: int(length)])
            case "ftruncate":
                yield Truncate(file, int(re.findall(r", (\d+)", call["rest"])[0]))
            case "fsync" | "fdatasync":
                if "unfinished" in line:
                    syncing[call["pid"]] = file
                else:
                    yield Sync(file)
            case _:
                pass


def _quoted(rest: str) -> str:
    return rest[rest.index('"') + 1 : rest.rindex('"')]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class Disk:
    """What is safe of each file, and what is only on its way."""

    safe: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    unsure: dict[str, list[Write | Truncate]] = field(default_factory=dict[str, list[Write | Truncate]])

    def take(self, event: Write | Truncate | Sync) -> None:
        """Go on by one event."""
        if isinstance(event, Sync):
            for change in self.unsure.pop(event.file, []):
                _apply(self.safe.setdefault(event.file, bytearray()), change)
        else:
            self.unsure.setdefault(event.file, []).append(event)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """The files after a power cut now: what is safe, and of the rest whatever chance left, torn by sectors."""
        left = {name: bytearray(content) for name, content in self.safe.items()}
        for name, changes in self.unsure.items():
            content = left.setdefault(name, bytearray())
            for change in changes:
                for part in _survivors(change, chance):
                    _apply(content, part)
        return {name: bytes(content) for name, content in left.items()}


def _survivors(change: Write | Truncate, chance: random.Random) -> Iterator[Write | Truncate]:
    fate = chance.random()
    if isinstance(change, Truncate) or fate < 0.3:
        if fate < 0.6:
            yield change
        return
    if fate < 0.6:
        return
    for start in range(0, len(change.data), SECTOR):
        if chance.random() < 0.5:
            yield Write(change.file, change.offset + start, change.data[start : start + SECTOR])


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    end = change.offset + len(change.data)
    content.extend(bytes(max(0, end - len(content))))
    content[change.offset : end] = change.data
