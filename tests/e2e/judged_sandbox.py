"""`python -m sandbox`, which fails at its end where the bot has sent what is not as it is documented."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Self

import sandbox.console.main
from sandbox.world import World
from tests.e2e.conftest import Town


class JudgedWorld(World):
    """A world that judges at its end what has happened in it."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._town = Town(self, Path(tempfile.gettempdir()))
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        self._town.judge()


if __name__ == "__main__":
    sandbox.console.main.World = JudgedWorld
    sys.exit(sandbox.console.main.main())
