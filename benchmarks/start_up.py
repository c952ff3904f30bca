"""What it costs to begin: ``--help`` beside a bare Python, ``status`` and a run with nothing to do on the shop.

python -m benchmarks start_up [--rounds 3] [--quick]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure
from benchmarks.processes import STARTRAIL, cpu

_BARE = (sys.executable, "-c", "pass")


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians; the commands take turns. The first turn, which may still compile, does not count."""
    with tempfile.TemporaryDirectory() as place:
        shop = Path(place) / "shop"
        cpu([*STARTRAIL, "init", "--example", "shop", shop])
        cpu([*STARTRAIL, "run"], shop)
        commands = {
            "bare Python": _BARE,
            "--help": (*STARTRAIL, "--help"),
            "status, shop": (*STARTRAIL, "status"),
            "run with nothing to do, shop": (*STARTRAIL, "run"),
        }
        turns = 2 if quick else 1 + 7 * rounds
        found = [{name: cpu(command, shop) for name, command in commands.items()} for _ in range(turns)][1:]
    cost = {name: median(turn[name] for turn in found) for name in commands}
    return [
        *(Figure(f"start-up: {name}", seconds * 1000, "ms CPU", _GOALS.get(name)) for name, seconds in cost.items()),
        Figure("start-up: --help, to bare Python", cost["--help"] / cost["bare Python"], "x", 5),
    ]


_GOALS = {"status, shop": 150.0, "run with nothing to do, shop": 1000.0}
