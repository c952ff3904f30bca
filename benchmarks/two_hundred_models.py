"""Two hundred small models, as a chain and as a fan: first build, nothing to do, rebuild; dbt and SQLMesh beside us.

    python -m benchmarks two_hundred_models [--rounds 3] [--quick]

The same SQL for everybody, over the same thousand rows. *First* builds everything in an empty folder; dbt's seed is
not counted, the load of our source under its contract is. *Nothing to do* is the same command again (``sqlmesh run``,
the cheapest of its commands; dbt always rebuilds). *Rebuild* builds all models again: for us because a second file was
delivered, for dbt a second ``dbt run`` with its parse cache warm, for SQLMesh a restatement of every model.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import peers
from benchmarks.figures import Figure
from benchmarks.processes import STARTRAIL, cpu, output, put

SHAPES = ("chain", "fan")
HEAVY = ("duckdb", "pyarrow", "pyiceberg", "sqlglot")
"""What a run with nothing to do must not import."""
_ROWS = 1000

Costs = dict[str, float]
"""CPU seconds by turn: first, nothing, rebuild."""


class Contender(NamedTuple):
    """One tool: how its project is written, one round in it, and the count and sum of its last model."""

    write: Callable[[Path, str, int], None]
    round: Callable[[Path], Costs]
    answer: Callable[[Path, str], list[int]]


def figures(rounds: int = 3, *, quick: bool = False) -> list[Figure]:
    """Medians of the rounds; in each, the tools take turns, so that a busy machine is busy for all of them."""
    models = 20 if quick else 200
    for peer in ("dbt", "sqlmesh"):
        print(f"beside us: {peers.versions(peer)}", file=sys.stderr)
    return [figure for shape in SHAPES for figure in _shape(shape, models, rounds)]


def _shape(shape: str, models: int, rounds: int) -> list[Figure]:
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        for tool, contender in CONTENDERS.items():
            contender.write(Path(place) / tool, shape, models)
        for _ in range(rounds):
            for tool, contender in CONTENDERS.items():
                for turn, seconds in contender.round(Path(place) / tool).items():
                    found.setdefault((tool, turn), []).append(seconds)
        _compare(Path(place), models)
        _imports_nothing_heavy(Path(place) / "startrail")
    cost = {key: median(each) for key, each in found.items()}
    named = f"{models} models, {shape}"
    return [
        *(Figure(f"{named}: {turn}, {tool}", seconds) for (tool, turn), seconds in sorted(cost.items(), key=_by_turn)),
        Figure(f"{named}: first, to dbt", cost["startrail", "first"] / cost["dbt", "first"], "x", 0.5),
        Figure(f"{named}: rebuild, to dbt", cost["startrail", "rebuild"] / cost["dbt", "rebuild"], "x", 0.5),
        Figure(f"{named}: nothing to do, to SQLMesh", cost["startrail", "nothing"] / cost["sqlmesh", "nothing"], "x", 0.1),
    ]


def _by_turn(item: tuple[tuple[str, str], float]) -> tuple[int, int]:
    (tool, turn), _ = item
    return ("first", "nothing", "rebuild").index(turn), list(CONTENDERS).index(tool)


def _compare(place: Path, models: int) -> None:
    """Rows and sum of the last model are the same everywhere, else nothing was measured."""
    answers = {tool: contender.answer(place / tool, _name(models - 1)) for tool, contender in CONTENDERS.items()}
    assert len({str(answer) for answer in answers.values()}) == 1, answers


def _imports_nothing_heavy(root: Path) -> None:
    code = f"import sys; sys.argv[1:] = ['run']; from startrail.cli.app import app; app(); print({set(HEAVY)} & set(sys.modules))"
    loaded = output([sys.executable, "-c", code], root).splitlines()[-1]
    assert loaded == "set()", f"a run with nothing to do imported {loaded}"


# -- the projects ------------------------------------------------------------------------------------------
def _name(number: int) -> str:
    return f"m{number:03d}"


def _models(shape: str, count: int) -> dict[str, str | None]:
    """Model -> the model it reads; None for the rows that came from outside."""
    return {_name(number): None if number == 0 or shape == "fan" else _name(number - 1) for number in range(count)}


def _select(name: str, table: str) -> str:
    number = int(name[1:])
    return f"select id, day, kind, amount + {number % 7} as amount from {table} where amount > {number % 3}\n"


def _rows(first: int) -> str:
    lines = (f"{n},2026-01-{n % 28 + 1:02d},kind {n % 5},{n % 100 + 10}" for n in range(first, first + _ROWS))
    return "\n".join(("id,day,kind,amount", *lines)) + "\n"


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
      - {name: kind, logicalType: string, required: true}
      - {name: amount, logicalType: integer, required: true}
"""


def _write_startrail(root: Path, shape: str, count: int) -> None:
    put(root / "startrail.yml", "name: bench\n")
    feed = 'feed: {kind: folder, path: upstream, pattern: "events_*.csv"}\n'
    put(root / "sources/events.yml", f"{feed}contract: events\ninto: raw.events\n")
    put(root / "contracts/events.odcs.yml", _CONTRACT)
    put(root / "upstream/events_1.csv", _rows(0))
    for name, before in _models(shape, count).items():
        table = f"marts.{before}" if before else "raw.events"
        put(root / f"models/marts/{name}.sql", "/* startrail\nkind: table\n*/\n" + _select(name, table))


def _round_startrail(root: Path) -> Costs:
    second = root / "upstream/events_2.csv"
    second.unlink(missing_ok=True)
    shutil.rmtree(root / ".startrail", ignore_errors=True)
    run = (*STARTRAIL, "run")
    first, nothing = cpu(run, root), cpu(run, root)
    second.write_text(_rows(_ROWS))
    return {"first": first, "nothing": nothing, "rebuild": cpu(run, root)}


def _answer_startrail(root: Path, name: str) -> list[int]:
    """Of the rows that the others have too; the second file is ours alone."""
    sql = f"select count(*) as n, sum(amount) as s from marts.{name} where id < {_ROWS}"
    row = json.loads(output([*STARTRAIL, "query", sql, "--format", "json"], root).splitlines()[0])
    return [int(row["n"]), int(row["s"])]


def _write_dbt(root: Path, shape: str, count: int) -> None:
    put(root / "dbt_project.yml", "name: bench\nversion: '1.0'\nprofile: bench\nmodels:\n  +materialized: table\n")
    outputs = "{dev: {type: duckdb, path: bench.duckdb, threads: 2}}"
    put(root / "profiles.yml", f"bench:\n  target: dev\n  outputs: {outputs}\n")
    put(root / "seeds/events.csv", _rows(0))
    for name, before in _models(shape, count).items():
        put(root / f"models/{name}.sql", _select(name, f"{{{{ ref('{before or 'events'}') }}}}"))


def _round_dbt(root: Path) -> Costs:
    dbt = peers.environment("dbt") / "dbt"
    shutil.rmtree(root / "target", ignore_errors=True)
    (root / "bench.duckdb").unlink(missing_ok=True)
    output([dbt, "--quiet", "seed"], root)
    shutil.rmtree(root / "target", ignore_errors=True)
    return {turn: cpu([dbt, "--quiet", "run"], root) for turn in ("first", "rebuild")}


def _answer_dbt(root: Path, name: str) -> list[int]:
    return _answer_duckdb(peers.environment("dbt"), root, f"main.{name}")


def _write_sqlmesh(root: Path, shape: str, count: int) -> None:
    connection = "{type: duckdb, database: bench.duckdb}"
    put(
        root / "config.yaml",
        f"gateways:\n  local:\n    connection: {connection}\ndefault_gateway: local\n"
        "model_defaults: {dialect: duckdb, start: 2026-01-01}\ndisable_anonymized_analytics: true\n",
    )
    put(root / "seeds/events.csv", _rows(0))
    columns = "(id bigint, day date, kind varchar, amount bigint)"
    put(root / "models/events.sql", f"MODEL (name raw.events, kind SEED (path '../seeds/events.csv'), columns {columns});\n")
    for name, before in _models(shape, count).items():
        table = f"marts.{before}" if before else "raw.events"
        put(root / f"models/{name}.sql", f"MODEL (name marts.{name}, kind FULL);\n\n{_select(name, table)}")


def _round_sqlmesh(root: Path) -> Costs:
    sqlmesh = peers.environment("sqlmesh") / "sqlmesh"
    shutil.rmtree(root / ".cache", ignore_errors=True)
    (root / "bench.duckdb").unlink(missing_ok=True)
    plan = (sqlmesh, "plan", "--auto-apply", "--no-prompts")
    return {
        "first": cpu(plan, root),
        "nothing": cpu([sqlmesh, "run"], root),
        "rebuild": cpu([*plan, "--restate-model", "marts.*"], root),
    }


def _answer_sqlmesh(root: Path, name: str) -> list[int]:
    return _answer_duckdb(peers.environment("sqlmesh"), root, f"marts.{name}")


def _answer_duckdb(programs: Path, root: Path, table: str) -> list[int]:
    sql = f"select count(*), sum(amount)::bigint from {table}"
    code = f"import duckdb; print(list(duckdb.connect('bench.duckdb').execute({sql!r}).fetchone()))"
    return json.loads(output([programs / "python", "-c", code], root))


CONTENDERS = {
    "startrail": Contender(_write_startrail, _round_startrail, _answer_startrail),
    "dbt": Contender(_write_dbt, _round_dbt, _answer_dbt),
    "sqlmesh": Contender(_write_sqlmesh, _round_sqlmesh, _answer_sqlmesh),
}
