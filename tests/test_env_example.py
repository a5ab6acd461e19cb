"""`.env.example` is the operator's manual: it has to name every setting, with the default that holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from services.settings import Settings

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
EXAMPLE = dict(LINE.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
SETTINGS = {name.upper(): field for name, field in Settings.model_fields.items()}


def written(default: object) -> str:
    """A default as it would be written in `.env`."""
    if default is None or default is PydanticUndefined:
        return ""
    return ",".join(str(part) for part in default) if isinstance(default, tuple) else str(default)


def test_every_setting_is_in_the_example() -> None:
    assert not SETTINGS.keys() - EXAMPLE.keys()


def test_what_is_no_setting_is_used_by_the_compose_file() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    own = EXAMPLE.keys() - SETTINGS.keys() - {"COMPOSE_PROFILES"}  # that one is Docker Compose's
    assert own
    assert not {name for name in own if name not in compose}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_example_shows_the_default(name: str) -> None:
    assert EXAMPLE[name] == written(SETTINGS[name].get_default())


def test_only_what_is_required_is_not_commented_out() -> None:
    active = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert active == [name for name, field in SETTINGS.items() if field.is_required()]
