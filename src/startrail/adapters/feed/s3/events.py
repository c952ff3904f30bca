"""What a message says about objects in a bucket: S3's own notifications, also through SNS, and EventBridge's events.

Shapes: Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure"; Amazon SNS Developer Guide,
"Sending messages to Amazon SQS queues".
"""

from __future__ import annotations

from typing import Literal, TypeVar
from urllib.parse import unquote_plus

import msgspec

_ENVELOPES = 3
_FORM = "is no notification of a bucket"
_Kind = Literal["created", "removed", "other"]
_BRIDGED: dict[str, _Kind] = {"Object Created": "created", "Object Deleted": "removed"}
_Decoded = TypeVar("_Decoded")


class NotAnEvent(ValueError):
    """The message is none that a bucket sends."""


class ObjectEvent(msgspec.Struct, frozen=True):
    """``order`` sorts the events of one key as they happened; equal or empty ones are not known."""

    kind: _Kind
    bucket: str
    key: str
    version: str | None = None
    order: str = ""


class _Object(msgspec.Struct, rename={"version_id": "versionId"}):
    key: str
    version_id: str | None = None
    sequencer: str = ""


class _Bucket(msgspec.Struct):
    name: str


class _Place(msgspec.Struct):
    bucket: _Bucket
    object: _Object


class _Record(msgspec.Struct, rename={"source": "eventSource", "name": "eventName"}):
    source: str
    name: str
    s3: _Place | None = None


class _BridgedObject(msgspec.Struct, rename={"version_id": "version-id"}):
    key: str
    version_id: str | None = None
    sequencer: str = ""


class _Detail(msgspec.Struct):
    bucket: _Bucket
    object: _BridgedObject


class _Bridged(msgspec.Struct, rename={"kind": "detail-type"}):
    source: str
    kind: str
    detail: _Detail


_NAMES = {"records": "Records", "event": "Event", "type": "Type", "message": "Message", "bridged": "detail-type"}


class _Form(msgspec.Struct, rename=_NAMES):
    """What tells the shapes apart."""

    records: list[_Record] | None = None
    event: str | None = None
    type: str | None = None
    message: str | None = None
    bridged: str | None = None


def read_message(body: str | bytes) -> tuple[ObjectEvent, ...]:
    """The events of a message; none in the one that S3 sends to try a new configuration. Raises NotAnEvent."""
    for _ in range(_ENVELOPES):
        form = _decode(body, _Form)
        if form.records is not None:
            return tuple(map(_of_record, form.records))
        if form.event == "s3:TestEvent":
            return ()
        if form.bridged is not None:
            return (_of_bridge(_decode(body, _Bridged)),)
        if form.type != "Notification" or form.message is None:
            break
        body = form.message
    raise NotAnEvent(_FORM)


def _decode(body: str | bytes, form: type[_Decoded]) -> _Decoded:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise NotAnEvent(f"{_FORM}: {str(error)[:120]}") from error


def _of_record(record: _Record) -> ObjectEvent:
    if record.source != "aws:s3" or record.s3 is None:
        raise NotAnEvent(f"is of {record.source[:60]}, not of a bucket")
    name = record.name.removeprefix("s3:")
    kind: _Kind = "created" if name.startswith("ObjectCreated:") else "removed" if name.startswith("ObjectRemoved:") else "other"
    found = record.s3.object
    try:
        key = unquote_plus(found.key, errors="strict")  # these keys are sent as in the query of an address
    except UnicodeDecodeError as error:
        raise NotAnEvent("names an object whose key is no UTF-8") from error
    return ObjectEvent(kind, record.s3.bucket.name, key, _version(found.version_id), _order(found.sequencer))


def _of_bridge(event: _Bridged) -> ObjectEvent:
    if event.source != "aws.s3":
        raise NotAnEvent(f"is of {event.source[:60]}, not of a bucket")
    found = event.detail.object  # and these keys are sent as they are
    kind: _Kind = _BRIDGED.get(event.kind, "other")
    return ObjectEvent(kind, event.detail.bucket.name, found.key, _version(found.version_id), _order(found.sequencer))


def _version(said: str | None) -> str | None:
    """What was put while the bucket kept no versions is called ``null`` there."""
    return None if said in (None, "", "null") else said


def _order(sequencer: str) -> str:
    """Sequencers are compared as text when the shorter one is filled up with zeros."""
    return sequencer.upper().ljust(64, "0") if sequencer else ""
