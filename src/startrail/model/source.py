"""Sources: where data comes from, under which contract, into which table."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.drift import DriftPolicy
from startrail.model.expect import Expectation
from startrail.model.quantities import (
    Count,
    Dsn,
    Duration,
    Headers,
    Lanes,
    OneCharacter,
    Pattern,
    Port,
    PositiveCount,
    Secret,
    Share,
    Size,
    Url,
)
from startrail.model.schedule import Schedule

Format = Literal["csv", "ndjson", "json", "parquet", "avro"]


class Complete(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the other side says that a file is whole. Exactly one of ``marker`` and ``suffix``."""

    marker: str | None = None
    """A file counts once this one lies beside it: ``{name}.done``. ``{stem}`` is the name without its last ending."""
    suffix: str | None = None
    """A file with this ending is still being written and gets its real name at the end: ``.part``."""


class FolderFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """Files in a folder of this machine; ``path`` is absolute or relative to the project folder."""

    path: str
    """The folder; a relative path starts at the project folder."""
    pattern: Pattern = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders; ``{store}`` and ``{date:%Y%m%d}`` are fields of the name."""
    format: Format | None = None
    """None: from the file's name (.csv, .ndjson, .jsonl, .json, .parquet, .avro, each also with .gz or .zst)."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """A file counts as complete when its size and time stood still for this long. ``0s``: two listings agree."""
    transfers: Lanes = 4
    """How many files are read at a time."""
    complete: Complete | None = None
    """How the other side says that a file is whole, beside ``settle``."""


class FtpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ftp"):
    """Files on an FTP server. Names, password and data travel unencrypted; ``ftps`` and ``sftp`` do better."""

    host: str
    """Name or address of the server."""
    path: str = "/"
    """The folder on the server."""
    pattern: Pattern = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders; ``{store}`` and ``{date:%Y%m%d}`` are fields of the name."""
    format: Format | None = None
    """None: from the file's name, as for a folder."""
    port: Port = 21
    """The control port."""
    user: str = "anonymous"
    """Who logs in."""
    password: Secret | None = None
    """A secret reference: ``env:NAME``, ``file:PATH`` or ``keyring:NAME``."""
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    transfers: Lanes = 8
    """How many files are fetched at a time, each over a connection of its own; fewer when the server refuses more."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """As for a folder."""
    complete: Complete | None = None
    """How the other side says that a file is whole, beside ``settle``."""


class FtpsFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ftps"):
    """Files on an FTP server, over TLS: control and data. The server's certificate is always checked."""

    host: str
    """Name or address of the server; its certificate must be made out to it."""
    path: str = "/"
    """The folder on the server."""
    pattern: Pattern = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders; ``{store}`` and ``{date:%Y%m%d}`` are fields of the name."""
    format: Format | None = None
    """None: from the file's name, as for a folder."""
    port: Port | None = None
    """The control port; None = 21, or 990 when ``implicit``."""
    implicit: bool = False
    """True when the server speaks TLS from the first byte; false when it is asked for it (AUTH TLS)."""
    ca_file: str | None = None
    """PEM file of the authorities to trust, in place of the system's; a relative path starts at the project folder."""
    user: str = "anonymous"
    """Who logs in."""
    password: Secret | None = None
    """A secret reference: ``env:NAME``, ``file:PATH`` or ``keyring:NAME``."""
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    transfers: Lanes = 8
    """As for ``ftp``."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """As for a folder."""
    complete: Complete | None = None
    """How the other side says that a file is whole, beside ``settle``."""


class SftpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sftp"):
    """Files on an SSH server. Its host key must be known beforehand: it is never trusted on first use."""

    host: str
    """Name or address of the server."""
    user: str
    """Who logs in."""
    path: str = "."
    """The folder on the server; a relative path starts where the server puts this user."""
    pattern: Pattern = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders; ``{store}`` and ``{date:%Y%m%d}`` are fields of the name."""
    format: Format | None = None
    """None: from the file's name, as for a folder."""
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
    transfers: Lanes = 4
    """As for ``ftp``."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """As for a folder."""
    complete: Complete | None = None
    """How the other side says that a file is whole, beside ``settle``."""


class S3Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue that tells of new objects, so that the bucket need not be listed at every run. It belongs to one source alone."""

    queue: Url
    """Address of the SQS queue that gets the bucket's notifications: directly, by SNS or by EventBridge."""
    endpoint: Url | None = None
    """Address of the SQS API; None = the host of ``queue``."""
    region: str | None = None
    """Region of the queue; None = the one its address names, else the bucket's."""
    access_key: Secret | None = None
    """A secret reference; None = the bucket's keys."""
    secret_key: Secret | None = None
    """A secret reference; None = the bucket's keys."""
    sweep: Duration = "1 day"
    """How often the bucket is listed all the same, so that an event that was lost is no object that is lost."""
    wait: Duration = "1s"
    """How long a run waits for messages when there are none; 20 seconds at most."""
    most: PositiveCount = 10_000
    """How many messages one run takes; the others are there for the next."""


class S3Feed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="s3"):
    """Objects in a bucket of any S3 API. An object that is listed is whole."""

    bucket: str
    """Name of the bucket."""
    prefix: str = ""
    """What every key begins with, as a folder; ``pattern`` is matched against what follows."""
    pattern: Pattern = "*"
    """Which objects: as for a folder; ``**/`` also goes below further slashes."""
    format: Format | None = None
    """None: from the object's name, as for a folder."""
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
    transfers: Lanes = 8
    """How many objects are fetched at a time."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` object."""
    queue: Url | None = None
    """An SQS queue that tells of new objects: short for ``events: {queue: ...}``."""
    events: S3Events | None = None
    """A queue that tells of new objects, with all that can be said of it."""

    @property
    def told_by(self) -> S3Events | None:
        """The queue that tells of new objects; None: the bucket is listed."""
        return self.events if self.events is not None or self.queue is None else S3Events(self.queue)

    def listed(self) -> S3Feed:
        """The same bucket, without its queue."""
        return msgspec.structs.replace(self, queue=None, events=None)


class PostgresFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="postgres"):
    """Rows of a PostgreSQL table or query, read in one snapshot and landed as NDJSON. Exactly one of ``table`` and ``query``."""

    dsn: Dsn
    """A secret reference (``env:NAME``), or a connection string without password."""
    table: str | None = None
    """A table or view, ``schema.name``."""
    query: str | None = None
    """One SELECT; it runs in a transaction that may only read."""
    cursor: str | None = None
    """A column that grows with every new or changed row, never null: only rows beyond its greatest landed value are read.

    Without it every run reads all rows, and lands them when they differ from what has landed.
    """
    timeout: Duration = "10 minutes"
    """How long the query may take."""
    format: Literal["ndjson"] = "ndjson"
    """What rows become."""
    records: str = "$"
    """As for ``ndjson``."""


class OAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Access by OAuth 2.0 client credentials. The token is kept in memory only."""

    token_url: Url
    """Where tokens are given."""
    client_id: str
    """Who asks."""
    client_secret: Secret
    """A secret reference."""
    scope: str | None = None
    """What is asked for, where the server wants it said."""


class HttpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="http"):
    """Records of an HTTP endpoint: one response, or pages until there are no more.

    ``cursor``: name of the record field whose greatest landed value is sent back as the query parameter
    ``cursor_param`` (default: the field's own name) at the next run. ``page``: name of the query parameter that
    counts pages from 1; an empty page is the end. ``next``: JSON path (``$.next``) to the address of the next
    page, or, with ``next_param``, to a token that is sent back under that name. ``records``: JSON path to the
    array of records in a JSON response (``$`` = the response is the array).
    """

    url: Url
    """An http or https address without password."""
    format: Format = "json"
    """What a response holds."""
    records: str = "$"
    """JSON path to the array of records; ``$`` = the response is the array."""
    params: dict[str, str] = {}
    """Query parameters of every request."""
    headers: Headers = {}
    """Values may be secret references."""
    cursor: str | None = None
    """Name of the record field whose greatest landed value is sent back at the next run."""
    cursor_param: str | None = None
    """Query parameter for the cursor; None = the field's own name."""
    page: str | None = None
    """Name of the query parameter that counts pages from 1; an empty page is the end."""
    page_size: tuple[str, int] | None = None
    """Query parameter and number of records that ask for pages of one size."""
    next: str | None = None
    """JSON path to the address of the next page, or to a token for ``next_param``."""
    next_param: str | None = None
    """Query parameter that takes the token found at ``next``."""
    link: bool = False
    """True when the address of the next page stands in the Link header, as ``rel="next"``."""
    files: tuple[str, ...] = ()
    """Files at these addresses, relative to ``url``, each a delivery; an unchanged one is not sent again."""
    links: Pattern | None = None
    """``url`` is an HTML page, and the files it links to whose names match this pattern are the deliveries."""
    oauth: OAuth | None = None
    """Access by a token that is asked for first."""
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    retries: Count = 4
    """Further tries of a request that the server could not answer for now; Retry-After is kept."""
    transfers: Lanes = 4
    """How many of ``files`` or ``links`` are fetched at a time; pages come one after the other."""

    @property
    def names_files(self) -> bool:
        """Whether its deliveries are files, and no pages."""
        return bool(self.files or self.links)


Feed = FolderFeed | FtpFeed | FtpsFeed | SftpFeed | S3Feed | PostgresFeed | HttpFeed


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a CSV file is written. Declared, never guessed."""

    delimiter: OneCharacter = ","
    """The character between two values."""
    quote: OneCharacter = '"'
    """The character around a value that holds a delimiter, a quote or a line end."""
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    """How characters are written as bytes."""
    header: bool = True
    """True when the first line names the columns."""
    null_words: tuple[str, ...] = ("",)
    """Texts that stand for no value."""


class Archive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of files that are archives (.zip, .tar, .tar.gz, .tgz, .tar.zst, .tzst): the files in them are deliveries."""

    members: Pattern = "**"
    """Which of the files within, by their paths there; as for a folder."""
    files: PositiveCount = 10_000
    """An archive with more entries is held."""
    size: Size = "20 GB"
    """An archive that unpacks to more is held."""
    ratio: PositiveCount = 200
    """An archive that unpacks to more than so many times its own size, and more than 64 MiB, is held."""


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to rows that break the contract."""

    retain: Duration = "400d"
    """How long refused rows are kept. Nothing deletes them yet."""
    hold_above: Share | None = None
    """A share (``5%``): when more rows than this would be quarantined, the whole delivery is held."""


class Source(msgspec.Struct, frozen=True):
    """One declared source. ``into`` is the raw table; without a contract the source only lands."""

    name: str
    feed: Feed
    """Where deliveries come from."""
    span: Span
    contract: str | None = None
    """Name of the contract under which its rows are loaded; none = the source only lands."""
    into: str | None = None
    """The raw table, as ``namespace.name``."""
    partition_by: str | None = None
    """Column of the raw table by which later models see which days a delivery touched."""
    grain: Literal["hour", "day", "week", "month"] = "day"
    """Size of the partitions of ``partition_by``."""
    csv: Dialect = Dialect()
    """How its CSV files are written."""
    archive: Archive | None = None
    """Files that are archives are unpacked; without it they are held."""
    schedule: Schedule | None = None
    """When ``startrail tick`` and ``startrail serve`` run this source and all that is made from it."""
    expect: tuple[Expectation, ...] = ()
    """Files that must have landed by a time; one that has not opens an incident."""
    on_replace: Literal["hold", "add", "replace"] = "hold"
    """When a file comes again under the same name with other bytes: ``hold`` the new version until a person decides, ``add``
    its rows to those of the older one, or ``replace`` those."""
    on_delete: Literal["keep"] = "keep"
    """When a file is gone from its source: its rows and its bytes are kept."""
    quarantine: Quarantine = Quarantine()
    """What happens to rows that break the contract."""
    drift: DriftPolicy = DriftPolicy()
    """What happens when data departs from the contract: a preset, and verbs by kind."""
    description: str | None = None
    """One sentence for people."""
    owner: str | None = None
    """Who answers for it."""

    @property
    def keeps_names(self) -> bool:
        """Whether its deliveries are files under names of their own, and no pages or rows."""
        return not isinstance(self.feed, PostgresFeed) and (not isinstance(self.feed, HttpFeed) or self.feed.names_files)
