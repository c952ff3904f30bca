"""What is in a bucket, by the names it has there: ListObjectsV2 of the S3 API.

The library for object stores ends a whole listing at a name that it cannot ask for, such as ``a//b``; who lists here is shown it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import msgspec

from startrail.adapters.s3.answer import Answer
from startrail.adapters.s3.api import Account, ask, broken, meant_by
from startrail.adapters.s3.wire import Wire, WireError


class Found(msgspec.Struct, frozen=True):
    """An object as a listing shows it; ``tag`` with its quotes, or empty."""

    key: str
    tag: str
    size: int
    modified: datetime


class NotListed(Exception):
    """The bucket refused, or did not answer however often it was asked."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.told)
        self.answer = answer


def listed(
    wire: Wire, account: Account, prefix: str, *, retries: int, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Found]:
    """All objects whose key begins with ``prefix``, page by page. Raises NotListed."""
    query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
    while True:
        page = _patiently(lambda: _page(_asked(wire, account, query)), retries, sleep)
        yield from _objects(page)
        token = _text(page, "NextContinuationToken")
        if _text(page, "IsTruncated") != "true":
            return
        if not token or token == query.get("continuation-token"):
            raise NotListed(Answer("other", "it does not say how its listing goes on"))
        query["continuation-token"] = token


def _asked(wire: Wire, account: Account, query: dict[str, str]) -> bytes:
    try:
        reply = ask(wire, account, "GET", "", query)
    except WireError as error:
        raise NotListed(Answer("busy", broken(error))) from error
    if reply.status != 200:
        raise NotListed(meant_by(reply))
    return reply.data


def _patiently(call: Callable[[], ElementTree.Element], retries: int, sleep: Callable[[float], None]) -> ElementTree.Element:
    for attempt in range(retries + 1):
        try:
            return call()
        except NotListed as error:
            if error.answer.meaning != "busy" or attempt == retries:
                raise
        sleep(0.1 * 2**attempt)
    raise AssertionError("unreachable")


def _page(data: bytes) -> ElementTree.Element:
    try:
        page = ElementTree.fromstring(data)  # noqa: S314 - the parser bounds what entities may become
    except ElementTree.ParseError as error:
        raise NotListed(Answer("other", "its listing cannot be read")) from error
    for each in page.iter():
        each.tag = each.tag.rpartition("}")[2]
    return page


def _objects(page: ElementTree.Element) -> Iterator[Found]:
    decoded = unquote_plus if _text(page, "EncodingType") == "url" else str
    for each in page.iter("Contents"):
        try:
            modified = datetime.fromisoformat(_text(each, "LastModified"))
            yield Found(decoded(_text(each, "Key")), _text(each, "ETag"), int(_text(each, "Size")), modified)
        except ValueError as error:
            raise NotListed(Answer("other", "its listing cannot be read")) from error


def _text(of: ElementTree.Element, name: str) -> str:
    return of.findtext(name) or ""
