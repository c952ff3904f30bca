"""What can be wrong with SQL before an engine has seen it."""

from __future__ import annotations

from startrail.base.errors import ModelError


class SqlSyntax(ModelError):
    """The SQL cannot be parsed.

    The place named is where the parser stopped; the mistake is there or just before it. Mend the SQL and run again.
    """

    code = "ST400"


class ForbiddenStatement(ModelError):
    """A model or script holds a statement that it must not run.

    A model is one SELECT. A script may create, fill, change and drop tables, but not attach databases, copy files,
    install or load extensions, or change settings. Remove the statement; what it prepared belongs into the profile
    or into a source.
    """

    code = "ST401"


class SeveralStatements(ModelError):
    """A model holds more than one statement.

    A model is one SELECT; use WITH for intermediate results, or declare ``kind: script`` in the header.
    """

    code = "ST402"


class TemplateInSql(ModelError):
    """The SQL holds a template such as ``{{ ... }}``.

    SQL here is plain: name tables directly, as ``namespace.name``; dependencies are read from the SQL itself.
    Use the bound parameters ``$start``, ``$end``, ``$partition`` and ``$env`` for what changes from run to run.
    """

    code = "ST403"


class UnknownParameter(ModelError):
    """The SQL uses a parameter that nothing binds.

    The parameters are ``$start`` and ``$end`` (the partition's bounds, the end excluded), ``$partition`` (its name)
    and ``$env``.
    """

    code = "ST404"


class ReadsOutside(ModelError):
    """The SQL reads something that is not a table of the project.

    Files, other databases and computed queries cannot be read from a model. Declare a source for the data, or name the table.
    """

    code = "ST405"


class ReadsVersion(ModelError):
    """A model names a version of a table (``table@version``).

    A model always reads the current version. Versions can be named in ``startrail query``.
    """

    code = "ST406"


class UnmadeTable(ModelError):
    """A model reads a table that nothing makes.

    Correct the name, or add a source (``into:``) or a model that makes the table.
    """

    code = "ST407"


class CyclicModels(ModelError):
    """Models depend on each other in a circle.

    The message prints the circle. Break it: move what both need into a model of its own.
    """

    code = "ST408"


class UnknownDialect(ModelError):
    """There is no SQL dialect of that name.

    Use one that the message lists, such as ``duckdb``, ``postgres``, ``snowflake``, ``bigquery``, ``spark`` or ``tsql``.
    """

    code = "ST428"


class UnreadableSql(ModelError):
    """The file that should hold SQL cannot be read as text, or holds no statement.

    Give a file of UTF-8 text with at least one SQL statement.
    """

    code = "ST429"


class BadSchemas(ModelError):
    """The file that should say which columns tables have is not of that form.

    It is a JSON object of tables, each an object of columns and their types:
    ``{"shop.orders": {"id": "bigint", "amount": "decimal(18, 2)"}}``.
    """

    code = "ST433"


class UnknownLineage(ModelError):
    """Nothing in the project has that name: no table, column, source or report.

    Name a table (``marts.sales``), a column (``marts.sales.amount``), a source or a report; the hint shows the nearest.
    """

    code = "ST434"
