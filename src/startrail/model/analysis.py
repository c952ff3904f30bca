"""What parsing says about a model's SQL. Computed once per text and cached."""

from __future__ import annotations

import msgspec

PARAMETERS = ("start", "end", "partition", "env")
"""What a model's SQL may bind as ``$name``."""


class Analysis(msgspec.Struct, frozen=True):
    """Facts of one SQL text, without running it.

    ``windows`` names, per table read, the column that the SQL confines to ``[$start, $end)`` in every place
    where it reads the table: only then does a partition depend on the same partition of that table alone.
    """

    fingerprint: str
    """White space, comments and the letter case of keywords and looked-up names do not count."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """Tables a script leaves behind (temporary ones excluded)."""
    reads_own: tuple[str, ...] = ()
    """Of ``writes``, those whose rows before the script matter (INSERT, UPDATE, DELETE, MERGE without CREATE)."""
    parameters: tuple[str, ...] = ()
    windows: dict[str, str] = {}
    day_windows: tuple[str, ...] = ()
    """Of ``windows``, the tables confined through a cast to a date: true for days and longer, not for hours."""
    columns: dict[str, tuple[str, ...]] = {}
    """Per table read, the columns used; ``("*",)`` when a star leaves it open. A name that could belong to several
    tables is counted for each of them."""
    passes: dict[str, tuple[str, str]] = {}
    """Output columns through which a window passes unchanged: output -> (table, column). Only for a plain SELECT
    (no aggregate, window function, DISTINCT, LIMIT or set operation), where the output is a bare column."""
