"""Opening the database so that SQL can reach nothing but its scratch folder."""

from __future__ import annotations

from pathlib import Path

import duckdb

from startrail.adapters.warehouse.duckdb.types import text


def open_engine(root: Path, *, memory: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory that reads and writes files only under ``root``, and whose settings are locked.

    ``memory`` in bytes; ``threads`` 0 = one per core. What does not fit into memory spills to ``root/spill``.
    """
    spill = root / "spill"
    spill.mkdir(exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{max(memory // 1024, 1)}KiB",
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": False,  # ORDER BY still orders; without it, order is not promised and costs memory
        "enable_external_file_cache": False,  # the operating system caches local files already
        "errors_as_json": True,
    }
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    for statement in (
        "SET GLOBAL TimeZone = 'UTC'",  # without GLOBAL, cursors keep the machine's zone
        f"SET allowed_directories = [{text(str(root))}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ):
        connection.execute(statement)
    return connection
