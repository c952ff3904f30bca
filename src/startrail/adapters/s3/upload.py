"""A file goes into a bucket, and appears there whole or not at all. The bucket compares the SHA-256 of all it is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.bucket import Bucket
from startrail.adapters.s3.xml import element

_PART = 16 << 20
_MOST_PARTS = 10_000
_AT_ONCE = 4


def upload(bucket: Bucket, key: str, path: Path, headers: Mapping[str, str]) -> None:
    """Write or replace; ``headers`` say what it is. Raises Unanswered, and OSError for the file."""
    size = path.stat().st_size
    if size <= _PART:
        bucket.send("PUT", key, body=[path.read_bytes()], headers=headers)
        return
    id = element(bucket.send("POST", key, {"uploads": ""}, headers=headers).data.decode(), "UploadId")
    part = max(_PART, -(-size // _MOST_PARTS))

    def sent(number: int) -> str:
        with path.open("rb") as file:
            file.seek(number * part)
            body = file.read(part)
        return bucket.send("PUT", key, {"partNumber": str(number + 1), "uploadId": id}, [body]).headers.get("ETag", "")

    try:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload") as threads:
            tags = list(threads.map(sent, range(-(-size // part))))
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in enumerate(tags, 1))
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        bucket.send("POST", key, {"uploadId": id}, [body])
    except BaseException:
        with contextlib.suppress(Unanswered):
            bucket.send("DELETE", key, {"uploadId": id})
        raise
