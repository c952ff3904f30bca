"""pyiceberg's file interface over the Store port: whole small objects, read and written at once."""

from __future__ import annotations

import io
from types import TracebackType

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from startrail.ports.store import Store


class StoreIO(FileIO):
    """Locations are addresses of the store (``Store.uri``). Only for metadata, which is small."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def new_input(self, location: str) -> InputFile:
        return _Input(self.store, location)

    def new_output(self, location: str) -> OutputFile:
        return _Output(self.store, location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        address = location if isinstance(location, str) else location.location
        self.store.delete(self.store.key(address))


class _Input(InputFile):
    def __init__(self, store: Store, location: str) -> None:
        super().__init__(location)
        self._store = store
        self._key = store.key(location)

    def __len__(self) -> int:
        return self._store.size(self._key) or 0

    def exists(self) -> bool:
        return self._store.size(self._key) is not None

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002 - the interface has it
        return io.BytesIO(self._store.get(self._key))


class _Output(OutputFile):
    def __init__(self, store: Store, location: str) -> None:
        super().__init__(location)
        self._store = store
        self._key = store.key(location)
        self.size: int | None = None

    def __len__(self) -> int:
        if self.size is None:
            self.size = self._store.size(self._key) or 0
        return self.size

    def exists(self) -> bool:
        return self._store.size(self._key) is not None

    def to_input_file(self) -> InputFile:
        return _Input(self._store, self._location)

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: ARG002 - names are unique, nothing is overwritten
        return _Buffer(self, self._store, self._key)


class _Buffer(io.BytesIO):
    """Becomes an object of the store when it is closed without an error."""

    def __init__(self, file: _Output, store: Store, key: str) -> None:
        super().__init__()
        self._file, self._store, self._key = file, store, key

    def close(self) -> None:
        if not self.closed:
            self._file.size = self._store.put(self._key, self.getvalue())
        super().close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            super().close()
