"""Loading with DuckDB behind a msgspec gate.

blocks, lines, csv, parquet, avro: bytes into records. native: the reader in C++, where it is built. gate: what passes unseen.
convert, queries: exact conversion as SQL. engine, spool, in_place: DuckDB, and what it reads. attempt: one way of loading, and
what is found out on it. directly, natively, spooled: those ways. aside, records, second_look: records that did not pass.
growing, keys, repeated: keys that stand twice. loading: the order of it all, one way. loader: which way. rehearsal: proposed
contracts, tried on what landed.
"""

from startrail.adapters.loader.loader import DuckdbLoader

__all__ = ["DuckdbLoader"]
