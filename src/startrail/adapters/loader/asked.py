"""Records of a block that are only read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar, overload

from startrail.adapters.loader.blocks import Record

Place = TypeVar("Place")


class AskedRecords(Sequence[Record], Generic[Place]):
    """``size`` records. ``places`` says where each one stands, and is called when the first is asked for; ``read`` reads
    the one at a place."""

    def __init__(self, size: int, places: Callable[[], Iterable[Place]], read: Callable[[Place], Record]) -> None:
        self._size = size
        self._find = places
        self._read = read
        self._places: list[Place] = []

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._size))]
        if not self._places:
            self._places = list(self._find())
        return self._read(self._places[index])
