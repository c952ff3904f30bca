"""``startrail contract test``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.contracts.trial import Trial
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
        _tell(found, file.name, f"{contract.name} {contract.version}", console)
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


def _tell(found: Trial, name: str, contract: str, console: Console) -> None:
    from startrail.base.text import printable

    counts = found.counts
    if found.held is not None:
        console.item({"type": "held", "reason": found.held}, f"the whole file would be held: {printable(found.held, 600)}")
    for rule in found.rules:
        console.item(
            {"type": "refusal", "rule": rule.rule, "path": rule.path, "rows": rule.rows, "sample": rule.sample},
            f"{rule.rows:>8,} {rule.rule} at {printable(rule.path)}, such as {printable(rule.sample)}",
        )
    for each in found.examples:
        wrong = "; ".join(f"{v.rule} at {v.path}: expected {v.expected}, got {v.got}" for v in each.violations)
        console.item(
            {"type": "refused", "ordinal": each.ordinal, "raw": each.raw, "violations": each.violations},
            f"record {each.ordinal}: {printable(each.raw, 400)}\n  {printable(wrong, 1000)}",
        )
    for field, rows in found.kept.items():
        console.item(
            {"type": "kept", "field": field, "rows": rows},
            f"{rows:>8,} have the undeclared field {printable(field)}, kept in _extra",
        )
    console.say(
        f"{printable(name)} under {printable(contract)}: {counts.rows_in:,} rows in, {counts.loaded:,} would load, "
        f"{counts.quarantined:,} would be quarantined" + (f", {counts.held:,} held" if counts.held else "")
    )
    console.result({"ok": found.ok, "counts": counts, "held": found.held})
