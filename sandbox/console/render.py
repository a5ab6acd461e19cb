"""Messages as Discord's client shows them, for a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from sandbox.discord.messages import Message, walk
from sandbox.discord.payload import Json, as_objects

BUTTON, STRING_SELECT, TEXT_DISPLAY = 2, 3, 10
BUTTON_STYLES = {
    1: "white on blue",
    2: "white on grey30",
    3: "white on green4",
    4: "white on red3",
    5: "underline",
}
MARKDOWN = re.compile(
    r"^-# (?P<small>.+)$|\\(?P<escaped>[^\w\s])|\*\*(?P<bold>.+?)\*\*|`(?P<code>[^`\n]+)`"
    r"|\[(?P<link>[^\]]+)\]\(<?[^)>\s]+>?\)",
    re.MULTILINE,
)
PRIVATE = "Only you can see this"


def rendered(message: Message) -> RenderableType:
    """The whole message: who it is from, content, embeds, buttons, and the mark of an ephemeral answer."""
    parts: list[RenderableType] = [_heading(message)]
    if message.loading:
        parts.append(Text("is thinking…", style="italic dim"))
    if message.deleted:
        parts.append(Text("(deleted)", style="dim"))
    names = _names(message)
    parts += [_indented(part) for part in _body(message, names)]
    if message.ephemeral:
        parts.append(_indented(Text(f"👁 {PRIVATE}", style="dim")))
    return Group(*parts)


def _heading(message: Message) -> Text:
    heading = Text(message.author.name, style="bold magenta" if message.author.bot else "bold cyan")
    if message.author.bot:
        heading.append(" APP", style="reverse blue")
    use = message.interaction
    if use is not None and use.name:
        heading.append(f"  {use.person.name} used {'/' if use.source is None else ''}{use.name}", style="dim")
    if message.reference is not None:
        heading.append(f"  replying to {message.reference.author.name}", style="dim")
    if message.channel.guild is None:
        heading.append("  direct message", style="dim")
    if message.edits:
        heading.append("  (edited)", style="dim")
    return heading


def _body(message: Message, names: Callable[[str], str]) -> Iterable[RenderableType]:
    if message.content:
        yield markdown(names(message.content))
    for embed in message.embeds:
        yield _embed(embed, names)
    for part in message.components:
        yield from _component(part, names)
    for attachment in message.attachments:
        yield Text(f"📎 {attachment.get('filename')}")


def _embed(embed: Json, names: Callable[[str], str]) -> Panel:
    lines: list[RenderableType] = []
    if author := embed.get("author", {}).get("name"):
        lines.append(Text(author, style="dim"))
    if description := embed.get("description"):
        lines.append(markdown(names(description)))
    lines += [_field(field, names) for field in as_objects(embed.get("fields"))]
    if footer := embed.get("footer", {}).get("text"):
        lines.append(Text(footer, style="dim"))
    color = embed.get("color")
    return Panel(
        Group(*lines),
        title=markdown(embed["title"]) if embed.get("title") else None,
        title_align="left",
        border_style=f"#{color:06x}" if color else "grey50",
        expand=False,
    )


def _field(field: Json, names: Callable[[str], str]) -> Text:
    # A name has to be there; one of a zero-width space shows as none.
    name = field["name"].replace("\u200b", "").strip()
    return Text.assemble((f"{name}  " if name else "", "bold"), markdown(names(field["value"])))


def _component(part: Json, names: Callable[[str], str]) -> Iterable[RenderableType]:
    for one in walk([part]):
        if one["type"] == TEXT_DISPLAY:
            yield markdown(names(one["content"]))
    pressable = [_pressable(one) for one in walk([part]) if one["type"] in (BUTTON, STRING_SELECT)]
    if pressable:
        yield Text("  ").join(pressable)


def _pressable(part: Json) -> Text:
    if part["type"] == STRING_SELECT:
        return Text(f"[{part.get('placeholder') or 'choose'} ▾]", style="white on grey30")
    emoji: Json = part.get("emoji") or {}
    label = f"{emoji.get('name') or ''} {part.get('label') or ''}".strip()
    return Text(f"[{label}]", style="dim" if part.get("disabled") else BUTTON_STYLES.get(part["style"], ""))


def markdown(text: str) -> Text:
    """Discord's bold, small print, code, links and escapes; the rest as it was written."""
    result, at = Text(), 0
    for found in MARKDOWN.finditer(text):
        result.append(text[at : found.start()])
        if (bold := found["bold"]) is not None:
            result.append_text(_styled(bold, "bold"))
        elif (small := found["small"]) is not None:
            result.append_text(_styled(small, "dim"))
        elif (code := found["code"]) is not None:
            result.append(code, style="cyan")
        elif (link := found["link"]) is not None:
            result.append(link, style="underline")
        else:
            result.append(found["escaped"])
        at = found.end()
    result.append(text[at:])
    return result


def _styled(text: str, style: str) -> Text:
    styled = markdown(text)
    styled.stylize(style)
    return styled


def _names(message: Message) -> Callable[[str], str]:
    """Mentions as names, as the client shows them."""
    world = message.channel.world

    def name(found: re.Match[str]) -> str:
        user = world.users.get(int(found["user"])) if found["user"] else None
        channel = world.channels.get(int(found["channel"])) if found["channel"] else None
        if user is not None:
            return f"@{user.name}"
        return f"#{channel.name}" if channel is not None else found[0]

    return lambda text: re.sub(r"<@!?(?P<user>\d+)>|<#(?P<channel>\d+)>", name, text)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)
