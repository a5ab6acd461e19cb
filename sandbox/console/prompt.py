"""The prompt, for a terminal."""

from __future__ import annotations

import contextlib
import sys
import termios
from collections.abc import Generator

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.markup import escape
from rich.table import Table

from sandbox.console import conditions, faults, verbs
from sandbox.console.completion import ConsoleCompleter
from sandbox.console.script import FAULTS
from sandbox.console.session import Session

LEAVING = ("quit", "exit")


async def converse(session: Session) -> None:
    """Take lines until the user leaves: quit, Ctrl-D, or Ctrl-C at the prompt."""
    prompt: PromptSession[str] = PromptSession(
        completer=ConsoleCompleter(session), complete_while_typing=False, history=InMemoryHistory()
    )
    with patch_stdout(raw=True):
        while True:
            try:
                line = (await prompt.prompt_async(HTML(f"<b>{session.member.name}</b>&gt; "))).strip()
            except (EOFError, KeyboardInterrupt):
                return
            if line in LEAVING:
                return
            await _do(session, line)


async def _do(session: Session, line: str) -> None:
    if line == "help":
        session.screen.show(help_table(session))
    elif line:
        try:
            with _unechoed():
                await verbs.run_line(session, line, chat=True)
        except FAULTS as error:
            session.screen.problem(str(error))


@contextlib.contextmanager
def _unechoed() -> Generator[None]:
    """What is typed ahead would be written into the middle of the answer; the next prompt shows it."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def help_table(session: Session) -> Table:
    """All verbs, the faults with the services that can suffer them, and the conditions of expect and wait."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("/COMMAND …", "use a slash command of the bot's; Tab shows them and their options")
    table.add_row("TEXT", "anything that begins with no verb is written in #general")
    suffering = {fault.name: fault.services(session) for fault in faults.FAULTS}
    for verb in verbs.VERBS.values():
        whose = f" — {', '.join(suffering[verb.name])}" if verb.name in suffering else ""
        table.add_row(escape(f"{verb.name} {verb.arguments}"), verb.help + whose)
    table.add_row(f"  {faults.SEED}N", "chance decides where a fault strikes, the same way for the same number")
    for text, help in conditions.HELP.items():
        table.add_row(escape(f"  CONDITION: {text}"), help)
    table.add_row("help", "this list")
    table.add_row("quit", "end the sandbox; Ctrl-D and Ctrl-C do too")
    return table
