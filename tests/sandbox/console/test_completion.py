"""Tab knows what the bot registered, and nothing else."""

from __future__ import annotations

import pytest

from sandbox.console import slash_line
from sandbox.console.completion import ConsoleCompleter
from sandbox.console.session import Session

COMMANDS = [
    {
        "name": "play",
        "description": "Play a track",
        "options": [{"type": 3, "name": "query", "description": "Words or a URL", "required": True}],
    },
    {"name": "pause", "description": "Pause"},
    {
        "name": "settings",
        "description": "Settings",
        "options": [
            {
                "type": 1,
                "name": "language",
                "description": "The server's language",
                "options": [
                    {
                        "type": 3,
                        "name": "code",
                        "description": "Which",
                        "choices": [{"name": "English", "value": "en"}, {"name": "Japanese", "value": "ja"}],
                    },
                    {"type": 5, "name": "quiet", "description": "Without a word"},
                ],
            }
        ],
    },
]


@pytest.fixture
def completer(session: Session) -> ConsoleCompleter:
    session.world.discord.world.commands.replace(None, COMMANDS)
    return ConsoleCompleter(session)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("/p", ["play", "pause"]),
        ("/play", ["play"]),
        ("/nothing", []),
        ("/play ", ["query:"]),
        ("/settings ", ["language"]),
        ("/settings language ", ["English", "Japanese", "code:", "quiet:"]),
        ("/settings language code:J", ["Japanese"]),
        ("/settings language code:Japanese q", ["quiet:"]),
        ("/pause now", []),
        ("do", ["down"]),
        ("down l", ["lavalink"]),
        ("join ", ["#music"]),
        ("as y", ["yuki"]),
    ],
)
async def test_what_is_offered(completer: ConsoleCompleter, line: str, offered: list[str]) -> None:
    assert [text for text, _, _ in await completer.suggestions(line)] == offered


async def test_before_the_bot_registered_anything_no_command_is_offered(session: Session) -> None:
    assert await ConsoleCompleter(session).suggestions("/") == []


@pytest.mark.parametrize(
    ("line", "command", "options"),
    [
        ("/pause", "pause", {}),
        ("/play morning light", "play", {"query": "morning light"}),
        ("/play https://example.com/a?b=c:d", "play", {"query": "https://example.com/a?b=c:d"}),
        ("/play query:morning: the album", "play", {"query": "morning: the album"}),
        ("/settings language ja", "settings language", {"code": "ja"}),
        ("/settings language code:ja quiet:true", "settings language", {"code": "ja", "quiet": "true"}),
        ("/unknown thing", "unknown", None),
    ],
)
def test_a_line_becomes_a_command_and_its_options(line: str, command: str, options: dict[str, str] | None) -> None:
    typed = slash_line.read(line, COMMANDS)
    assert typed.command == command
    if options is None:
        with pytest.raises(ValueError, match="takes no options"):
            typed.options()
    else:
        assert typed.options() == options
