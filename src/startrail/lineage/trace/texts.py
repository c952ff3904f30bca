"""The door for any SQL: a file's bytes, a dialect and a schema file in, lineage out."""

from __future__ import annotations

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.lineage.errors import BadSchemas, UnknownDialect, UnreadableSql
from startrail.model.lineage import Traced

_LIMIT = 64 * 1024 * 1024
_KNOWN_FIRST = (
    "duckdb",
    "postgres",
    "snowflake",
    "bigquery",
    "spark",
    "databricks",
    "redshift",
    "tsql",
    "mysql",
    "oracle",
    "trino",
)


def trace_text(data: bytes, name: str, dialect: str, schemas: bytes | None = None) -> Traced:
    """Column lineage of a text. Raises UnknownDialect, UnreadableSql and BadSchemas; never for what the SQL says."""
    checked = _dialect(dialect)
    sql = _text(data, name)
    known = _schemas(schemas) if schemas is not None else {}
    from startrail.lineage.trace.script import trace  # the SQL parser, a third of a second

    found = trace(sql, checked, known)
    if not found.tables and not found.not_analysed and _empty(sql, checked):
        raise UnreadableSql(f"{name} holds no SQL statement", hint="write at least one statement")
    return found


def _empty(sql: str, dialect: str) -> bool:
    from sqlglot.dialects.dialect import Dialect

    return all(token.text == ";" for token in Dialect.get_or_raise(dialect).tokenize(sql))


def _dialect(name: str) -> str:
    from sqlglot.dialects.dialect import Dialects

    known = sorted(each.value for each in Dialects if each.value)
    if name.lower() not in known:
        hint = did_you_mean(name.lower(), known, f"such as {', '.join(_KNOWN_FIRST)}; all: {', '.join(known)}")
        raise UnknownDialect(f"there is no SQL dialect '{printable(name, 40)}'", hint=hint)
    return name.lower()


def _text(data: bytes, name: str) -> str:
    if len(data) > _LIMIT:
        raise UnreadableSql(f"{name} is longer than 64 MiB", hint="split it into files")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableSql(
            f"{name} is not UTF-8 text: byte {error.start} is no character", hint="give a text file with SQL"
        ) from None
    if "\x00" in text:
        raise UnreadableSql(f"{name} is not text: it holds zero bytes", hint="give a text file with SQL")
    if not text.strip():
        raise UnreadableSql(f"{name} is empty", hint="write at least one statement")
    return text


def _schemas(data: bytes) -> dict[str, dict[str, str]]:
    try:
        return msgspec.json.decode(data, type=dict[str, dict[str, str]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSchemas(
            f"the schema file is not of the form that is needed: {printable(str(error))}",
            hint='write {"table": {"column": "type"}}',
        ) from None
