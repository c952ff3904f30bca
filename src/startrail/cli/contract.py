"""``startrail contract``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "check": "Say whether a schema may follow older ones.",
    "infer": "Write the contract that a sample file or published table keeps.",
    "import": "Write the contract that a foreign schema describes.",
    "export": "Write a contract as JSON Schema, Avro or Arrow.",
    "versions": "List the versions of a contract that something was loaded under.",
    "show": "Print one of those versions as it was.",
    "test": "Load a file on trial under a contract.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.contract_<name>``."""

command: click.Group = lazy_group("contract", SUBCOMMANDS, "Check, test and translate data contracts.")
