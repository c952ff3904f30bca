"""Which drift each tool sees, loses or silently corrupts: the same files for everybody, and what their producer meant.

    python -m benchmarks drift_seen [--quick]

Every tool loads six ordinary files, then the drifted one. A value is *wrong* when it is loaded and is not what the
producer meant; a record is *lost* when it is neither loaded nor named as set aside. *silent* says that the tool gave no
sign: no error, no failed check, nothing set aside. dlt runs with its schema contract as ``freeze`` and as
``discard_row``; ``datacontract test`` loads nothing, so it can only see or not see.

Then the speed of each on a large file as promised.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import peers
from benchmarks.drift_seen.cases import COLUMNS, Case, Row, cases, ordinary
from benchmarks.drift_seen.contenders import Found, datacontract, dlt, duckdb, startrail
from benchmarks.figures import Figure

TOOLS: dict[str, Callable[[Path, str, list[Path]], Found]] = {
    "startrail": startrail,
    "dlt freeze": partial(dlt, "freeze"),
    "dlt discard_row": partial(dlt, "discard_row"),
    "datacontract test": datacontract,
    "DuckDB typed": duckdb,
}
_LARGE = 100_000


class Outcome(NamedTuple):
    """What became of one file in one tool. ``lost`` and ``wrong`` count records; None where nothing is loaded."""

    told: str
    good: int | None = None
    lost: int = 0
    wrong: int = 0
    kept: bool = True

    @property
    def silent(self) -> int:
        """Records lost or wrong without a sign."""
        return 0 if self.told else self.lost + self.wrong

    def word(self, harmless: bool) -> str:
        parts = ["seen" if self.told else "" if harmless else "not seen"]
        if self.good is not None:
            parts.append(f"{self.good} right")
        parts += [f"{self.wrong} WRONG"] if self.wrong else []
        parts += [f"{self.lost} LOST"] if self.lost and not self.told else [f"{self.lost} not loaded"] if self.lost else []
        parts += [] if self.kept else ["field DROPPED"]
        return ", ".join(part for part in parts if part)


def figures(rounds: int = 1, *, quick: bool = False) -> list[Figure]:
    """Prints the table to standard error; the figures count the files."""
    del rounds  # what a tool makes of a file does not vary
    for peer in ("dlt", "datacontract"):
        print(f"beside us: {peers.versions(peer)}", file=sys.stderr)
    chosen = cases()[:6] if quick else cases()
    found = [(case, {tool: _outcome(tool, case) for tool in TOOLS}) for case in chosen]
    print(_table(found), file=sys.stderr)
    drifted = [each for case, each in found if not case.harmless]
    made = []
    for tool in TOOLS:
        seen = sum(bool(each[tool].told) for each in drifted)
        silent = sum(each[tool].silent for each in drifted)
        goal = 0 if tool == "startrail" else None
        made.append(Figure(f"drift in {len(drifted)} files: not seen by {tool}", len(drifted) - seen, "files", goal))
        if tool != "datacontract test":
            what = f"drift in {len(drifted)} files: records lost or wrong without a sign, {tool}"
            made.append(Figure(what, silent, "records", goal))
    return made + _speed(2_000 if quick else _LARGE)


def _outcome(tool: str, case: Case) -> Outcome:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        suffix = ".csv" if case.form == "csv" else ".ndjson"
        files = [root / f"{day}{suffix}" for day in range(1, 8)]
        for day, file in enumerate(files[:-1], 1):
            file.write_bytes(ordinary(case.form, day))
        files[-1].write_bytes(case.data)
        (root / "work").mkdir()
        return judged(TOOLS[tool](root / "work", case.form, files), case)


def judged(found: Found, case: Case) -> Outcome:
    """The tool's rows held against what the producer meant."""
    if found["rows"] is None:
        return Outcome(found["told"])
    good: set[int] = set()
    wrong = 0
    for each in found["rows"]:
        number = _number(each.get("id"))
        meant = case.meant.get(number) if number is not None else None
        if number is not None and meant is not None and number not in good and _same(each, meant):
            good.add(number)
        else:
            wrong += 1
    expected = len(case.meant)
    aside = expected if found["aside"] is None else found["aside"]
    lost = max(expected - len(good) - wrong - aside, 0)
    return Outcome(found["told"], len(good), lost, wrong, _kept(found, case))


def _same(each: dict[str, str | None], meant: Row) -> bool:
    return all(_equal(each.get(name), meant.get(name)) for name in COLUMNS)


def _equal(got: str | None, meant: object) -> bool:
    if got is None or meant is None or meant == "":
        return got in (None, "") and meant in (None, "")
    if got == str(meant):
        return True
    try:
        return Decimal(got) == Decimal(str(meant))
    except InvalidOperation:
        return False


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def _kept(found: Found, case: Case) -> bool:
    """The values of a field that the contract does not know are somewhere."""
    if case.kept is None or not found["rows"]:
        return True
    return all("gold" in (each.get(case.kept) or each.get("_extra") or "") for each in found["rows"])


def _speed(rows: int) -> list[Figure]:
    made = []
    for form in ("csv", "ndjson"):
        for tool in TOOLS:
            with tempfile.TemporaryDirectory() as place:
                file = Path(place) / f"large.{form}"
                file.write_bytes(ordinary(form, 7, rows))
                (Path(place) / "work").mkdir()
                found = TOOLS[tool](Path(place) / "work", form, [file])
            assert found["rows"] is None or len(found["rows"]) == min(rows, 100_000) or len(found["rows"]) == rows, tool
            made.append(Figure(f"{rows:,} {form} rows as promised: {tool}", found["cpu"]))
    return made


def _table(found: list[tuple[Case, dict[str, Outcome]]]) -> str:
    lines = ["| file | form | " + " | ".join(TOOLS) + " |", "|" + " --- |" * (len(TOOLS) + 2)]
    for case, outcomes in found:
        words = (outcome.word(case.harmless) or "no alarm" for outcome in outcomes.values())
        lines.append(f"| {case.name} | {case.form} | " + " | ".join(words) + " |")
    return "\n".join(lines)
