"""Destinations: where a report is delivered. Secrets are references; what is not said is never guessed."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.model.quantities import Duration, Port, Secret, Size, Url


class FolderDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """A folder of this machine; relative paths start at the project folder."""

    path: str
    """The folder; a relative path starts at the project folder. Its parent must exist."""
    counts: bool = True
    """False: a copy. The deadline is kept, and the report delivered, without it."""


class S3Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="s3"):
    """A bucket of any S3 API. A reader gets the old object or the new one, whole."""

    bucket: str
    """Name of the bucket. It must exist."""
    prefix: str = ""
    """What stands before the file's name in the key, as a folder."""
    endpoint: Url | None = None
    """Address of the S3 API; None = Amazon's own."""
    region: str = "us-east-1"
    """Region of the bucket."""
    access_key: Secret | None = None
    """A secret reference; None = the environment's usual credentials."""
    secret_key: Secret | None = None
    """A secret reference; None = the environment's usual credentials."""
    timeout: Duration = "30s"
    """How long one answer may take."""
    counts: bool = True
    """As for a folder."""


class SftpDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sftp"):
    """A folder on an SSH server. Its host key must be known beforehand: it is never trusted on first use."""

    host: str
    """Name or address of the server."""
    user: str
    """Who logs in."""
    path: str = "."
    """The folder on the server; a relative path starts where the server puts this user. Its parent must exist."""
    port: Port = 22
    """The port of the SSH server."""
    key: Secret | None = None
    """A reference to the private key: ``file:PATH`` or ``env:NAME``."""
    passphrase: Secret | None = None
    """A reference to the passphrase of ``key``."""
    password: Secret | None = None
    """A reference to the password. Without ``key`` and ``password`` the SSH agent is asked."""
    known_hosts: str | None = None
    """File in the format of OpenSSH; relative to the project folder. None = ``~/.ssh/known_hosts``."""
    host_key: str | None = None
    """The server's public key itself, ``ssh-ed25519 AAAA...``, in place of ``known_hosts``."""
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    counts: bool = True
    """As for a folder."""


class EmailDestination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="email"):
    """A mail server, which sends the report to each of its ``recipients``."""

    host: str
    """Name or address of the mail server."""
    sender: str
    """Who it is from: ``reports@shop.example``, or with a name, ``Reports <reports@shop.example>``."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected. ``none`` only to this machine itself."""
    port: Port | None = None
    """None = 587 for ``starttls``, 465 for ``tls``, 25 for ``none``."""
    user: str | None = None
    """Who logs in; None = nobody does."""
    password: Secret | None = None
    """A secret reference, together with ``user``."""
    ca_file: str | None = None
    """Certificates to trust in place of the machine's own, in PEM; relative to the project folder."""
    subject: str | None = None
    """``{title}`` and ``{date}`` are the report's. None = ``{title}, {date}``."""
    show: Literal["inline", "attach"] | None = None
    """An ``html`` report can be the message itself; any format can be a file with it. None = inline for ``html``."""
    largest: Size = "10 MB"
    """A report whose file is larger is not sent but linked to; without a ``link`` that is an error."""
    link: Url | None = None
    """Where readers find the file as well; ``{file}`` and ``{date}`` are the report's."""
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    counts: bool = True
    """As for a folder."""


Destination = FolderDestination | S3Destination | SftpDestination | EmailDestination

_HOW = frozenset((
    "counts", "timeout", "endpoint", "region", "access_key", "secret_key", "user", "port", "key", "passphrase", "password",
    "host", "known_hosts", "host_key", "security", "ca_file", "largest",
))  # fmt: skip
"""Fields that say how a destination is reached, and not what arrives where: when they change, nothing is sent again."""


class Place(msgspec.Struct, frozen=True):
    """One thing that a report is brought to: a folder, a bucket, or a person. Each is done, and fails, by itself."""

    destination: Destination
    to: str | None = None
    """The recipient of an e-mail."""

    @property
    def label(self) -> str:
        """A short name for people, without secrets; no two places of a report share one."""
        to = self.destination
        if isinstance(to, FolderDestination):
            return f"folder {to.path}"
        if isinstance(to, S3Destination):
            return f"s3 {to.bucket}/{to.prefix}".rstrip("/")
        if isinstance(to, SftpDestination):
            return f"sftp {to.user}@{to.host}:{to.port} {to.path}"
        return f"email {self.to or ''}".rstrip()

    def what(self) -> dict[str, object]:
        """What of the declaration decides what arrives where."""
        said = {name: value for name, value in msgspec.to_builtins(self.destination).items() if name not in _HOW}
        return said | {"label": self.label}
