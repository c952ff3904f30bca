"""``startrail contract test``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.contracts.trial import Trial
    from startrail.model.contract import Contract
    from startrail.model.delivery import Delivery
    from startrail.model.source import Dialect, Format, Source


@click.command("test")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("contract_text", metavar="CONTRACT")
@click.option(
    "--format", "form", type=click.Choice(["csv", "ndjson", "json", "parquet"]), help="What FILE is; default: by its name."
)
@click.option("--delimiter", default=",", show_default=True, help="The character between two values of CSV; \\t is a tab.")
@click.option("--encoding", type=click.Choice(["utf-8", "latin-1", "utf-16"]), default="utf-8", show_default=True, help="Of CSV.")
@click.option("--records", default="$", show_default=True, help="JSON path to the records of a JSON document.")
@click.option("--examples", type=click.IntRange(0), default=5, show_default=True, help="Refused records to print.")
@options.folder
@options.as_json
def command(
    file: Path, contract_text: str, form: Format | None, delimiter: str, encoding: str, records: str, examples: int, root: Path,
    as_json: bool,
) -> int:  # fmt: skip
    """Judge a file under a contract, as loading would: CONTRACT is an ODCS file, or the name of one in the project.

    Nothing is landed or loaded, and no ledger is needed. Exits with 1 when a row or the whole file would be refused.
    """
    from startrail.capabilities.contracts.trial import trial
    from startrail.cli.contract_files import find_contract
    from startrail.model.source import Dialect
    from startrail.wiring.quarantine import file_loader

    separator = delimiter.replace("\\t", "\t")
    if len(separator) != 1:
        raise click.BadParameter(f"'{delimiter}' is not one character", param_hint="--delimiter")
    with Console(as_json) as console:
        contract = find_contract(contract_text, root)
        dialect = Dialect(delimiter=separator, encoding=encoding)  # type: ignore[arg-type]
        delivery, source = _delivery(file, form), _source(records, dialect)
        with file_loader(file) as (loader, files):
            found = trial(delivery, source, contract, loader=loader, files=files, examples=examples)
        _tell(found, file.name, contract, console)
        return 0 if found.ok else 1


def _delivery(file: Path, form: Format | None) -> Delivery:
    """The file as if it had landed. Raises NoTestFile (ST383)."""
    from datetime import UTC, datetime

    from startrail.base.text import printable
    from startrail.capabilities.contracts.errors import NoTestFile
    from startrail.capabilities.sources.media import media_of
    from startrail.model.delivery import Delivery

    name = printable(str(file))
    if file.exists() and not file.is_file():
        raise NoTestFile(f"{name} is not a plain file", hint="name one file")
    try:
        with file.open("rb") as stream:
            head = stream.read(2)
    except OSError as error:
        raise NoTestFile(
            f"{name} cannot be read: {(error.strerror or type(error).__name__).lower()}", hint="check the path"
        ) from error
    media = media_of(file.name, form, head)
    if media.startswith("unknown"):
        raise NoTestFile(f"the name of {name} does not say what it is", hint="add --format csv, ndjson, json or parquet")
    never = datetime.fromtimestamp(0, UTC)
    return Delivery("test", "test", file.name, "test", file.stat().st_size, never, media, "")


def _source(records: str, dialect: Dialect) -> Source:
    from startrail.base.span import Span
    from startrail.model.source import FolderFeed, Source

    return Source("test", FolderFeed(".", records=records), Span("test"), contract="test", into="raw.test", csv=dialect)


def _tell(found: Trial, name: str, contract: Contract, console: Console) -> None:
    from startrail.base.text import printable

    for field, count in found.kept.items():
        value = {"type": "kept", "field": field, "rows": count}
        console.item(value, f"{'new_field':<18} {printable('$.' + field, 60)} in {_rows(count)}")
    for rule in found.rules:
        value = {"type": "refusal", "rule": rule.rule, "path": rule.path, "rows": rule.rows, "sample": rule.sample}
        sample = f", such as {printable(rule.sample)}" if rule.sample else ""
        console.item(value, f"{rule.rule:<18} {printable(rule.path, 60)} in {_rows(rule.rows)}{sample}")
    for each in found.examples:
        wrong = "; ".join(f"{v.rule} at {v.path}: expected {v.expected}, got {v.got}" for v in each.violations)
        value = {"type": "refused", "ordinal": each.ordinal, "raw": each.raw, "violations": each.violations}
        console.item(value, f"record {each.ordinal}: {printable(each.raw, 400)}\n  {printable(wrong, 1000)}")
    counts, under = found.counts, f"under {contract.name} {printable(contract.version)}"
    if found.held is not None:
        console.say(f"{printable(name)} would be held as a whole {under}: {printable(found.held, 600)}")
    else:
        split = f"{counts.loaded:,} would load + {counts.quarantined:,} would be set aside"
        console.say(f"{_rows(counts.rows_in)} in = {split} {under}")
    console.result({
        "ok": found.ok, "contract": contract.name, "version": contract.version, "rows_in": counts.rows_in,
        "loaded": counts.loaded, "quarantined": counts.quarantined, "held": found.held, "kept": found.kept,
    })  # fmt: skip


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")
