"""A source in the cloud: what is called."""

from __future__ import annotations

import logging
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from startrail.adapters.clock import SystemClock
from startrail.adapters.feed.custody import Message
from startrail.base.errors import StartrailError
from startrail.flow.events import Event
from startrail.model.bundle import BUNDLE_FILE, FILES_FOLDER, Bundle
from startrail.model.source import S3Feed
from startrail.ports.feed import Feed
from startrail.wiring.feeds import home, open_feed
from startrail.wiring.function.events import Asked, EventNotUnderstood, read_event
from startrail.wiring.function.given import GivenMessages

_LEAST_SECONDS = 20.0
_MOST_WAIT = 600.0


class Done(msgspec.Struct, frozen=True):
    """What one call brought."""

    files: int
    bytes: int


class Function:
    """One source, ready to be asked. Nothing is opened before the first call, and nothing is kept from one to the next
    but its secrets."""

    def __init__(self, bundle: Bundle, root: Path, scratch: Path) -> None:
        self.bundle, self.root, self.scratch = bundle, root, scratch
        self._clock = SystemClock()
        self._log = logging.getLogger("startrail")
        self._log.setLevel(logging.INFO)
        self._has_secrets = not bundle.secrets

    @classmethod
    def beside(cls, handler: str) -> Function:
        """The function whose bundle lies beside this file."""
        folder = Path(handler).resolve().parent
        bundle = msgspec.json.decode((folder / BUNDLE_FILE).read_bytes(), type=Bundle)
        return cls(bundle, folder / FILES_FOLDER, Path(tempfile.gettempdir()) / "startrail")

    def handle(self, event: Any, context: Any = None) -> dict[str, Any]:
        """Do what the event asks for. Raises what went wrong, so that the caller tries again; of a queue's batch only the
        messages are named that have to come again."""
        asked = read_event(event)
        self._read_secrets()
        given = self._given(asked)
        feed = self._feed(asked, given)
        try:
            done = self._work(feed, context)
        except StartrailError as error:
            self._log.error(str(error))
            if not asked.batch:
                raise
            done = Done(0, 0)
        finally:
            feed.close()
        self._log.info(msgspec.json.encode({"files": done.files, "bytes": done.bytes}).decode())
        if asked.batch:
            return {"batchItemFailures": [{"itemIdentifier": id} for id in given.undone()]}
        return {"ok": True, "files": done.files, "bytes": done.bytes}

    def show(self, event: Event) -> None:
        """Into the function's log, as one line of JSON."""
        self._log.info(msgspec.json.encode(event).decode())

    def _work(self, feed: Feed, context: Any) -> Done:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        seconds = _MOST_WAIT if remaining is None else remaining() / 1000 - _LEAST_SECONDS
        work = import_module(f"startrail.wiring.function.{self.bundle.mode}").work
        files, size = work(self, feed, self._clock, max(0.0, min(_MOST_WAIT, seconds)))
        return Done(files, size)

    def _given(self, asked: Asked) -> GivenMessages:
        return GivenMessages([Message(id, id, body) for id, body in asked.messages or ()])

    def _feed(self, asked: Asked, given: GivenMessages) -> Feed:
        source = self.bundle.source
        if asked.messages is None:
            feed = source.feed.listed() if isinstance(source.feed, S3Feed) else source.feed
            return open_feed(self.root, self._clock, msgspec.structs.replace(source, feed=feed))
        if not isinstance(source.feed, S3Feed):
            message = f"source '{source.name}' is no bucket, and cannot be told of single objects"
            raise EventNotUnderstood(message, hint="call it by a schedule")
        return import_module(home(source)).open_told(self.root, self._clock, source, given)

    def _read_secrets(self) -> None:
        """Once in the life of this process; they stand in its own environment only."""
        if self._has_secrets:
            return
        missing = [name for name in self.bundle.secrets if not os.environ.get(name)]
        if missing:
            from startrail.adapters.parameters import read_parameters

            os.environ.update(read_parameters(self.bundle.parameters, missing))
        self._has_secrets = True
