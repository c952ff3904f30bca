"""How each tool is given the files: six ordinary ones, then the one that counts."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.processes import STARTRAIL, put

QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1", "RUNTIME__LOG_LEVEL": "CRITICAL"}

Found = dict[str, Any]
"""``told``: what the tool said of the last file, empty for nothing. ``rows``: what is loaded of it, values as text.
``aside``: rows that it says it set aside, None for the whole file. ``cpu``: seconds for all files; for us and
datacontract of the whole process."""

_TYPES = {
    "id": ("integer", ""), "name": ("string", ""), "amount": ("number", "decimal(10,2)"), "placed_on": ("date", ""),
    "quantity": ("integer", ""), "status": ("string", ""), "email": ("string", ""),
}  # fmt: skip


def startrail(folder: Path, form: str, files: Sequence[Path]) -> Found:
    """A folder feed under a contract with the default policy, one run after each file."""
    put(folder / "startrail.yml", "name: drift\n")
    put(folder / "contracts/orders.odcs.yml", contract())
    put(
        folder / "sources/orders.yml",
        f"feed: {{kind: folder, path: inbox, format: {form}}}\ncontract: orders\ninto: raw.orders\n",
    )
    (folder / "inbox").mkdir()
    cpu, told, aside = 0.0, "", None
    for at, file in enumerate(files):
        (folder / "inbox" / f"orders_{at + 1}{file.suffix}").write_bytes(file.read_bytes())
        before = _children()
        done = subprocess.run([*STARTRAIL, "run", "--json"], cwd=folder, capture_output=True, text=True, check=False)
        cpu += _children() - before
        events = [json.loads(line) for line in done.stdout.splitlines()]
        kinds = {each["finding"]["kind"] for each in events if each["type"] == "drift_found"}
        told = ", ".join(sorted(kinds)) or ("held" if any(each["type"] == "delivery_held" for each in events) else "")
        counts = [each["counts"] for each in events if each["type"] == "loaded"]
        held = any(each["type"] == "delivery_held" for each in events)
        aside = None if held else sum(each.get("quarantined", 0) for each in counts)
        assert at == len(files) - 1 or not told, f"file {at + 1} is as promised: {told}"
    sql = "select * exclude (_delivery, _ordinal) from raw.orders where id >= 7000000"
    asked = [*STARTRAIL, "query", sql, "--format", "json", "--limit", "100000"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True)
    rows = [_texts(json.loads(line)) for line in done.stdout.splitlines()]
    return {"told": told, "rows": rows, "aside": aside, "cpu": cpu}


def dlt(mode: str, folder: Path, form: str, files: Sequence[Path]) -> Found:
    """One pipeline run for each file."""
    child = Path(__file__).with_name("dlt_child.py")
    command = [peers.environment("dlt") / "python", child, folder, form, mode, *files]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, env=os.environ | QUIET)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def datacontract(folder: Path, form: str, files: Sequence[Path]) -> Found:
    """``datacontract test`` of the last file; it loads nothing."""
    server = f"servers:\n- server: local\n  type: local\n  path: {files[-1]}\n  format: {'csv' if form == 'csv' else 'json'}\n"
    server += "  delimiter: new_line\n" if form == "ndjson" else ""
    put(folder / "contract.odcs.yaml", contract() + server)
    before = _children()
    command = [str(peers.environment("datacontract") / "datacontract"), "test", str(folder / "contract.odcs.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | QUIET)
    told = "" if done.returncode == 0 else f"exit {done.returncode}"
    return {"told": told, "rows": None, "aside": 0, "cpu": _children() - before}


def duckdb(folder: Path, form: str, files: Sequence[Path]) -> Found:
    """The plain typed reading of the last file, which promises nothing."""
    del folder
    import duckdb as engine

    types = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(10,2)", "placed_on": "DATE", "quantity": "INTEGER"}
    columns = ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name in _TYPES)
    reader = "read_csv" if form == "csv" else "read_json"
    before = _self()
    try:
        with engine.connect() as connection:
            found = connection.execute(f"select * from {reader}('{files[-1]}', columns = {{{columns}}})")
            names = [column[0] for column in found.description or ()]
            rows = [_texts(dict(zip(names, each, strict=True))) for each in found.fetchall()]
    except engine.Error as error:
        return {"told": str(error)[:200], "rows": [], "aside": 0, "cpu": _self() - before}
    return {"told": "", "rows": rows, "aside": 0, "cpu": _self() - before}


def contract() -> str:
    """The promise, for every tool that reads ODCS."""
    lines = [
        "apiVersion: v3.2.0",
        "kind: DataContract",
        "id: orders",
        "name: orders",
        "version: 1.0.0",
        "status: active",
        "schema:",
    ]
    lines += ["- name: orders", "  logicalType: object", "  physicalType: table", "  properties:"]
    for name, (kind, physical) in _TYPES.items():
        lines += [f"  - name: {name}", f"    logicalType: {kind}"]
        lines += [f"    physicalType: {physical}"] if physical else []
        lines += ["    primaryKey: true", "    primaryKeyPosition: 1"] if name == "id" else []
        lines += ["    required: true"] if name in ("id", "amount", "status") else []
        if name == "status":
            lines += ["    enum: [{value: new}, {value: paid}, {value: sent}]"]
            lines += ["    quality:", "    - type: library", "      metric: invalidValues", "      arguments:"]
            lines += ["        validValues: [new, paid, sent]", "      mustBe: 0"]
    return "\n".join(lines) + "\n"


def _texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else value if isinstance(value, str) else str(value) for name, value in row.items()}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _self() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit("run: python -m benchmarks drift_seen")
