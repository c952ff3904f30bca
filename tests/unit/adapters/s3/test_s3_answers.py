"""What a refusal means, and that every meaning tells what to do next."""

from __future__ import annotations

from http.client import HTTPMessage
from typing import get_args

import pytest

from startrail.adapters.feed.s3.refusals import refusal as for_feeds
from startrail.adapters.s3.answer import Answer, Meaning
from startrail.adapters.s3.api import meant_by
from startrail.adapters.s3.wire import Reply
from startrail.adapters.store.s3.errors import refusal as for_stores


def _meant(status: int, code: str = "", more: str = "", **headers: str) -> Answer:
    told = HTTPMessage()
    for name, value in headers.items():
        told[name.replace("_", "-")] = value
    body = f"<Error><Code>{code}</Code>{more}</Error>" if code else ""
    return meant_by(Reply(status, told, body.encode()))


@pytest.mark.parametrize(
    ("answer", "meaning", "told"),
    [
        (_meant(404, "NoSuchBucket"), "no bucket", "404 NoSuchBucket"),
        (_meant(404, "NoSuchKey"), "no object", "404 NoSuchKey"),
        (_meant(404), "no object", "404"),
        (_meant(404, "NoSuchUpload"), "busy", "404 NoSuchUpload"),
        (_meant(412, "PreconditionFailed"), "other object", "412 PreconditionFailed"),
        (_meant(403, "AccessDenied", "<Message>not &amp; you</Message>"), "refused", "403 AccessDenied: not & you"),
        (_meant(400, "ExpiredToken"), "refused", "400 ExpiredToken"),
        (_meant(403, "RequestTimeTooSkewed"), "clock", "403 RequestTimeTooSkewed"),
        (_meant(407), "proxy", "407"),
        (_meant(409, "ConditionalRequestConflict"), "busy", "409 ConditionalRequestConflict"),
        (_meant(503, "SlowDown"), "busy", "503 SlowDown"),
        (_meant(507), "full", "507"),
        (_meant(416, "InvalidRange"), "beyond the end", "416 InvalidRange"),
        (_meant(301, x_amz_bucket_region="eu-west-1"), "elsewhere", "it is in the region 'eu-west-1'"),
        (
            _meant(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
            "elsewhere",
            "it is in the region 'eu-west-1'",
        ),
        (_meant(307), "elsewhere", "it redirects to another server (307)"),
        (_meant(400, "InvalidBucketName", "<Message>\x1b[2J</Message>"), "other", "400 InvalidBucketName: \\x1b[2J"),
        (_meant(200, "InternalError"), "busy", "200 InternalError"),
    ],
)
def test_an_answer_means(answer: Answer, meaning: str, told: str) -> None:
    assert (answer.meaning, answer.told) == (meaning, told)


@pytest.mark.parametrize("meaning", get_args(Meaning))
def test_every_meaning_tells_what_to_do_next(meaning: Meaning) -> None:
    for error in (for_feeds(Answer(meaning, "so it is"), "lake", "a.csv"), for_stores("a.csv", Answer(meaning, "so it is"))):
        assert error.hint, error.message
        assert error.transient == (meaning in ("busy", "beyond the end") or error.code == "ST205")
