"""Loading with DuckDB behind a msgspec gate.

blocks, lines, csv_file, csv_quick, parquet_file, avro_file: bytes into records. gate: what passes unseen. convert,
csv_queries: exact conversion as SQL. engine, spool: DuckDB, and what it reads. attempt: one way of loading, and what is
found out on it. directly, natively, spooled: those ways. aside, records, second_look: records that did not pass. growing,
keys, repeated: keys that stand twice. loading: the order of it all, one way. loader: which way.
"""

from startrail.adapters.loader.loader import DuckdbLoader

__all__ = ["DuckdbLoader"]
