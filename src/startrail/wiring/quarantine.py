"""Which adapter reads quarantined rows, and what loads a file without a project's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from startrail.ports.loader import Loader
from startrail.ports.quarantine import QuarantineFiles
from startrail.ports.store import Store

_MEMORY = 500_000_000


def quarantine_files(store: Store) -> QuarantineFiles:
    """The reader of quarantined rows."""
    from startrail.adapters.loader.quarantine_file import ParquetQuarantine

    return ParquetQuarantine(store)


@contextmanager
def file_loader(path: Path) -> Iterator[tuple[Loader, QuarantineFiles]]:
    """A loader for which every key is this one file; its scratch folder is gone at the end."""
    from startrail.adapters.loader import DuckdbLoader
    from startrail.adapters.loader.quarantine_file import ParquetQuarantine

    landed = _OneFile(path)
    with TemporaryDirectory(prefix="startrail-") as scratch:
        yield DuckdbLoader(landed, Path(scratch), memory=_MEMORY), ParquetQuarantine(landed)


class _OneFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        yield self._path
