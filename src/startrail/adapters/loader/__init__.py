"""Loading with DuckDB behind a msgspec gate.

blocks, lines, csv_file, csv_quick, parquet_file, avro_file: bytes into records. gate: what passes unseen. convert,
csv_queries: exact conversion as SQL. engine, stream: DuckDB and the pipe into it. aside: records set aside. loading: the
order of it all, one way. loader: which way.
"""

from startrail.adapters.loader.loader import DuckdbLoader

__all__ = ["DuckdbLoader"]
