"""Lineage of a thousand generated models, cold and warm; and of a corpus of statements, with peers beside us.

    python -m benchmarks lineage [--rounds 3] [--quick]

*Cold* is the command in a project that nobody has looked at, *warm* the same again, *one changed* after an edit of one
model in the middle. The corpus is our own: generated SELECTs, scripts and changes whose right answer is known. A peer
counts as right for a text when its direct edges are all of those and no others; none of them says what filters or joins.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.figures import Figure
from benchmarks.lineage_corpus import Case, corpus
from benchmarks.processes import STARTRAIL, cpu, output, put

_COLUMNS = 20
_PEERS = ("sqlglot", "sqllineage")
"""sqlglot is the parser that we stand on: its own lineage function is asked in our environment."""


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians of the rounds."""
    models = 50 if quick else 1000
    with tempfile.TemporaryDirectory() as place:
        return [*_project(Path(place), models, rounds), *_corpus(Path(place), 1 if quick else 20)]


# -- a project ---------------------------------------------------------------------------------------------
def _project(place: Path, models: int, rounds: int) -> list[Figure]:
    root = place / "project"
    _write(root, models)
    command = (*STARTRAIL, "lineage", f"marts.m{models - 1:04d}.c01", "--up", "--json")
    cold, warm, changed = [], [], []
    for number in range(rounds):
        shutil.rmtree(root / ".startrail", ignore_errors=True)
        cold.append(cpu(command, root))
        warm.append(cpu(command, root))
        _write_model(root, models // 2, models, extra=number + 1)
        changed.append(cpu(command, root))
    edges = sum(1 for line in output(command, root).splitlines() if '"type":"edge"' in line)
    assert edges > models / 10, edges
    return [
        Figure(f"lineage of {models} models, cold", median(cold), goal=30),
        Figure(f"lineage of {models} models, warm", median(warm), goal=1),
        Figure(f"lineage of {models} models, one changed", median(changed)),
    ]


_CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: events
version: 1.0.0
status: active
schema:
  - name: events
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: day, logicalType: date, required: true}
"""


def _write(root: Path, models: int) -> None:
    put(root / "startrail.yml", "name: bench\n")
    put(root / "sources/events.yml", "feed: {kind: folder, path: upstream}\ncontract: events\ninto: raw.events\n")
    columns = "".join(f"      - {{name: c{number:02d}, logicalType: integer}}\n" for number in range(_COLUMNS))
    put(root / "contracts/events.odcs.yml", _CONTRACT + columns)
    for number in range(models):
        _write_model(root, number, models)


def _write_model(root: Path, number: int, models: int, extra: int = 0) -> None:
    """Ten layers; each model joins two of the layer before, filters, aggregates and ranks."""
    width = max(1, models // 10)
    layer = number // width
    before = [f"marts.m{(layer - 1) * width + (number + step) % width:04d}" for step in (0, 7)] if layer else ["raw.events"] * 2
    shown = ", ".join(f"a.c{n:02d} + b.c{(n + number) % _COLUMNS:02d} as c{n:02d}" for n in range(1, _COLUMNS))
    sums = ", ".join(f"sum(c{n:02d}) as c{n:02d}" for n in range(1, _COLUMNS))
    put(
        root / f"models/marts/m{number:04d}.sql",
        "/* startrail\nkind: table\n*/\n"
        f"with joined as (\n  select a.id, a.day, a.c00, {shown}\n"
        f"  from {before[0]} as a join {before[1]} as b on a.id = b.id\n"
        f"  where a.c{number % _COLUMNS:02d} > {number + extra}\n)\n"
        f"select id, day, c00, {sums}\nfrom joined group by id, day, c00\n"
        "qualify rank() over (partition by day order by c00) < 10\n",
    )


# -- a corpus ----------------------------------------------------------------------------------------------
def _corpus(place: Path, times: int) -> list[Figure]:
    cases = corpus()
    put(place / "cases.json", json.dumps([case._asdict() for case in cases]))
    found: list[Figure] = []
    for tool in ("startrail", *_PEERS):
        answer = _asked(tool, place, times)
        right = sum(_right(case, edges) for case, edges in zip(cases, answer["edges"], strict=True))
        found.append(Figure(f"{len(cases)} statements, {tool}: answered right", right, "statements"))
        found.append(Figure(f"{len(cases)} statements, {tool}: each", answer["seconds"] / times / len(cases) * 1000, "ms CPU"))
    return found


def _asked(tool: str, place: Path, times: int) -> dict:
    script = Path(__file__).with_name("lineage_peers.py")
    python = STARTRAIL[0] if tool in ("startrail", "sqlglot") else peers.environment(tool) / "python"
    return json.loads(output([python, script, tool, place / "cases.json", str(times)], place).splitlines()[-1])


def _right(case: Case, edges: list[list[str]] | None) -> bool:
    return edges is not None and {tuple(edge) for edge in edges} == {tuple(edge) for edge in case.direct}
