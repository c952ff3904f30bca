"""What is in a bucket, by the names it has there: ListObjectsV2 of the S3 API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import msgspec

from startrail.adapters.s3.answer import Answer, Unanswered
from startrail.adapters.s3.api import Account, ask, meant_by, patiently
from startrail.adapters.s3.wire import Wire


class Found(msgspec.Struct, frozen=True):
    """An object as a listing shows it; ``tag`` with its quotes, or empty."""

    key: str
    tag: str
    size: int
    modified: datetime


def listed(
    wire: Wire, account: Account, prefix: str, *, retries: int, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Found]:
    """All objects whose key begins with ``prefix``, page by page. Raises Unanswered."""
    query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
    while True:
        page = patiently(lambda: _page(_asked(wire, account, query)), retries, sleep)
        yield from _objects(page)
        token = _text(page, "NextContinuationToken")
        if _text(page, "IsTruncated") != "true":
            return
        if not token or token == query.get("continuation-token"):
            raise Unanswered(Answer("other", "it does not say how its listing goes on"))
        query["continuation-token"] = token


def _asked(wire: Wire, account: Account, query: dict[str, str]) -> bytes:
    reply = ask(wire, account, "GET", "", query)
    if reply.status == 200:
        return reply.data
    answer = meant_by(reply)
    raise Unanswered(Answer("no bucket", answer.told) if answer.meaning == "no object" else answer)


def _page(data: bytes) -> ElementTree.Element:
    try:
        page = ElementTree.fromstring(data)  # noqa: S314 - the parser bounds what entities may become
    except ElementTree.ParseError as error:
        raise Unanswered(Answer("other", "its listing cannot be read")) from error
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
            raise Unanswered(Answer("other", "its listing cannot be read")) from error


def _text(of: ElementTree.Element, name: str) -> str:
    return of.findtext(name) or ""
