"""What went wrong with an FTP server, in the words of a feed."""

from __future__ import annotations

import ftplib
import ssl
from typing import NamedTuple

from startrail.adapters.feed.ftp.login import port
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedForbidden, FeedIncomplete, FeedMissing, FeedUnreachable

AGAIN = "run again; if it stays, see the log of the server and `timeout` in the source's feed"


class FarSide(NamedTuple):
    """How messages name a server. ``speaks`` is FTP or FTPS, ``timeout`` in seconds."""

    speaks: str
    address: str
    user: str
    timeout: float


def far_side(declared: source.FtpFeed | source.FtpsFeed, timeout: float) -> FarSide:
    """The server of a declaration."""
    speaks = "FTP" if isinstance(declared, source.FtpFeed) else "FTPS"
    return FarSide(speaks, f"{declared.host}:{port(declared)}", declared.user, timeout)


def translated(error: Exception, what: str, far: FarSide, connected: bool) -> SourceError:
    """The error of the library while ``what`` was asked for, on a connection or before there was one."""
    server = f"the {far.speaks} server {far.address}"
    told = _told(error, far)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = printable(error.verify_message or told, 120)
        hint = "have its certificate mended, check `host`, or name its authority with `ca_file`; it is never trusted unseen"
        return FeedFailed(f"{server} has no trustworthy certificate: {why}", hint=hint)
    if isinstance(error, ftplib.error_perm):
        if told.startswith("53"):
            hint = "check `user`, and the secret that `password` refers to"
            return FeedForbidden(f"{server} refuses the user '{printable(far.user)}'", hint=hint)
        if told.startswith("550"):
            hint = "check `path` in the source's feed, and what this user may read"
            return FeedMissing(f"{server} has no '{printable(what)}' for this user", hint=hint)
        return FeedFailed(f"{server} refused '{printable(what)}': {told}", hint="see the server's log")
    if isinstance(error, ftplib.error_temp) and told.startswith(("426", "451")):
        return FeedIncomplete(f"{server} broke off '{printable(what)}': {told}", hint=AGAIN)
    if connected:
        return FeedUnreachable(f"the connection to {server} broke at '{printable(what)}': {told}", hint=AGAIN)
    return FeedUnreachable(f"{server} does not answer: {told}", hint="check `host`, `port` and the network")


def _told(error: Exception, far: FarSide) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came for {far.timeout:g} s"
    return "it hung up" if isinstance(error, EOFError) else printable(str(error), 120)
