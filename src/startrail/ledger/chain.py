"""The chain of facts: each carries a hash over its content and over the hash of the one before.

What checking finds: any changed column of any row, a row taken out, put in, or moved, and rows cut off at
either end (the head, its seq and hash, is kept beside the facts).

What it cannot find: a forger with write access who recomputes the chain from the altered row to the end *and*
the recorded head. Against that, note the head somewhere he cannot write (``startrail ledger verify`` prints
it) and compare it later; and a ledger whose last transactions were undone as a whole, head included, such as an
old backup put in place, reads as what it was then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from startrail.base.time import from_text, to_text
from startrail.model.run import NewFact, Verification
from startrail.model.step import Fact

GENESIS = "0" * 64
"""What the first fact names as the hash before it."""


class Link(NamedTuple):
    """A fact as the database holds it. Untyped on purpose: a tampered column may hold anything."""

    seq: Any
    at: Any
    kind: Any
    subject: Any
    run: Any
    payload: Any
    previous: Any
    hash: Any

    def fact(self) -> Fact:
        """Raises ValueError or TypeError when the row is not one that we wrote."""
        return Fact(self.seq, from_text(self.at), *self[2:])


class Head(msgspec.Struct, frozen=True):
    """The end of the chain; that of an empty one to begin with."""

    seq: int = 0
    hash: str = GENESIS


def extend(head: Head, facts: Sequence[NewFact], run: str | None, at: datetime) -> tuple[list[Link], Head]:
    """Give new facts their place behind ``head``; returns them and the new head."""
    moment = to_text(at)
    links: list[Link] = []
    for new in facts:
        link = Link(head.seq + 1, moment, new.kind, new.subject, run, new.payload, head.hash, "")
        link = link._replace(hash=hash_of(link))
        links.append(link)
        head = Head(link.seq, link.hash)
    return links, head


def verify(links: Iterable[Link], head: Head) -> Verification:
    """Walk the whole chain, in order of seq, and name the first fact that does not fit. See the module on its limits."""
    end = Head()
    for link in links:
        found = _misfit(link, end)
        if found is not None:
            return Verification(end.seq, *found)
        end = Head(link.seq, link.hash)
    if end.seq < head.seq:
        return Verification(end.seq, end.seq + 1, f"facts {end.seq + 1} to {head.seq} are missing at the end")
    if end.seq > head.seq:
        return Verification(end.seq, head.seq + 1, f"facts were added after {head.seq}, the recorded end")
    if end.hash != head.hash:
        return Verification(end.seq, end.seq, "the last fact is not the one that was recorded as the end")
    return Verification(end.seq)


def hash_of(link: Link) -> str:
    """SHA-256 over every column but the hash itself, each with its type and length so that borders count."""
    hasher = hashlib.sha256(b"startrail fact 1\n")
    for value in link[:-1]:
        kind, data = _bytes(value)
        hasher.update(b"%c%d:" % (kind, len(data)))
        hasher.update(data)
    return hasher.hexdigest()


def _misfit(link: Link, end: Head) -> tuple[int, str] | None:
    expected = end.seq + 1
    if link.seq != expected:
        if isinstance(link.seq, int) and link.seq > expected:
            return expected, f"fact {expected} is missing"
        return link.seq, f"fact {link.seq} is out of place: {expected} was expected"
    if link.hash != hash_of(link):
        return expected, f"the content of fact {expected} does not match its hash"
    if link.previous != end.hash:
        culprit = end.seq or expected
        return culprit, f"fact {culprit} was rewritten: it is not the one that fact {expected} followed"
    return None


def _bytes(value: Any) -> tuple[bytes, bytes]:
    if value is None:
        return b"n", b""
    if isinstance(value, str):
        return b"s", value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return b"b", value
    if isinstance(value, int):
        return b"i", b"%d" % value
    return b"o", repr(value).encode()
