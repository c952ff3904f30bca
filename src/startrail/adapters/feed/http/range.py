"""Going on where a transfer over HTTP broke off (RFC 9110: Range, If-Range)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from urllib3 import BaseHTTPResponse

from startrail.adapters.feed.http.client import Client
from startrail.ports.feed import FeedIncomplete, StillGrowing

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


def validator_of(headers: Mapping[str, str]) -> str | None:
    """What tells one version of the content from every other: a strong ETag. None when there is none.

    A time will not do: two versions may be of one second. Content that was encoded on its way has other offsets.
    """
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') and "Content-Encoding" not in headers else None


def rest_of(
    client: Client, address: str, validator: str | None, start: int, name: str, size: int | None, block: int
) -> Iterator[bytes]:
    """The content from ``start`` on, of the version that ``validator`` names. Raises StillGrowing when it is another now."""
    if validator is None:
        raise FeedIncomplete(
            f"the transfer of '{name}' broke off after {start} bytes, and the server gives no strong ETag to go on by",
            hint="run again; the server, or a proxy before it, cuts it off if it stays",
        )
    response = client.get(address, {"Range": f"bytes={start}-", "If-Range": validator})
    if response is None:
        raise StillGrowing(f"'{name}' is gone since it was asked for")
    try:
        skipped = start - _begins(response, validator, start, name, size)
        for chunk in client.read(response, name, block):
            if len(chunk) > skipped:
                yield chunk[skipped:]
            skipped = max(0, skipped - len(chunk))
    finally:
        response.close()


def _begins(response: BaseHTTPResponse, validator: str, start: int, name: str, size: int | None) -> int:
    """The offset at which the answer begins: a server may send the whole again, if it is the same."""
    changed = StillGrowing(f"'{name}' changed while it was read", hint="it is left for the next run")
    tag = response.headers.get("ETag")
    if response.status == 200:
        if validator_of(response.headers) != validator:
            raise changed
        return 0
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status != 206 or match is None or int(match[1]) != start or (tag is not None and tag != validator):
        raise changed
    if size is not None and match[2] not in ("*", str(size)):
        raise changed
    return start
