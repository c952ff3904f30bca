"""Logging in to an FTP server, plain or over TLS."""

from __future__ import annotations

import contextlib
import ftplib
from pathlib import Path

from startrail.adapters.feed.ftp import tls as ftp_tls
from startrail.adapters.feed.ftp.session import Session
from startrail.model import source


def logged_in(declared: source.FtpFeed | source.FtpsFeed, project: Path, timeout: float, password: str | None) -> Session:
    """Connected, and with data protected where the declaration wants TLS. Raises what the library raises, and FeedFailed."""
    session = _new(declared, project, timeout)
    try:
        session.connect(declared.host, port(declared))
        session.login(_wire(declared.user), _wire(password or ""))
        if isinstance(session, ftplib.FTP_TLS):
            session.prot_p()
        with contextlib.suppress(ftplib.error_perm):
            session.sendcmd("OPTS UTF8 ON")
    except BaseException:
        session.close()
        raise
    return session


def port(declared: source.FtpFeed | source.FtpsFeed) -> int:
    """The declared one, or what is customary."""
    return declared.port if isinstance(declared, source.FtpFeed) else ftp_tls.port(declared)


def _new(declared: source.FtpFeed | source.FtpsFeed, project: Path, timeout: float) -> Session:
    if isinstance(declared, source.FtpsFeed):
        return ftp_tls.session(declared, project, timeout)
    return Session(timeout=timeout, encoding="latin-1")


def _wire(text: str) -> str:
    """Text as UTF-8 with one character per byte, which is how everything goes over the latin-1 connection."""
    return text.encode().decode("latin-1")
