"""Sources: where data comes from, under which contract, into which table."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.drift import DriftPolicy
from startrail.model.quantities import Count, Duration, Headers, OneCharacter, Port, Secret, Share, Url
from startrail.model.schedule import Schedule

Format = Literal["csv", "ndjson", "json", "parquet", "avro"]


class FolderFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """Files in a folder of this machine; ``path`` is absolute or relative to the project folder."""

    path: str
    """The folder; a relative path starts at the project folder."""
    pattern: str = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders."""
    format: Format | None = None
    """None: from the file's name (.csv, .ndjson, .jsonl, .json, .parquet, .avro, each also with .gz)."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """A file counts as complete when its size and time stood still for this long. ``0s``: two listings agree."""


class FtpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ftp"):
    """Files on an FTP server. ``password`` is a secret reference (``env:NAME``, ``file:PATH``, ``keyring:NAME``)."""

    host: str
    """Name or address of the server."""
    path: str = "/"
    """The folder on the server."""
    pattern: str = "*"
    """Which files: shell wildcards, ``**/`` also goes into folders."""
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
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """As for a folder."""


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
    timeout: Duration = "30s"
    """How long one answer of the server may take."""
    retries: Count = 4
    """Further tries of a request that the server could not answer for now; Retry-After is kept."""


Feed = FolderFeed | FtpFeed | HttpFeed


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
    schedule: Schedule | None = None
    """When ``startrail tick`` and ``startrail serve`` run this source and all that is made from it."""
    quarantine: Quarantine = Quarantine()
    """What happens to rows that break the contract."""
    drift: DriftPolicy = DriftPolicy()
    """What happens when data departs from the contract: a preset, and verbs by kind."""
    description: str | None = None
    """One sentence for people."""
    owner: str | None = None
    """Who answers for it."""
