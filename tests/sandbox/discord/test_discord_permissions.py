"""Permissions against an independent reckoning of the same payloads: discord.py's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

import discord as dpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.discord import Channel, DiscordStandIn, Guild, Intent, Member, Permission, Role
from sandbox.discord.permissions import ALL, NONE
from tests.sandbox.discord.bots import Place

KINDS = ("text", "voice", "stage", "thread")
HELD_BACK = dpy.Permissions.all_channel().value
"""What a channel has a say in; what a hidden channel leaves of the rest is nobody's business."""
VOICE = dpy.Permissions.voice().value
"""Means nothing where there is no voice; discord.py takes it away there, Discord does not."""
UNHEARD = VOICE | int(Permission.VIEW_CHANNEL | Permission.MANAGE_CHANNELS) | dpy.Permissions(manage_roles=True).value
"""What is denied in a voice channel that one may not enter, as discord.py knows it."""
# What decides over others, or outlasts a time-out, comes up often; every bit comes up.
_DECISIVE = [
    Permission.VIEW_CHANNEL,
    Permission.SEND_MESSAGES,
    Permission.SEND_MESSAGES_IN_THREADS,
    Permission.CONNECT,
    Permission.MANAGE_CHANNELS,
    Permission.READ_MESSAGE_HISTORY,
]
_BITS = [permission for permission in Permission if permission is not Permission.ADMINISTRATOR]
_SETS = st.lists(st.sampled_from(_DECISIVE) | st.sampled_from(_BITS), max_size=8).map(
    lambda bits: reduce(or_, bits, NONE)
)
# Where one sees and enters a place, more is left to be compared.
_OPEN_SETS = _SETS.map(lambda permissions: permissions | Permission.VIEW_CHANNEL | Permission.CONNECT)
_ROLE_SETS = _SETS | st.just(ALL ^ Permission.ADMINISTRATOR) | st.just(Permission.ADMINISTRATOR)
_TARGETS = ("everyone", 0, 1, 2, "member", "other")
"""Whom an overwrite is for; numbers are roles."""
_TIME_OUTS = st.sampled_from([None, None, timedelta(minutes=-1), timedelta(minutes=1)])


def placed(guild: Guild, kind: str) -> tuple[Channel, Channel]:
    """A channel, and the one whose overwrites count in it."""
    if kind == "voice":
        return (channel := guild.add_voice_channel("place")), channel
    if kind == "stage":
        return (channel := guild.add_stage_channel("place")), channel
    channel = guild.add_text_channel("place")
    return (guild.add_thread(channel, "talk"), channel) if kind == "thread" else (channel, channel)


def reckoned(guild: Guild, channel: Channel, member: Member) -> dpy.Permissions:
    """What discord.py makes of what the stand-in sends."""
    state: Any = dpy.Client(intents=dpy.Intents(guilds=True))._connection  # pyright: ignore[reportPrivateUsage] -- without a login nothing else has one
    sent: Any = guild.create_payload(Intent.GUILDS)
    told: Any = member.payload()
    seen = dpy.Guild(data=sent, state=state)
    place = seen.get_channel_or_thread(channel.id)
    assert isinstance(place, dpy.TextChannel | dpy.VoiceChannel | dpy.StageChannel | dpy.Thread)
    return place.permissions_for(dpy.Member(data=told, guild=seen, state=state))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(KINDS),
    everyone=_SETS | _OPEN_SETS | _OPEN_SETS,
    roles=st.lists(_ROLE_SETS, min_size=3, max_size=3),
    held=st.sets(st.sampled_from([0, 1, 2])),
    overwrites=st.lists(st.tuples(st.sampled_from(_TARGETS), _SETS, _SETS, _SETS), unique_by=lambda each: each[0]),
    owner=st.sampled_from([False, False, False, True]),
    time_out=_TIME_OUTS,
)
def test_permissions_add_up_as_another_library_reckons_them(
    *,
    kind: str,
    everyone: Permission,
    roles: list[Permission],
    held: set[int],
    overwrites: list[tuple[str | int, Permission, Permission, Permission]],
    owner: bool,
    time_out: timedelta | None,
) -> None:
    guild = DiscordStandIn().add_guild("Sandbox")
    guild.set_role_permissions(guild.everyone, everyone)
    # Who is not shown a thread is not told of it.
    guild.set_role_permissions(guild.bot_role, Permission.ADMINISTRATOR)
    made = [guild.add_role(str(number), permissions) for number, permissions in enumerate(roles)]
    member = guild.members[guild.owner.id] if owner else guild.add_member("member")
    other = guild.add_member("other")
    for number in held:
        member.give_role(made[number])
    channel, ruling = placed(guild, kind)
    named: dict[str, Role | Member] = {"everyone": guild.everyone, "member": member, "other": other}
    for target, allow, deny, both in overwrites:
        who = made[target] if isinstance(target, int) else named[target]
        # Discord keeps what is denied and allowed at once, and what is allowed wins.
        ruling.deny(who, deny | both)
        ruling.overwrites[who.id].allow = allow | both
    if time_out is not None:
        member.timed_out_until = datetime.now(UTC) + time_out
    ours, theirs = int(channel.permissions(member)), reckoned(guild, channel, member).value
    compared = HELD_BACK if not theirs & Permission.VIEW_CHANNEL else int(ALL)
    if kind == "text":
        compared &= ~VOICE
    elif kind in ("voice", "stage") and not theirs & Permission.CONNECT:
        # It knows nothing of the texts in it, for which one has to be let in too
        # (discord.com/developers/docs/resources/message#get-channel-message).
        compared &= UNHEARD
        assert not ours & ~int(Permission.VIEW_CHANNEL)
    assert ours & compared == theirs & compared, (Permission(ours & compared), Permission(theirs & compared))


async def test_a_time_out_runs_out_by_itself(place: Place) -> None:
    place.alice.time_out(minutes=1)
    assert place.general.permissions(place.alice) == Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
    with pytest.raises(PermissionError, match="alice may not write in general"):
        await place.alice.say(place.general, "too early")
    place.alice.timed_out_until = datetime.now(UTC)
    await place.alice.say(place.general, "at last")
    await place.alice.join(place.music)
