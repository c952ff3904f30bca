"""What a function is called with."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.base.errors import SourceError
from startrail.base.text import printable


class EventNotUnderstood(SourceError):
    """A function was called with an event that it does not know, or that is not for its kind of source.

    It knows the events of EventBridge's schedules and rules, S3 notifications, SNS, and SQS batches of these; ``{}``, typed by a
    person, means everything there is. Only an ``s3`` source can be told of single objects.
    """

    code = "ST258"


class Asked(msgspec.Struct, frozen=True):
    """``messages``: ids and texts of what tells of single objects; None: everything there is.

    ``batch``: of a queue, which wants to hear which of them have to come again."""

    messages: tuple[tuple[str, str], ...] | None = None
    batch: bool = False


_CLOCKS = ("aws.events", "aws.scheduler", "startrail.schedule")


def read_event(event: Any) -> Asked:
    """Raises EventNotUnderstood."""
    if not isinstance(event, dict):
        raise _not_understood(event)
    if not event or event.get("source") in _CLOCKS:
        return Asked()
    records = event.get("Records")
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        return _of_records(event, records)
    if event.get("source") == "aws.s3":
        return Asked(((str(event.get("id", "event")), _text(event)),))
    raise _not_understood(event)


def _of_records(event: dict[str, Any], records: list[dict[str, Any]]) -> Asked:
    kinds = {record.get("eventSource") or record.get("EventSource") for record in records}
    if kinds <= {"aws:s3"}:
        return Asked((("event", _text(event)),))
    if kinds == {"aws:sqs"}:
        return Asked(tuple((str(record.get("messageId", "")), str(record.get("body", ""))) for record in records), batch=True)
    if kinds == {"aws:sns"}:
        topics = [record.get("Sns") for record in records]
        return Asked(tuple((str(each.get("MessageId")), str(each.get("Message"))) for each in topics if isinstance(each, dict)))
    raise _not_understood(event)


def _text(event: Any) -> str:
    return msgspec.json.encode(event).decode()


def _not_understood(event: Any) -> EventNotUnderstood:
    shown = printable(_text(event), 200)
    return EventNotUnderstood(f"this is no event that a function of a source knows: {shown}", hint="{} means everything there is")
