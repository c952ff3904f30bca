"""Names at a source: what is remembered of each, and what a whole listing shows to have changed."""

from __future__ import annotations

from typing import Literal

import msgspec


class RememberedName(msgspec.Struct, frozen=True):
    """A name that has landed. ``delivery``: what it stands for; ``told``: what it stood for when a listing was last compared
    (None: it is new since); ``gone``: it was not in that listing."""

    name: str
    delivery: str | None
    told: str | None
    gone: bool = False


class Renamed(msgspec.Struct, frozen=True):
    """The same bytes under another name, and the old one is gone."""

    old: str
    new: str


class Replaced(msgspec.Struct, frozen=True):
    """Other bytes under the same name: ids of the deliveries."""

    name: str
    before: str
    after: str


class Superseded(msgspec.Struct, frozen=True):
    """A delivery that no name stands for any more: the file of its name has other bytes now, those of delivery ``by``.

    ``loaded``: its rows are in the table; else it waits to be loaded, or is held.
    """

    delivery: str
    name: str
    loaded: bool
    by: str
    by_state: Literal["waits", "loaded", "gone"]
    """``gone``: discarded, or taken out itself."""


class NameChanges(msgspec.Struct, frozen=True):
    """What is to be told, and what is to be remembered: ``gone`` and ``back`` are all names that are, ``settled`` those of
    which the present delivery has been compared."""

    renamed: tuple[Renamed, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    deleted: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.gone or self.back or self.settled)
