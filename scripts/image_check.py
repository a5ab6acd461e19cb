"""Runs the bot's image against the sandbox: non-root, healthy, one play recorded, still there in a new container."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sandbox.world import World

NAME = VOLUME = "discord-music-ai-bot-check"
STOP_SECONDS = 10
PLAYS = "import sqlite3; print(sqlite3.connect('file:/data/bot.db?mode=ro', uri=True).execute({query!r}).fetchall())"
QUERY = "SELECT track_title, end_reason FROM music_history"


class Engine:
    """Docker's or podman's command line."""

    def __init__(self, command: list[str], image: str) -> None:
        self._command = command
        # Left to itself podman asks for more than a machine that is a container may give.
        self._limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
        self._image = image

    def run(self, *arguments: str) -> str:
        """What the engine prints. Raises CalledProcessError, after showing why."""
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            done.check_returncode()
        return done.stdout.strip()

    def forget(self) -> None:
        """Remove what an earlier run may have left."""
        for what in (("rm", "--force", NAME), ("volume", "rm", "--force", VOLUME)):
            subprocess.run([*self._command, *what], capture_output=True, check=False)

    def start(self, environment: dict[str, str], roots: Path) -> None:
        """A new container as docker-compose.yml makes it, but on the host's network, where the sandbox is."""
        settings = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        hardening = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        mounts = ["--volume", f"{VOLUME}:/data", "--volume", f"{roots}:{roots}:ro"]
        self.run(
            "run",
            "--detach",
            f"--name={NAME}",
            "--network=host",
            *self._limits,
            *hardening,
            *mounts,
            *settings,
            self._image,
        )

    def log(self) -> str:
        """What the bot printed; empty where there is no container."""
        done = subprocess.run([*self._command, "logs", NAME], capture_output=True, text=True, check=False)
        return f"{done.stdout}{done.stderr}" if done.returncode == 0 else ""

    def python(self, code: str) -> str:
        return self.run("exec", NAME, "python", "-c", code)

    def healthy(self) -> bool:
        """Whether the image's own HEALTHCHECK passes."""
        check = json.loads(self.run("inspect", "--format", "{{json .Config.Healthcheck}}", NAME))["Test"]
        done = subprocess.run([*self._command, "exec", NAME, *check[1:]], capture_output=True, check=False)
        return done.returncode == 0

    def stop(self) -> int:
        """SIGTERM, then the container goes and the volume stays; the bot's exit code (137: it had to be killed)."""
        self.run("stop", "--time", str(STOP_SECONDS), NAME)
        code = int(self.run("inspect", "--format", "{{.State.ExitCode}}", NAME))
        self.run("rm", NAME)
        return code


def confirm(holds: bool, what: str) -> None:
    """Say that something holds, or end here."""
    print(f"  {'✓' if holds else '✗'} {what}", flush=True)
    if not holds:
        raise SystemExit(f"the image check failed: {what}")


async def check(engine: Engine) -> None:
    async with World(supabase=False) as world:
        environment = world.environment(Path("/data"))
        engine.start(environment, world.gemini.roots_file)
        await world.discord.bot_ready(30)
        confirm(int(engine.python("import os; print(os.getuid())")) != 0, "the bot is not root")
        confirm(engine.healthy(), "its HEALTHCHECK passes")
        await world.alice.join(world.voice)
        use = await world.alice.slash("play", {"query": "morning"}, channel=world.general)
        await use.answered(15)
        await world.lavalink.until(lambda: any(player.playing for player in world.lavalink.players()), 15)
        confirm(engine.stop() == 0, f"SIGTERM ends it with 0 within {STOP_SECONDS} s")
        await world.discord.bot_gone()
        engine.start(environment, world.gemini.roots_file)
        await world.discord.bot_ready(30)
        plays = engine.python(PLAYS.format(query=QUERY))
        confirm("Morning Light" in plays, f"the play is still there in a new container: {plays}")
        confirm(engine.stop() == 0, "it stops cleanly again")


def main() -> int:
    image, *command = sys.argv[1:]
    engine = Engine(command, image)
    engine.forget()
    try:
        asyncio.run(check(engine))
    except BaseException:
        print(engine.log(), file=sys.stderr)
        raise
    finally:
        engine.forget()
    return 0


if __name__ == "__main__":
    sys.exit(main())
