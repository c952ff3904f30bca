"""Loading with DuckDB behind a msgspec gate.

blocks, csv_file: bytes into records. gate: what passes unseen. convert: exact conversion as SQL. engine, stream:
DuckDB and the pipe into it. aside: records set aside. loader: the order of it all.
"""

from startrail.adapters.loader.loader import DuckdbLoader

__all__ = ["DuckdbLoader"]
