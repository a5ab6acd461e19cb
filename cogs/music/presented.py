"""The music as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import discord
import wavelink

from services.i18n import Locale, say
from services.lavalink import QUEUE_TRACKS, Found
from services.live_play import ENDLESS_MS, Playing
from services.safe_text import shown
from services.timecode import timecode

BAR_CELLS = 14
PAGE_TRACKS = 10
TITLE_CHARACTERS = 200
LINE_CHARACTERS = 80
NAME_CHARACTERS = 60
COLOUR = discord.Colour.blurple()


def bar(position_ms: int, duration_ms: int) -> str:
    """How far a track is, drawn: `▬▬▬🔘▬▬▬`."""
    cell = min(position_ms * BAR_CELLS // duration_ms, BAR_CELLS - 1) if duration_ms else 0
    return "▬" * cell + "🔘" + "▬" * (BAR_CELLS - 1 - cell)


def length(duration_ms: int, locale: Locale) -> str:
    """`3:45`, or that it has no end."""
    return timecode(duration_ms) if 0 < duration_ms < ENDLESS_MS else say(locale, "live")


def playing_embed(playing: Playing | None, waiting: int, locale: Locale) -> discord.Embed:
    """What plays, with a bar; `waiting` tracks follow."""
    if playing is None:
        return discord.Embed(colour=COLOUR, description=say(locale, "Nothing is playing."))
    if playing.node_lost:
        heading = say(locale, "Waiting for the music server")
    else:
        heading = say(locale, "Paused") if playing.paused else say(locale, "Now playing")
    place = timecode(playing.position_ms)
    if playing.duration_ms:
        place = f"{bar(playing.position_ms, playing.duration_ms)}\n{place} / {timecode(playing.duration_ms)}"
    else:
        place = f"{place} · {say(locale, 'live')}"
    # Small print rather than an embed's footer, which shows no markdown and so would show the escapes.
    small = say(locale, "Requested by {name}", name=shown(playing.requested_by, NAME_CHARACTERS))
    if waiting:
        small += " · " + say(locale, "{count} more in the queue", count=waiting)
    title = shown(playing.title, TITLE_CHARACTERS)
    return discord.Embed(colour=COLOUR, title=heading, description=f"**{title}**\n{place}\n-# {small}")


def queue_embed(
    playing: Playing | None, upcoming: Sequence[wavelink.Playable], page: int, locale: Locale
) -> discord.Embed:
    """Page `page` (from 0) of the queue, with what plays on top."""
    lines: list[str] = []
    if playing is not None:
        title = shown(playing.title, LINE_CHARACTERS)
        lines += [f"▶ **{title}** ({length(playing.duration_ms, locale)})", ""]
    first = page * PAGE_TRACKS
    for number, track in enumerate(islice(upcoming, first, first + PAGE_TRACKS), first + 1):
        lines.append(f"`{number:>3}` {shown(track.title, LINE_CHARACTERS)} ({length(track.length, locale)})")
    if not upcoming:
        lines.append(say(locale, "The queue is empty."))
    embed = discord.Embed(colour=COLOUR, title=say(locale, "Queue"), description="\n".join(lines))
    if upcoming:
        count = pages(len(upcoming))
        embed.set_footer(text=say(locale, "Page {page} of {pages}", page=page + 1, pages=count))
    return embed


def pages(tracks: int) -> int:
    """How many pages `tracks` tracks take; at least one."""
    return max(1, -(-tracks // PAGE_TRACKS))


def queued_sentence(found: Found, added: Sequence[wavelink.Playable], place: int, locale: Locale) -> str:
    """What of `found` was queued, where, and how much did not fit."""
    if found.playlist is None:
        title = shown(added[0].title, TITLE_CHARACTERS)
        return say(locale, "Queued at position {position}: {title}", position=place, title=title)
    name = shown(found.playlist, LINE_CHARACTERS)
    if rest := len(found.tracks) - len(added):
        return say(
            locale,
            "Queued {count} tracks of {playlist}; {rest} more did not fit: the queue holds {limit} tracks.",
            count=len(added),
            playlist=name,
            rest=rest,
            limit=QUEUE_TRACKS,
        )
    return say(locale, "Queued {count} tracks of {playlist}.", count=len(added), playlist=name)
