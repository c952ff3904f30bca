"""Errors of translating contracts."""

from __future__ import annotations

from startrail.base.errors import ContractError, UsageError


class NothingToPromise(ContractError):
    """A sample holds no field of which a contract could say a type.

    It has no rows, or no field whose values are all of one type. Give a sample with data; the message says what
    was found instead.
    """

    code = "ST372"


class NotASchema(ContractError):
    """The file to import is not a schema of the format it was said to be.

    ``--from`` takes json-schema (a schema of an object), avro (a schema of a record), arrow (as ``export --to
    arrow`` writes it) or parquet. The message names the first thing that does not fit.
    """

    code = "ST373"


class NotWritable(ContractError):
    """A contract cannot be written as an ODCS document that would be read back.

    It is larger than 1 MiB, nested too deeply, or holds text that no YAML file can hold. Leave out, or flatten,
    the part that the message names.
    """

    code = "ST374"


class ContractThere(UsageError):
    """The file to be written is there already, and a contract is never overwritten by the way.

    Name another file with ``--out``, or say ``--force``.
    """

    code = "ST375"


class UnknownContract(UsageError):
    """There is no contract of this name in the project, and no file of this name.

    Give the name of a contract in ``contracts/``, or the path of an ODCS file.
    """

    code = "ST376"
