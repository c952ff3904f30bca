"""Bytes that another program may have written, or a bad disk have changed: whatever goes wrong becomes an error with a code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from startrail.base.errors import StartrailError
from startrail.base.text import printable
from startrail.model.table import TableName
from startrail.ports.store import NotStored, Store
from startrail.ports.tables import MetadataMissing, MetadataUnreadable, OutsideStore


@contextmanager
def reading(table: TableName, location: str) -> Iterator[None]:
    """Turn what decoding raises into ST550 or ST551."""
    try:
        yield
    except NotStored as error:
        raise MetadataMissing(
            f"{location} is not in the store, but table {table} needs it",
            affects=f"everything that reads {table}",
            hint="compare the profile's store with that of the runs which published the table",
        ) from error
    except StartrailError:
        raise
    except Exception as error:  # a decoder of arbitrary bytes may raise anything
        raise MetadataUnreadable(
            f"{location} of table {table} cannot be read: {printable(str(error) or type(error).__name__)}",
            affects=f"everything that reads {table}",
            hint="restore the file from a backup of the store",
        ) from error


def key_of(store: Store, table: TableName, location: str) -> str:
    """The store key of an address in metadata. Raises OutsideStore (ST553)."""
    try:
        return store.key(location)
    except ValueError as error:
        raise OutsideStore(
            f"table {table} names {printable(location)}, which is not in this profile's store",
            affects=f"everything that reads {table}",
            hint="Iceberg metadata holds absolute addresses: move the store's folder back to where it was",
        ) from error
