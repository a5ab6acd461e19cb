"""Tab: the commands and options that the bot registered, its own suggestions, and the console's verbs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from sandbox.console import slash_line
from sandbox.console.session import Session
from sandbox.console.verbs import VERBS
from sandbox.discord.payload import Json, as_objects

SUGGESTION_TIMEOUT = 1.5


class ConsoleCompleter(Completer):
    """Completes what stands before the cursor."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Nothing: the bot is asked for suggestions, so completion is asynchronous."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        line = document.text_before_cursor
        for text, typed, help in await self.suggestions(line):
            yield Completion(text, start_position=-len(typed), display_meta=help)

    async def suggestions(self, line: str) -> list[tuple[str, str, str]]:
        """What could stand there, what of it is typed already, and what it means."""
        if line.startswith("/"):
            return await self._slash(line)
        word, space, argument = line.partition(" ")
        if not space:
            known = [(verb.name, verb.help) for verb in VERBS.values()]
            known += [("@bot", "mention the bot"), ("help", ""), ("quit", "")]
            return [(name, word, help) for name, help in known if name.startswith(word)]
        if word not in VERBS:
            return []
        choices = VERBS[word].choices(self._session)
        return [(one, argument, "") for one in choices if one.casefold().startswith(argument.casefold())]

    async def _slash(self, line: str) -> list[tuple[str, str, str]]:
        commands = self._session.commands
        name, space, _ = line[1:].partition(" ")
        if not space:
            return _named(commands, name)
        typed = slash_line.read(line, commands)
        inner = slash_line.inner_options(typed.command, commands)
        steps = [one for one in inner if one["type"] in slash_line.SUBCOMMAND_TYPES]
        if steps:
            return _named(steps, typed.rest)
        try:
            return await self._values(typed)
        except ValueError:
            return []  # there is more typed than the command takes

    async def _values(self, typed: slash_line.SlashLine) -> list[tuple[str, str, str]]:
        given = typed.options()
        word = typed.rest.rpartition(" ")[2]
        names = [one for one in typed.known if one["name"] not in given or not typed.rest]
        found = [(f"{one['name']}:", word, one["description"]) for one in names if one["name"].startswith(word)]
        name, value = next(reversed(given.items()), (typed.known[0]["name"] if typed.known else "", ""))
        option = next((one for one in typed.known if one["name"] == name), None)
        if option is None:
            return found
        return [*[(text, value, "") for text in await self._choices(typed, option, value)], *found]

    async def _choices(self, typed: slash_line.SlashLine, option: Json, value: str) -> Sequence[str]:
        fixed = [str(choice["name"]) for choice in as_objects(option.get("choices"))]
        if fixed or not option.get("autocomplete"):
            return [choice for choice in fixed if choice.casefold().startswith(value.casefold())]
        session = self._session
        others = {name: text for name, text in typed.options().items() if name != option["name"]}
        try:
            answer = await session.member.autocomplete(
                typed.command,
                option["name"],
                value,
                channel=session.world.general,
                options=others,
                timeout=SUGGESTION_TIMEOUT,
            )
        except (TimeoutError, ValueError, PermissionError):
            return ()  # as in Discord, where a bot that does not suggest leaves the list empty
        return [str(choice["value"]) for choice in answer]


def _named(parts: Sequence[Json], typed: str) -> list[tuple[str, str, str]]:
    return [(one["name"], typed, one.get("description", "")) for one in parts if one["name"].startswith(typed)]
