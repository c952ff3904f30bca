"""Sources: where data comes from, under which contract, into which table."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.quantities import Count, Duration, Headers, OneCharacter, Port, Secret, Share, Url
from startrail.model.schedule import Schedule

Format = Literal["csv", "ndjson", "json", "parquet"]


class FolderFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """Files in a folder of this machine; ``path`` is absolute or relative to the project folder."""

    path: str
    pattern: str = "*"
    format: Format | None = None
    """None: from the file's name (.csv, .ndjson, .jsonl, .json, .parquet, each also with .gz)."""
    records: str = "$"
    """JSON path to the array of records in a ``json`` file."""
    settle: Duration = "0s"
    """A file counts as complete when its size and time stood still for this long. ``0s``: two listings agree."""


class FtpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ftp"):
    """Files on an FTP server. ``password`` is a secret reference (``env:NAME``, ``file:PATH``, ``keyring:NAME``)."""

    host: str
    path: str = "/"
    pattern: str = "*"
    format: Format | None = None
    port: Port = 21
    user: str = "anonymous"
    password: Secret | None = None
    timeout: Duration = "30s"
    records: str = "$"
    settle: Duration = "0s"


class HttpFeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="http"):
    """Records of an HTTP endpoint: one response, or pages until there are no more.

    ``cursor``: name of the record field whose greatest landed value is sent back as the query parameter
    ``cursor_param`` (default: the field's own name) at the next run. ``page``: name of the query parameter that
    counts pages from 1; an empty page is the end. ``next``: JSON path (``$.next``) to the address of the next
    page, or, with ``next_param``, to a token that is sent back under that name. ``records``: JSON path to the
    array of records in a JSON response (``$`` = the response is the array).
    """

    url: Url
    format: Format = "json"
    records: str = "$"
    params: dict[str, str] = {}
    headers: Headers = {}
    """Values may be secret references."""
    cursor: str | None = None
    cursor_param: str | None = None
    page: str | None = None
    page_size: tuple[str, int] | None = None
    next: str | None = None
    next_param: str | None = None
    timeout: Duration = "30s"
    retries: Count = 4


Feed = FolderFeed | FtpFeed | HttpFeed


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a CSV file is written. Declared, never guessed."""

    delimiter: OneCharacter = ","
    quote: OneCharacter = '"'
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    header: bool = True
    null_words: tuple[str, ...] = ("",)


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to rows that break the contract."""

    retain: Duration = "400d"
    hold_above: Share | None = None
    """A share (``5%``): when more rows than this would be quarantined, the whole delivery is held."""


class Source(msgspec.Struct, frozen=True):
    """One declared source. ``into`` is the raw table; without a contract the source only lands."""

    name: str
    feed: Feed
    span: Span
    contract: str | None = None
    into: str | None = None
    partition_by: str | None = None
    """Column of the raw table by which later models see which days a delivery touched."""
    grain: Literal["hour", "day", "week", "month"] = "day"
    csv: Dialect = Dialect()
    schedule: Schedule | None = None
    quarantine: Quarantine = Quarantine()
    description: str | None = None
    owner: str | None = None
