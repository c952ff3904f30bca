"""Copies within a bucket, whose bytes never leave it: CopyObject, and UploadPartCopy for what is too large for that, or must not
take the place of another object.

A copy that is made of parts appears by its last request, which can be bound to the condition that the key is free.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import quote

from startrail.adapters.s3.xml import element
from startrail.adapters.store.s3.client import Client, KeyTaken
from startrail.base.errors import ResourceError


class Copies:
    """Of one store; safe to share between threads."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def whole(self, source: str, target: str) -> None:
        """In one request. Writes or replaces."""
        self._client.send("PUT", target, headers=self._of(source))

    def in_parts(self, source: str, target: str, size: int, part: int, *, replace: bool) -> bool:
        """In parts of at most ``part`` bytes; False when not to ``replace`` an object that is there."""
        begun = self._client.send("POST", target, {"uploads": ""})
        upload = element(begun.data.decode(), "UploadId")
        try:
            tags = [self._part(source, target, upload, number, some) for number, some in enumerate(_ranges(size, part), 1)]
            listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in enumerate(tags, 1))
            body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
            headers = {} if replace else {"if-none-match": "*"}
            self._client.send("POST", target, {"uploadId": upload}, [body], headers=headers)
            return True
        except BaseException as error:
            with contextlib.suppress(ResourceError):  # what is left is aborted by a later sweep
                self._client.send("DELETE", target, {"uploadId": upload})
            if isinstance(error, KeyTaken):
                return False
            raise

    def _part(self, source: str, target: str, upload: str, number: int, some: str) -> str:
        headers = self._of(source) | ({"x-amz-copy-source-range": some} if some else {})
        answer = self._client.send("PUT", target, {"partNumber": str(number), "uploadId": upload}, headers=headers)
        return element(answer.data.decode(), "ETag")

    def _of(self, source: str) -> dict[str, str]:
        return {"x-amz-copy-source": quote(f"/{self._bucket}/{source}")}


def _ranges(size: int, part: int) -> Iterator[str]:
    """As headers; one that is empty means all of it."""
    if size <= part:
        yield ""
        return
    for start in range(0, size, part):
        yield f"bytes={start}-{min(start + part, size) - 1}"
