"""Contracts on the command line: found by name or path, written where nothing is overwritten, losses printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.contracts.exchange.losses import Loss
    from startrail.model.contract import Contract
    from startrail.model.version import KeptContract
    from startrail.ports.exchange import SampleForm
    from startrail.wiring import Opened


def sample_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """How a sample file is written; :func:`sample_form` takes what they give."""
    formats = click.Choice(["csv", "ndjson", "json", "parquet"])
    encodings = click.Choice(["utf-8", "latin-1", "utf-16"])
    for option in (
        click.option("--records", default="$", show_default=True, help="JSON path to the records of a JSON document."),
        click.option("--encoding", type=encodings, default="utf-8", show_default=True, help="Of CSV."),
        click.option(
            "--delimiter", default=",", show_default=True, help="The character between two values of CSV; \\t is a tab."
        ),
        click.option("--format", "form", type=formats, help="What the file is; default: by its name."),
    ):
        function = option(function)
    return function


def sample_form(form: str | None, delimiter: str, encoding: str, records: str) -> SampleForm:
    """The options as one value."""
    import msgspec

    from startrail.ports.exchange import SampleForm

    delimiter = "\t" if delimiter == "\\t" else delimiter
    if len(delimiter) != 1:
        raise click.UsageError("--delimiter takes one character")
    dialect = {"delimiter": delimiter, "encoding": encoding}
    return msgspec.convert({"format": form, "dialect": dialect, "records": records}, SampleForm)


def contract_name(text: str) -> str:
    """A contract's name from that of a file: ``Orders 2026.csv.gz`` -> ``orders_2026``."""
    stem = re.sub(r"\.(odcs\.ya?ml|schema\.json|[A-Za-z]{1,7})(\.(gz|zst))?$", "", text)
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "contract"


def find_contract(text: str, root: Path) -> Contract:
    """The contract in an ODCS file, or of this name in the project. Raises UnknownContract (ST376), DeclarationError."""
    from startrail.base.text import did_you_mean, printable
    from startrail.capabilities.contracts.exchange.errors import UnknownContract
    from startrail.wiring import read

    path = Path(text)
    if path.is_file():
        return read_contract_file(path)
    if path.suffix in (".yml", ".yaml") or not (root / "startrail.yml").is_file():
        raise UnknownContract(
            f"there is no file {printable(text)}, and no project in which a contract could have that name",
            hint="give the path of an ODCS file, or go to the project folder",
        )
    contracts = read(root).contracts
    if text not in contracts:
        raise UnknownContract(f"the project has no contract '{printable(text)}'", hint=did_you_mean(text, contracts))
    return contracts[text]


def read_contract_file(path: Path) -> Contract:
    """The contract in an ODCS file. Raises DeclarationError, and NotASchema (ST373) for one that cannot be read."""
    from startrail.base.errors import raise_all
    from startrail.project.odcs import read_contract
    from startrail.project.scalars import Problems

    problems: Problems = []
    contract = read_contract(_bytes(path), str(path), problems)
    raise_all(problems)
    assert contract is not None, "without a problem there is a contract"
    return contract


def find_kept(name: str, version: str | None, opened: Opened) -> KeptContract:
    """A version that the ledger keeps; None = the newest. Raises UnknownContract (ST376), UnknownVersion (ST387)."""
    from startrail.base.text import did_you_mean, printable
    from startrail.capabilities.contracts.exchange.errors import UnknownContract
    from startrail.capabilities.contracts.versions import find_version

    ledger = opened.ports.ledger
    kept = ledger.contract_versions(name)
    if not kept and name not in opened.project.contracts:
        known = {ref.name for ref in ledger.contract_refs()} | opened.project.contracts.keys()
        raise UnknownContract(f"the project has no contract '{printable(name)}'", hint=did_you_mean(name, known))
    return kept[-1] if kept and version is None else find_version(version or "", name, ledger)


def read_schema_file(path: Path) -> bytes:
    """The bytes of a schema file of bounded size; of an Avro data file the first ones. Raises NotASchema (ST373)."""
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.errors import NotASchema

    data = _bytes(path, 1 + (16 << 20))
    if len(data) > 16 << 20 and not data.startswith(b"Obj"):
        raise NotASchema(f"{printable(str(path))} is larger than 16 MB", hint="give a schema, not data")
    return data


def write_out(text: str, out: Path | None, console: Console, *, force: bool) -> None:
    """The text to the file, or for people to standard output. Raises ContractThere (ST375) and BadOutput (ST803)."""
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.errors import ContractThere
    from startrail.cli.errors import BadOutput

    if out is None:
        if not console.as_json:
            click.echo(text, nl=False)
        return
    try:
        with out.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise ContractThere(f"{printable(str(out))} is there already", hint="add --force, or name another file") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadOutput(
            f"{printable(str(out))} cannot be written: {reason}", hint=f"make the folder '{out.parent}', or name another file"
        ) from error


def rows(count: int) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} row" + ("" if count == 1 else "s")


def say_losses(losses: tuple[Loss, ...], console: Console) -> None:
    """Every loss on a line of its own."""
    if losses:
        console.say(f"{len(losses)} {'thing is' if len(losses) == 1 else 'things are'} lost:")
    for loss in losses:
        console.say(f"  {loss}")


def _bytes(path: Path, most: int = -1) -> bytes:
    from startrail.base.text import printable
    from startrail.capabilities.contracts.exchange.errors import NotASchema

    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise NotASchema(f"{printable(str(path))} cannot be read: {reason}", hint="check the path") from error
