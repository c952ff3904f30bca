"""Checksums that an FTP server works out from its own file: HASH (draft-bryan-ftpext-hash-02), XSHA256, XSHA1, XMD5."""

from __future__ import annotations

import ftplib
import hashlib
import re

import msgspec

from startrail.adapters.feed.ftp.session import Session

_NAMES = {"SHA-256": "sha256", "SHA-512": "sha512", "SHA-1": "sha1", "MD5": "md5"}
_OWN = {"XSHA256": "sha256", "XSHA512": "sha512", "XSHA1": "sha1", "XMD5": "md5"}
_BYTES_A_SECOND = 10_000_000
"""At which a server reads its file, at worst."""


class Sums(msgspec.Struct, frozen=True):
    """``command`` asks for the digest of a file; ``algorithm`` as hashlib names it; ``choice`` is sent once per connection."""

    command: str
    algorithm: str
    choice: str | None = None

    def chosen(self, session: ftplib.FTP) -> bool:
        """Whether a new connection speaks of this algorithm."""
        try:
            return self.choice is None or session.sendcmd(self.choice).startswith("2")
        except ftplib.error_perm:
            return False

    def told(self, session: Session, path: str, size: int | None) -> str | None:
        """The digest in hexadecimal; None when the server does not say it. Waits as long as it may take to read the file."""
        with session.patient((size or 0) / _BYTES_A_SECOND):
            try:
                answer = session.sendcmd(f"{self.command} {path}")
            except (ftplib.error_perm, ftplib.error_temp):
                return None
        found = re.findall(
            rf"(?<![0-9A-Za-z])[0-9A-Fa-f]{{{hashlib.new(self.algorithm).digest_size * 2}}}(?![0-9A-Za-z])", answer
        )
        return found[-1].lower() if len(set(found)) == 1 else None


def sums_of(session: ftplib.FTP) -> Sums | None:
    """What this server can tell, the best of it."""
    try:
        lines = [line.strip().upper() for line in session.sendcmd("FEAT").splitlines()]
    except ftplib.error_perm:
        return None
    offered = {name.rstrip("*") for line in lines if line.startswith("HASH ") for name in re.split(r"[; ]+", line[5:])}
    for name, algorithm in _NAMES.items():
        if name in offered:
            return Sums("HASH", algorithm, f"OPTS HASH {name}")
        for command, same in _OWN.items():
            if same == algorithm and any(line == command or line.startswith(command + " ") for line in lines):
                return Sums(command, algorithm)
    return None
