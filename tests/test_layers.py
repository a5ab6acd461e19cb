"""Imports go one way: bot -> cogs -> services; the sandbox stands beside them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each vendor's package, and the modules or packages that may know it.
VENDORS = {
    "google": ("services.gemini",),
    "grpc": ("services.gemini",),
    "supabase": ("services.replication",),
    "postgrest": ("services.replication",),
    "httpx": ("services.replication",),
    "wavelink": ("services.lavalink", "cogs", "bot"),
    "discord": ("cogs", "bot", "services.lavalink"),
}
# What each layer may import of the project's own code.
LAYERS = {
    "bot": ("cogs", "services"),
    "cogs": ("cogs", "services"),
    "services": ("services",),
    "sandbox": ("sandbox",),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the bot and the sandbox: dotted name and file."""
    for layer in LAYERS:
        files = [ROOT / f"{layer}.py"] if (ROOT / f"{layer}.py").exists() else (ROOT / layer).rglob("*.py")
        for path in sorted(files):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def imports(module: str, path: Path) -> set[str]:
    """Dotted names that `path` imports anywhere in it, also in functions and by `importlib.import_module`."""
    found: set[str] = set()
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case ast.ImportFrom(module=source, names=names, level=level):
                start = package[: len(package) - level + 1] if level else []
                base = ".".join([*start, *([source] if source else [])])
                found.update(f"{base}.{name.name}" for name in names)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                found.add(name)
            case _:
                pass
    return found


def within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


MODULES = dict(modules())
EDGES = [(module, name) for module, path in MODULES.items() for name in imports(module, path)]


def test_the_walk_sees_the_project() -> None:
    assert {name.split(".")[0] for name in MODULES} == LAYERS.keys()
    assert ("services.errors", "services.i18n.say") in EDGES


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_what_is_below_it(layer: str) -> None:
    own = (*LAYERS, "tests", "bench", "scripts")
    wrong = [
        f"{module} imports {name}"
        for module, name in EDGES
        if within(module, (layer,)) and within(name, own) and not within(name, LAYERS[layer])
    ]
    assert not wrong


def test_cogs_never_import_each_other() -> None:
    wrong: list[str] = []
    for module, name in EDGES:
        if within(module, ("cogs",)) and within(name, ("cogs",)) and not within(name, ("cogs.common",)):
            mine, theirs = module.split(".")[1:2], name.split(".")[1:2]
            if mine != theirs:
                wrong.append(f"{module} imports {name}")
    assert not wrong


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_package_is_known_to_one_place(vendor: str) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, name in EDGES
        if within(name, (vendor,)) and not within(module, (*VENDORS[vendor], "sandbox"))
    ]
    assert not wrong
