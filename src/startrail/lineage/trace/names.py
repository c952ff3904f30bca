"""When two ways to write a name mean the same thing, by dialect."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

_SENSITIVE = (NormalizationStrategy.CASE_SENSITIVE,)
_TABLES_SENSITIVE = ("bigquery", "mysql", "starrocks", "doris", "singlestore")
"""Dialects in which the names of tables count their letter case and those of columns do not."""


class Names:
    """Keys of names: equal keys, same thing. A name without the key's own letter case may still be meant, see ``loose``."""

    def __init__(self, dialect: Dialect, name: str) -> None:
        self._upper = dialect.normalization_strategy == NormalizationStrategy.UPPERCASE
        self._folds_quoted = dialect.normalization_strategy in (
            NormalizationStrategy.CASE_INSENSITIVE,
            NormalizationStrategy.CASE_INSENSITIVE_UPPERCASE,
        )
        self._exact_columns = dialect.normalization_strategy in _SENSITIVE and name not in _TABLES_SENSITIVE
        self._exact_tables = dialect.normalization_strategy in _SENSITIVE or name in _TABLES_SENSITIVE

    def column(self, name: exp.Expr) -> str:
        """The key of a column or alias."""
        return name.name if self._exact_columns else self._folded(name)

    def part(self, name: exp.Expr) -> str:
        """The key of one part of a table's name."""
        mark = "#" if name.args.get("temporary") else "@" if isinstance(name, exp.Parameter) else ""
        return mark + (name.name if self._exact_tables else self._folded(name))

    def _folded(self, name: exp.Expr) -> str:
        text = name.name
        if not name.args.get("quoted") or self._folds_quoted:
            return text.lower()
        plain = text.upper() if self._upper else text.lower()
        return text.lower() if text == plain else f'"{text}'


def loose(key: str) -> str:
    """The key without regard to quotes and letter case."""
    return key.lstrip('"').lower()
