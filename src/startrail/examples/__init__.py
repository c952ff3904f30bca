"""Example projects as package data, with the upstream data they read. Invented, and the same every time."""

from __future__ import annotations

from importlib.resources import files as resource_files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.errors import UsageError
from startrail.base.text import did_you_mean

if TYPE_CHECKING:
    from startrail.examples.invoices import Truth as RevenueTruth
    from startrail.examples.nights import Night
    from startrail.examples.totals import Truth

FTP_PORT = 2121
HTTP_PORT = 8021
"""As the sources of the shop declare them."""

DRIFTED_DAY = 3
"""The night on which the demo's upstream changes without a word."""

_NAMES = ("shop", "commits", "revenue")
_FOLDERS = ("sources", "contracts", "models", "reports", "tests")
_EMPTY = """\
name: "{name}"

profiles:
  local:
    warehouse: {{kind: duckdb, memory: 2 GB}}

  # For a team: everything that lasts lies in a bucket and a database, and any machine can run it.
  # team:
  #   ledger: {{kind: postgres, dsn: "env:LEDGER_DSN"}}
  #   store: {{kind: s3, bucket: my-bucket, prefix: {name}, region: us-east-1}}
"""
_GITIGNORE = "# What Startrail makes: the ledger, landed bytes, tables, reports.\n/.startrail/\n/delivered/\n"


class UnknownExample(UsageError):
    """There is no example of that name.

    Take one of the names in the hint.
    """

    code = "ST720"


class FolderTaken(UsageError):
    """The folder already holds a project, which an example would overwrite.

    Give another folder, or remove the one that is there.
    """

    code = "ST721"


def names() -> tuple[str, ...]:
    """The examples there are."""
    return _NAMES


def write(name: str, target: Path, *, days: int = 2, ftp_port: int = FTP_PORT, http_port: int = HTTP_PORT) -> None:
    """Write the example's project folder; for the shop, also ``days`` nights of data into its ``upstream/``.

    The ports are those under which the sources expect the servers of profile ``demo``.
    """
    if name not in _NAMES:
        raise UnknownExample(f"there is no example '{name}'", hint=did_you_mean(name, _NAMES))
    if (target / "startrail.yml").exists():
        raise FolderTaken(f"{target} already holds a project", hint="give another folder")
    ports = {f"port: {FTP_PORT}\n": f"port: {ftp_port}\n", f":{HTTP_PORT}/": f":{http_port}/"}
    _copy(resource_files(__name__) / name, target, ports)
    (target / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
    if name == "shop":
        for number in range(1, days + 1):
            upstream_day(target, number)
    if name == "revenue":
        from startrail.examples.invoices import put

        put(target / "inbox")


def write_empty(target: Path) -> None:
    """Write the skeleton of a project: its name, the default profile, and the folders for declarations."""
    if (target / "startrail.yml").exists():
        raise FolderTaken(f"{target} already holds a project", hint="give another folder")
    for folder in _FOLDERS:
        (target / folder).mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in target.resolve().name.lower()).strip("_")
    (target / "startrail.yml").write_text(_EMPTY.format(name=name or "project"), encoding="utf-8")
    (target / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")


def upstream_day(target: Path, day_number: int, drifted: bool = False) -> list[Path]:
    """Add one more night of upstream data, counted from 1; returns the files.

    ``drifted``: the API has a new field ``loyalty_tier`` and writes ``quantity`` as text, now and then nonsense.
    """
    from startrail.examples.nights import night
    from startrail.examples.upstream import put

    return put(target / "upstream", night(day_number, drifted=drifted))


def truth(target: Path) -> Truth:
    """What the project in ``target`` must come to for the nights its ``upstream/`` holds, without any SQL."""
    from startrail.examples.nights import day_of
    from startrail.examples.totals import add_up

    nights = []
    number = 1
    while (target / f"upstream/rates/fx_{day_of(number)}.csv").exists():
        nights.append(_night(target, number))
        number += 1
    return add_up(nights)


def night_truth(target: Path, number: int) -> Truth:
    """What one night alone adds to that."""
    from startrail.examples.totals import add_up

    return add_up([_night(target, number)])


def _night(target: Path, number: int) -> Night:
    from startrail.examples.nights import day_of, night

    first_page = target / f"upstream/api/orders_{day_of(number)}_p1.json"
    return night(number, drifted=b'"loyalty_tier"' in first_page.read_bytes())


def revenue_truth() -> RevenueTruth:
    """What the revenue example's two departments report of October, and what makes the gap, without any SQL."""
    from startrail.examples.invoices import truth as known

    return known()


def _copy(source: Traversable, target: Path, replacements: dict[str, str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, target / entry.name, replacements)
            continue
        content = entry.read_bytes()
        for old, new in replacements.items():
            content = content.replace(old.encode(), new.encode())
        (target / entry.name).write_bytes(content)
