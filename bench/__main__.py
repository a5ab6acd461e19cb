"""`python -m bench`: the median of three runs of every figure and one soak, as a table and in bench/figures.json."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure
from bench.figures import FIGURES
from bench.soak import soak

RUNS = 3
RESULT = Path(__file__).with_name("figures.json")


def machine() -> str:
    """The machine in a line."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


async def run() -> list[Figure]:
    """Every figure, the run with the median ratio, but with the worst that each bound saw; the soak once, being ten
    minutes long."""
    figures: list[Figure] = []
    for measure in FIGURES:
        runs = sorted([await measure() for _ in range(RUNS)], key=lambda figure: figure.ratio)
        worst = zip(*(each.bounds for each in runs), strict=True)
        bounds = tuple(max(bound, key=lambda each: each.value) for bound in worst)
        figures.append(replace(runs[RUNS // 2], bounds=bounds))
        print(line(figures[-1]), flush=True)
    for figure in await soak():
        figures.append(figure)
        print(line(figure), flush=True)
    return figures


def line(figure: Figure) -> str:
    """A figure as a line of the table."""
    mark = "✓" if figure.reached else "✗"
    said = "; ".join([*map(str, figure.bounds), *([figure.note] if figure.note else [])])
    return (
        f"{mark} {figure.name:<36} {figure.baseline:>12,.2f} {figure.ours:>12,.2f} {figure.unit:<9} "
        f"{figure.ratio:>9,.2f}x (to reach {figure.to_reach:,.2f}x)  {said}"
    )


def main() -> int:
    """The exit code: 0 where every figure is reached."""
    print(f"  {'figure':<36} {'baseline':>12} {'ours':>12}\n")
    figures = asyncio.run(run())
    result = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "figures": [asdict(figure) | {"reached": figure.reached} for figure in figures],
    }
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{result['machine']}, {result['date']}; also in {RESULT.name}")
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
