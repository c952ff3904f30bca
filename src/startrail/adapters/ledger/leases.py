"""Leases in the database. A row stays for ever, so that its token only ever grows."""

from __future__ import annotations

from datetime import datetime, timedelta

from startrail.adapters.ledger.session import Session, decoding
from startrail.base.time import from_text, to_text
from startrail.ledger.errors import LeaseLost
from startrail.model.run import Lease


def require(session: Session, lease: Lease) -> None:
    """Raise LeaseLost unless this is the lease as last handed out. Time does not matter here, only the token."""
    now = holder(session, lease.name)
    if now is None or now.token != lease.token:
        raise _lost(lease, now)


def acquire(session: Session, name: str, who: str, seconds: float, now: datetime) -> Lease | None:
    current = holder(session, name)
    if current is not None and current.expires_at > now and current.holder != who:
        return None
    return _grant(session, name, who, seconds, now)


def take_over(session: Session, lease: Lease, who: str, seconds: float, now: datetime) -> Lease | None:
    if _token(session, lease.name) != lease.token:
        return None
    return _grant(session, lease.name, who, seconds, now)


def renew(session: Session, lease: Lease, seconds: float, now: datetime) -> Lease:
    require(session, lease)
    renewed = Lease(lease.name, lease.holder, lease.token, now + timedelta(seconds=seconds))
    session.run("leases.set", name=lease.name, holder=lease.holder, token=lease.token, expires_at=to_text(renewed.expires_at))
    return renewed


def release(session: Session, lease: Lease) -> None:
    session.run("leases.release", name=lease.name, token=lease.token)


def holder(session: Session, name: str) -> Lease | None:
    row = session.one("leases.find", name=name)
    if row is None or row[0] is None:
        return None
    with decoding(f"lease {name}"):
        return Lease(name, row[0], row[1], from_text(row[2]))


def _grant(session: Session, name: str, who: str, seconds: float, now: datetime) -> Lease:
    lease = Lease(name, who, _token(session, name) + 1, now + timedelta(seconds=seconds))
    session.run("leases.set", name=name, holder=who, token=lease.token, expires_at=to_text(lease.expires_at))
    return lease


def _token(session: Session, name: str) -> int:
    row = session.one("leases.find", name=name)
    return 0 if row is None else row[1]


def _lost(lease: Lease, now: Lease | None) -> LeaseLost:
    whom = "it was released" if now is None else f"{now.holder} has it since (token {now.token}, ours was {lease.token})"
    return LeaseLost(
        f"this process no longer holds the lease '{lease.name}': {whom}",
        affects="this runner stops; nothing it had not yet published became visible",
        hint="see who runs with `startrail status`",
    )
