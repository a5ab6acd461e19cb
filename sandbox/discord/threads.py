"""Archived and locked threads (discord.com/developers/docs/topics/threads)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import DiscordError
from .payload import Json
from .permissions import Permission
from .snowflake import iso_now, iso_of

if TYPE_CHECKING:
    from .channels import Channel
    from .people import User

ARCHIVED, LOCKED = 50083, 160005


@dataclass(slots=True)
class ThreadState:
    """``since`` is when it was last archived or taken up again, as Discord writes times."""

    since: str
    archived: bool = False
    locked: bool = False

    def payload(self, thread_id: int) -> Json:
        return {
            "archived": self.archived,
            "archive_timestamp": self.since,
            "auto_archive_duration": 1440,
            "locked": self.locked,
            "create_timestamp": iso_of(thread_id),
        }


def change(thread: Channel, *, archived: bool, locked: bool) -> None:
    """Put a thread away, lock it, or neither: THREAD_UPDATE."""
    assert thread.thread is not None
    thread.thread = ThreadState(iso_now(), archived, locked)
    thread.publish("THREAD_UPDATE", thread.payload())


def take_up(channel: Channel, author: User) -> None:
    """A message is to come: an archived thread is active again. Raises 50083, 160005 where it is locked."""
    state = channel.thread
    if state is None:
        return
    if state.locked and not _moderates(channel, author):
        raise DiscordError(403, ARCHIVED, "Thread is archived") if state.archived else _locked()
    if state.archived:
        change(channel, archived=False, locked=state.locked)


def check_edit(channel: Channel, author: User) -> None:
    """Raises 50083 in an archived thread, and 160005 in one that is locked for this author."""
    state = channel.thread
    if state is None:
        return
    if state.archived:
        raise DiscordError(400, ARCHIVED, "Thread is archived")
    if state.locked and not _moderates(channel, author):
        raise _locked()


def _locked() -> DiscordError:
    return DiscordError(403, LOCKED, "Thread is locked")


def _moderates(channel: Channel, author: User) -> bool:
    member = channel.guild and channel.guild.members.get(author.id)
    return member is not None and bool(channel.permissions(member) & Permission.MANAGE_THREADS)
