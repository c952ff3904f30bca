"""``startrail contract test``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.contract_files import find_contract, rows, sample_form, sample_options


@click.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("contract", metavar="NAME|FILE")
@sample_options
@options.folder
@options.as_json
def command(
    file: Path, contract: str, form: str | None, delimiter: str, encoding: str, records: str, root: Path, as_json: bool
) -> int:
    """Load FILE on trial under a contract: how many rows it would take, and what the others break.

    Nothing is kept. Exits with 1 when a row would be set aside.
    """
    from startrail.base.text import printable
    from startrail.wiring.exchange import trial

    with Console(as_json) as console:
        promised = find_contract(contract, root)
        with trial(file, sample_form(form, delimiter, encoding, records), promised) as outcome:
            refused = 0 if outcome.rejected is None else outcome.rejected.rows
            taken = sum(each.rows for each in outcome.files)
            for drift in outcome.drift:
                sample = f", such as {drift.sample}" if drift.sample else ""
                console.item(drift, f"{drift.kind:<18} {printable(drift.path, 60)} in {rows(drift.rows)}{printable(sample)}")
            under = f"under {promised.name} {printable(promised.version)}"
            if outcome.unreadable is not None:
                console.say(f"{printable(file.name)} would be held as a whole {under}: {printable(outcome.unreadable)}")
            else:
                split = f"{taken:,} would load + {refused:,} would be set aside"
                console.say(f"{rows(outcome.rows_in)} in = {split} {under}")
            console.result({
                "contract": promised.name, "version": promised.version, "rows_in": outcome.rows_in, "loaded": taken,
                "quarantined": refused, "held": outcome.unreadable, "kept": outcome.kept,
            })  # fmt: skip
            return 0 if refused == 0 and outcome.unreadable is None else 1
