"""An SQS queue, over boto3."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from startrail.adapters.feed.custody import Message
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedUnreachable, QueueForbidden, QueueMissing

_HOLD_SECONDS = 120
_LONGEST_WAIT = 20
_AT_ONCE = 10
_RIGHTS = "receiving takes sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes"
_ADDRESS = re.compile(r"^https?://(?:sqs\.(?P<new>[a-z0-9-]+)|(?P<old>[a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?/")


class QueueState(msgspec.Struct, frozen=True):
    """What a queue says of itself. ``dead_letters`` is the address of the queue that gets what was received too often."""

    waiting: int
    hidden: int
    dead_letters: str | None
    receives: int | None
    """How often a message is received before it goes there."""


class SqsQueue:
    """``access_key`` and ``secret_key`` are the resolved secrets; without them boto3 finds the environment's own."""

    def __init__(
        self,
        declared: source.S3Events,
        bucket_region: str,
        *,
        timeout: str = "30s",
        access_key: str | None = None,
        secret_key: str | None = None,
        hold_seconds: int = _HOLD_SECONDS,
    ) -> None:
        self.hold_seconds: float = hold_seconds
        self._url = declared.queue
        self._wait = min(_LONGEST_WAIT, int(parse_duration(declared.wait).total_seconds()))
        self._dead_letters: bool | None = None
        parts = urlsplit(declared.queue)
        seconds = parse_duration(timeout).total_seconds()
        with self._errors():
            self._client: Any = boto3.Session().client(
                "sqs",
                region_name=declared.region or region_of(declared.queue) or bucket_region,
                endpoint_url=declared.endpoint or f"{parts.scheme}://{parts.netloc}",
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                config=Config(
                    connect_timeout=min(seconds, 5),
                    read_timeout=seconds + self._wait,
                    retries={"max_attempts": 2, "mode": "standard"},
                ),
            )

    def receive(self) -> Sequence[Message]:
        with self._errors():
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=self._wait,
                VisibilityTimeout=int(self.hold_seconds),
            )
        return [Message(each["MessageId"], each["ReceiptHandle"], each["Body"]) for each in answer.get("Messages", ())]

    def forget(self, messages: Sequence[Message]) -> None:
        """One that is not taken out comes again, and is known then."""
        for few in _by_tens(messages):
            entries = [{"Id": str(place), "ReceiptHandle": each.handle} for place, each in enumerate(few)]
            with self._errors():
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def hide(self, messages: Sequence[Message]) -> None:
        self._visible_in(int(self.hold_seconds), messages)

    def release(self, messages: Sequence[Message]) -> None:
        self._visible_in(0, messages)

    def has_dead_letters(self) -> bool:
        if self._dead_letters is None:
            self._dead_letters = self.state().dead_letters is not None
        return self._dead_letters

    def state(self) -> QueueState:
        with self._errors():
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        said = answer.get("Attributes", {})
        redrive = msgspec.json.decode(said.get("RedrivePolicy") or "{}")
        receives = redrive.get("maxReceiveCount")
        return QueueState(
            int(said.get("ApproximateNumberOfMessages", 0)),
            int(said.get("ApproximateNumberOfMessagesNotVisible", 0)),
            redrive.get("deadLetterTargetArn"),
            int(receives) if receives is not None else None,
        )

    def try_rights(self) -> None:
        """Raise what receiving and forgetting would. No message is hidden from anybody, and none is forgotten."""
        state = self.state()
        if state.receives is None or state.receives > 1:  # each look counts as a receipt
            with self._errors():
                self._client.receive_message(QueueUrl=self._url, MaxNumberOfMessages=1, WaitTimeSeconds=0, VisibilityTimeout=0)
        try:
            with self._errors():
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle="no message has this handle")
        except FeedFailed:
            pass  # whoever may not is told so before the handle is looked at

    def close(self) -> None:
        self._client.close()

    def _visible_in(self, seconds: int, messages: Sequence[Message]) -> None:
        for few in _by_tens(messages):
            entries = [
                {"Id": str(place), "ReceiptHandle": each.handle, "VisibilityTimeout": seconds} for place, each in enumerate(few)
            ]
            with self._errors():
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        shown = printable(self._url)
        try:
            yield
        except (NoCredentialsError, PartialCredentialsError) as error:
            hint = "give the feed `access_key` and `secret_key` as env:NAME, or this machine a role"
            raise QueueForbidden(f"no keys for the queue {shown} were found", hint=hint) from error
        except ClientError as error:
            raise _refused(error, shown) from error
        except (BotoCoreError, OSError, ValueError) as error:
            told = printable(str(error), limit=300)
            raise FeedUnreachable(
                f"the queue {shown} did not answer: {told}",
                hint="run again; check `queue`, the network and the proxy, if there is one, if it stays",
            ) from error


def region_of(queue: str) -> str | None:
    """The region that an address of Amazon's names."""
    found = _ADDRESS.match(queue)
    return (found["new"] or found["old"]) if found else None


def _refused(error: ClientError, shown: str) -> QueueMissing | QueueForbidden | FeedUnreachable | FeedFailed:
    said: Any = error.response
    code, status = str(said.get("Error", {}).get("Code", "")), said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = printable(str(said.get("Error", {}).get("Message", code)), limit=300)
    if "NonExistentQueue" in code or "QueueDoesNotExist" in code:
        return QueueMissing(f"there is no queue {shown}", hint="check `queue` in the source's feed, and the region")
    if status in (401, 403) or code in ("AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"):
        return QueueForbidden(f"the queue {shown} refuses these keys: {told}", hint=_RIGHTS)
    if status >= 500 or status == 429 or "Throttl" in code:
        return FeedUnreachable(
            f"the queue {shown} did not answer: {told}", hint="run again; its messages stay where they are until then"
        )
    return FeedFailed(f"the queue {shown} refused: {told}", hint="check `queue`, and the region and endpoint of `events`")


def _by_tens(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), _AT_ONCE):
        yield messages[start : start + _AT_ONCE]
