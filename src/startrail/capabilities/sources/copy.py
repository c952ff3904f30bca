"""Copying without loading: every file of a feed into a store under its own name, once, and never half."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from startrail.base.crash import crash_point
from startrail.base.errors import SourceError, StartrailError
from startrail.base.text import printable
from startrail.capabilities.sources.abreast import Abreast, Outcome
from startrail.capabilities.sources.content import Content
from startrail.capabilities.sources.pace import moving
from startrail.capabilities.sources.queue import recorder, settle_queue, with_sweep
from startrail.flow.events import Copied, Emit, Growing
from startrail.flow.session import to_facts
from startrail.model.run import Lease
from startrail.model.source import Source
from startrail.ports.clock import Clock
from startrail.ports.feed import Feed, Offer, Queued, Seen, StillGrowing
from startrail.ports.ledger import Memory
from startrail.ports.store import BadKey, Store, StoreFailed

_BLOCK = 1 << 20
_SHORTENED = re.compile(r"…[0-9a-f]{16}$")


class TargetTaken(SourceError):
    """The target has another file under this name, which no copy of this source wrote. It was left as it is.

    Move it away, or copy to another folder or prefix; then copy again.
    """

    code = "ST250"


class NameNotKept(SourceError):
    """A file's name cannot be a name at the target: control characters, a backslash, ``..``, or far too long.

    Have it renamed at its source. The other files are copied all the same.
    """

    code = "ST251"


class NoNamesToKeep(SourceError):
    """Only files can be copied under their names; this source delivers pages of records.

    Declare it without a contract and ``startrail run`` lands them.
    """

    code = "ST252"


class NotAllCopied(SourceError):
    """Several files of a source could not be copied; the others were.

    Each is named with its own error. The next copy tries exactly those again.
    """

    code = "ST253"


class CopyResult(msgspec.Struct, frozen=True):
    """``files`` and ``bytes`` are what this copy brought; ``growing`` were left for the next one."""

    files: int
    bytes: int
    growing: int


class _Past(msgspec.Struct, frozen=True):
    """What the fact of an earlier copy says."""

    name: str
    stamp: str
    sha256: str
    target: str


def copy(
    source: Source,
    feed: Feed,
    target: Store,
    address: str,
    *,
    ledger: Memory,
    lease: Lease,
    clock: Clock,
    wall: Clock,
    retries: int,
    emit: Emit,
) -> CopyResult:
    """Copy what the feed offers and no earlier copy brought to ``address``, which is what ``target`` is known by.

    A file that was replaced at its source replaces its own copy, and nothing else. A copy that was taken away from the
    target is not made again. ``wall`` is what waits between tries. Raises at the end: the error itself, or NotAllCopied.
    """
    if not source.keeps_names:
        raise NoNamesToKeep(
            f"source '{source.name}' delivers pages of records, which have no names to copy them under",
            at=source.span,
            affects="nothing was copied",
            hint=f"startrail run --select {source.name} lands them",
        )
    return _Copying(source, feed, target, address, ledger, lease, clock, wall, retries, emit).all()


class _Copying:
    """One call of :func:`copy`."""

    def __init__(
        self, source: Source, feed: Feed, target: Store, address: str, ledger: Memory, lease: Lease, clock: Clock, wall: Clock,
        retries: int, emit: Emit,
    ) -> None:  # fmt: skip
        self._source, self._feed, self._target, self._address = source, feed, target, address
        self._ledger, self._lease, self._clock, self._wall = ledger, lease, clock, wall
        self._retries, self._emit = retries, emit
        self._remembered = f"{source.name} > {address}"
        self._past = {
            past.name: past
            for fact in ledger.facts(kind=Copied.fact, subject=source.name)
            if (past := msgspec.json.decode(fact.payload, type=_Past)).target == address
        }
        self._lanes, self._recorded = Abreast(feed, self._patiently), recorder(feed)
        self._files = self._bytes = 0
        self._left: set[str] = set()
        self._failed: list[tuple[str, StartrailError]] = []

    def all(self) -> CopyResult:
        with self._lanes as lanes:
            for outcomes in lanes.outcomes(self._offers()):
                copied = [(outcome.offer, found) for outcome in outcomes if (found := self._copied(outcome)) is not None]
                self._record(copied)
        growing = self._feed.growing()
        self._ledger.record_growing(self._remembered, growing, self._lease)
        self._left.update(growing)
        for name in sorted(self._left):
            self._emit(Growing(subject=self._source.name, source=self._source.name, name=name))
        settle_queue(self._feed, self._source, self._ledger, self._remembered, run=None, clock=self._clock, emit=self._emit)
        self._raise_failures()
        return CopyResult(self._files, self._bytes, len(self._left))

    def _offers(self) -> Iterator[Offer]:
        landed = {name: past.stamp for name, past in self._past.items()}
        seen = Seen(landed=landed, growing=self._ledger.seen(self._remembered).growing)
        seen = with_sweep(seen, self._feed, self._ledger, self._remembered)
        if isinstance(self._feed, Queued):
            self._feed.only_newest()
        try:
            yield from self._feed.offers(seen, self._clock.now())
        except SourceError as error:
            self._failed.append(("", error))

    def _copied(self, outcome: Outcome[Copied]) -> Copied | None:
        if isinstance(outcome.error, StillGrowing):
            self._left.add(outcome.offer.name)
        elif isinstance(outcome.error, SourceError | BadKey | StoreFailed):
            self._failed.append((outcome.offer.name, outcome.error))
        elif outcome.error is not None:
            raise outcome.error
        return outcome.value

    def _patiently(self, offer: Offer) -> Copied:
        for attempt in range(self._retries + 1):
            try:
                return self._one(offer)
            except StillGrowing:
                raise
            except StartrailError as error:
                if not error.transient or attempt == self._retries:
                    raise
                self._lanes.pause(self._wall.sleep, 0.5 * 2**attempt)
        raise AssertionError("unreachable")

    def _one(self, offer: Offer) -> Copied:
        """Bring the bytes to the target. Runs in a lane."""
        key = _key(offer.name)
        crash_point("before land")
        content = Content(self._lanes.flowing(moving(self._feed.fetch(offer), self._wall, offer.name)))
        replaces = self._is_ours(offer.name, key)
        if not self._target.put_as(content, key, replace=replaces, size=offer.size):
            self._agree(key, content.sha256)
        crash_point("after landing bytes")
        return Copied(
            subject=self._source.name,
            source=self._source.name,
            name=offer.name,
            size=content.size,
            sha256=content.sha256,
            stamp=offer.stamp,
            target=self._address,
        )

    def _record(self, copied: list[tuple[Offer, Copied]]) -> None:
        if not copied:
            return
        # A runner that lost its lease raises here, before it can tell a second time what the other one tells.
        self._ledger.record_growing(self._remembered, {}, self._lease)
        self._ledger.append([fact for _, each in copied for fact in to_facts(each)], run=None, at=self._clock.now())
        for offer, each in copied:
            crash_point("after recording delivery")
            self._files += 1
            self._bytes += each.size
            self._emit(each)
            self._recorded(offer)

    def _is_ours(self, name: str, key: str) -> bool:
        """Whether the target still holds exactly what an earlier copy of this file put there."""
        past = self._past.get(name)
        return past is not None and self._target.size(key) is not None and self._stored(key) == past.sha256

    def _agree(self, key: str, sha256: str) -> None:
        """The name is taken: by these same bytes when a copy was killed, or its answer lost, before it was recorded."""
        if self._stored(key) != sha256:
            raise TargetTaken(
                f"'{printable(key)}' at {self._address} is another file, and not a copy that was made here",
                at=self._source.span,
                affects="this file; it was not copied, and the other one was left as it is",
                hint="move it away, or give another --to",
            )

    def _stored(self, key: str) -> str:
        with self._target.open(key) as file:
            content = Content(iter(_reader(file.read), b""))
            for _ in content:
                pass
        return content.sha256

    def _raise_failures(self) -> None:
        if not self._failed:
            return
        if len(self._failed) == 1:
            raise self._failed[0][1]
        told = "; ".join(f"{error.code} {error.message}" for _, error in self._failed[:5])
        more = f"; and {len(self._failed) - 5} more" if len(self._failed) > 5 else ""
        raise NotAllCopied(
            f"{len(self._failed)} files of '{self._source.name}' could not be copied: {told}{more}",
            at=self._source.span,
            affects=f"{self._files} others were copied",
            hint=self._failed[0][1].hint,
        )


def _reader(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(_BLOCK)


def _key(name: str) -> str:
    """The file's own name. Feeds escape what cannot be shown with backslashes and shorten long names: those are refused."""
    if "\\" in name or _SHORTENED.search(name) or any(part in ("", ".", "..") for part in name.split("/")):
        raise NameNotKept(
            f"'{printable(name)}' cannot keep its name at the target",
            affects="this file; it was not copied",
            hint="have the file renamed at its source",
        )
    return name
