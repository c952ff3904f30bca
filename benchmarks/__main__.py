"""Run benchmarks, and print what they found in one table.

python -m benchmarks [name ...] [--rounds 3] [--quick]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib import import_module

from benchmarks.figures import Figure, table

NAMES = (
    "start_up",
    "project_reading",
    "two_hundred_models",
    "publishing",
    "loading",
    "formats",
    "drift_seen",
    "history",
    "lineage",
    "why",
    "transfer",
)


def main() -> int:
    """Exits with 1 when a goal was missed."""
    options = _options()
    found: list[Figure] = []
    for name in options.names or NAMES:
        started = time.monotonic()
        sized = {"size": options.size} if name == "formats" and options.size else {}
        if name == "transfer" and options.parts:
            sized = {"parts": tuple(options.parts.split(","))}
        found += import_module(f"benchmarks.{name}").figures(options.rounds, quick=options.quick, **sized)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    print(table(found))
    return 1 if any(figure.missed for figure in found) and not options.quick else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="name", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; default: 3")
    parser.add_argument("--quick", action="store_true", help="small inputs: do they work, not how fast are they")
    parser.add_argument("--size", type=int, help="megabytes of the files of formats; default: 200")
    parser.add_argument("--parts", help="parts of transfer: of small,large,wire,many,names,growing; default: all")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
