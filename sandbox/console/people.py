"""Verbs for what a member does."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.console.session import RefusedError, Session, buttons


async def say(session: Session, argument: str) -> None:
    await session.say(_needed(argument, "what?"))


async def dm(session: Session, argument: str) -> None:
    await session.dm(_needed(argument, "what?"))


async def click(session: Session, argument: str) -> None:
    await session.click(_needed(argument, "which button?"))


async def join(session: Session, argument: str) -> None:
    name = argument.removeprefix("#") or session.world.voice.name
    if name != session.world.voice.name:
        raise RefusedError(f"the voice channel is #{session.world.voice.name}")
    await session.member.join(session.world.voice)
    session.screen.note(f"{session.member.name} is in #{name}")


async def leave(session: Session, _: str) -> None:
    await session.member.leave()
    session.screen.note(f"{session.member.name} has left voice")


async def become(session: Session, argument: str) -> None:
    world = session.world
    member = next((one for one in (world.alice, world.bob, world.yuki) if one.name == argument.lower()), None)
    if member is None:
        _needed(argument, f"who? {', '.join(members(session))}")
        raise RefusedError(f"there is no {argument} (there is: {', '.join(members(session))})")
    session.member = member
    session.screen.note(f"you are {member.name}, whose Discord is in {member.user.locale}")


def members(session: Session) -> Sequence[str]:
    return [member.name for member in (session.world.alice, session.world.bob, session.world.yuki)]


def voice_channels(session: Session) -> Sequence[str]:
    return [f"#{session.world.voice.name}"]


def pressable(session: Session) -> Sequence[str]:
    """The labels of the newest message that has buttons."""
    for message in reversed(session.visible_messages()):
        if found := buttons(message):
            return [str(button.get("label") or button["custom_id"]) for button in found]
    return ()


def _needed(argument: str, question: str) -> str:
    if not argument:
        raise RefusedError(question)
    return argument
