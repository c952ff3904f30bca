"""What a function is: what calls it, what it knows, and why it cannot be one."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from startrail.base.text import printable
from startrail.capabilities.sources.bundle.aws_cron import NotForAws, aws_crons
from startrail.capabilities.sources.bundle.errors import FunctionCallsItself, NotAFunction, NothingCallsIt
from startrail.capabilities.sources.bundle.rights import queue_arn
from startrail.model.bundle import Bundle
from startrail.model.profile import LocalStore, PostgresLedger, Profile, S3Store, SqliteLedger
from startrail.model.project import Project
from startrail.model.source import Feed, FolderFeed, S3Feed, SftpFeed, Source

Trigger = Literal["schedule", "queue", "s3"]
_ROLE_KEYS = {"env:AWS_ACCESS_KEY_ID", "env:AWS_SECRET_ACCESS_KEY"}
_REFERENCE = re.compile(r"(env|file|keyring):(.+)", re.DOTALL)
_RESERVED = re.compile(r"AWS_|LAMBDA_|_HANDLER|_X_AMZN|LD_|PYTHON|PATH$|TZ$|LANG$")


class FunctionPlan(msgspec.Struct, frozen=True):
    """A bundle with what calls it. ``crons`` are in Amazon's words; ``files``: paths of the project that it takes along."""

    bundle: Bundle
    triggers: tuple[Trigger, ...]
    crons: tuple[str, ...] = ()
    timezone: str = "UTC"
    queue: str | None = None
    files: tuple[str, ...] = ()


def plan_function(
    project: Project, profile: Profile, profile_name: str, source: Source, target: S3Store | None, trigger: Trigger | None
) -> FunctionPlan:
    """``target``: a bucket to copy to; None: land into the store of the profile.

    Raises NotAFunction, NothingCallsIt, FunctionCallsItself."""
    _check_feed(source, copies=target is not None)
    store, ledger = (target, None) if target is not None else _of_profile(profile, profile_name, source)
    _check_apart(source, store)
    names = _Names()
    bundle = Bundle(
        project.name,
        profile_name,
        project.digest,
        "land" if target is None else "copy",
        msgspec.structs.replace(source, feed=_with_names(_with_role(_without_queue_keys(source.feed)), names)),
        _with_names(_with_role(store), names),
        _with_names(ledger, names) if ledger is not None else None,
        profile.limits.retries,
        "/startrail/" + re.sub(r"[^A-Za-z0-9_.-]+", "-", project.name) + f"/{source.name}/",
        tuple(sorted(names.given.values())),
    )
    return _called(bundle, source, trigger)


def _called(bundle: Bundle, source: Source, trigger: Trigger | None) -> FunctionPlan:
    feed = source.feed
    told_by = feed.told_by if isinstance(feed, S3Feed) else None
    queue = queue_arn(told_by) if told_by is not None else None
    found: list[Trigger] = [trigger] if trigger is not None else []
    if trigger is None and told_by is not None and queue is not None:
        found.append("queue")
    if source.schedule is not None and trigger in (None, "queue", "s3"):
        found.append("schedule")  # beside events: a listing finds what they lost
    if not found or (trigger == "schedule" and source.schedule is None) or (trigger == "queue" and queue is None):
        raise NothingCallsIt(
            f"nothing would call the function of '{source.name}'" + (f" by {trigger}" if trigger else ""),
            at=source.span,
            affects="the whole command",
            hint='give the source a schedule: {cron: "0 3 * * *"}, or its s3 feed a queue of Amazon\'s',
        )
    if "s3" in found and not isinstance(feed, S3Feed):
        raise _unfit(source, "only objects of a bucket tell of themselves", "leave --trigger s3 away")
    crons: tuple[str, ...] = ()
    if "schedule" in found and source.schedule is not None:
        try:
            crons = aws_crons(source.schedule.cron)
        except NotForAws as error:
            raise _unfit(source, f"its schedule has no equal at Amazon: {error}", "write another cron") from error
    zone = source.schedule.timezone if source.schedule is not None else "UTC"
    return FunctionPlan(bundle, tuple(dict.fromkeys(found)), crons, zone, queue, tuple(_files(source)))


def _check_feed(source: Source, *, copies: bool) -> None:
    feed = source.feed
    if isinstance(feed, FolderFeed):
        raise _unfit(source, "it reads a folder of this machine, which a function does not have", "startrail run")
    if copies and not source.keeps_names:
        raise _unfit(source, "it delivers pages of records, which have no names to copy them under", "leave --copy-to away")
    if isinstance(feed, SftpFeed) and feed.host_key is None and feed.known_hosts is None:
        raise _unfit(source, "a function has no ~/.ssh/known_hosts", "write the server's key as host_key: into its feed")
    if isinstance(feed, SftpFeed) and feed.key is None and feed.password is None:
        raise _unfit(source, "a function has no SSH agent", "give its feed a key: or a password:")


def _of_profile(profile: Profile, name: str, source: Source) -> tuple[S3Store, PostgresLedger]:
    if isinstance(profile.store, LocalStore):
        hint = "take a profile whose store is s3, or copy without a ledger: --copy-to s3://BUCKET/PREFIX"
        raise _unfit(source, f"the store of profile '{name}' is a folder of this machine", hint)
    if isinstance(profile.ledger, SqliteLedger):
        hint = "take a profile whose ledger is postgres, or copy without a ledger: --copy-to s3://BUCKET/PREFIX"
        raise _unfit(source, f"the ledger of profile '{name}' is a file, which two machines cannot share", hint)
    return profile.store, profile.ledger


def _check_apart(source: Source, store: S3Store) -> None:
    feed = source.feed
    if not isinstance(feed, S3Feed) or (feed.bucket, feed.endpoint) != (store.bucket, store.endpoint):
        return
    here, there = (f"{prefix.strip('/')}/".lstrip("/") for prefix in (feed.prefix, store.prefix))
    if here.startswith(there) or there.startswith(here):
        raise FunctionCallsItself(
            f"the function of '{source.name}' would write into s3://{printable(store.bucket)}/{printable(there)}, where it reads",
            at=source.span,
            affects="the whole command",
            hint="choose another bucket or prefix",
        )


def _unfit(source: Source, why: str, hint: str) -> NotAFunction:
    return NotAFunction(f"'{source.name}' cannot be a function: {why}", at=source.span, affects="the whole command", hint=hint)


class _Names:
    """Names of environment variables for references to secrets."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def of(self, reference: str) -> str:
        if reference not in self.given:
            kind, _, name = reference.partition(":")
            word = re.sub(r"\W+", "_", name if kind == "env" else name.rpartition("/")[2]).strip("_").upper() or "SECRET"
            word = f"SOURCE_{word}" if _RESERVED.match(word) or word[0].isdigit() else word
            while word in self.given.values():
                word += "_2"
            self.given[reference] = word
        return self.given[reference]


_Declared = typing.TypeVar("_Declared", bound=msgspec.Struct)


def _with_names(declared: _Declared, names: _Names) -> _Declared:
    """Every reference to a secret becomes one to the function's own environment."""
    changed: dict[str, Any] = {}
    for field, reads in _reads(type(declared)):
        value = getattr(declared, field)
        if isinstance(value, msgspec.Struct):
            changed[field] = _with_names(value, names)
        elif reads in ("secret", "dsn") and isinstance(value, str) and _REFERENCE.fullmatch(value):
            changed[field] = f"env:{names.of(value)}"
        elif reads == "headers" and isinstance(value, dict):
            changed[field] = {name: _header(text, names) for name, text in value.items()}
    return msgspec.structs.replace(declared, **changed)


def _header(text: str, names: _Names) -> str:
    before, space, last = text.rpartition(" ")
    return f"{before}{space}env:{names.of(last)}" if _REFERENCE.fullmatch(last) else text


def _without_queue_keys(feed: Feed) -> Feed:
    """The queue calls the function, which never asks it for anything."""
    if not isinstance(feed, S3Feed) or feed.events is None:
        return feed
    return msgspec.structs.replace(feed, events=msgspec.structs.replace(feed.events, access_key=None, secret_key=None))


def _with_role(declared: _Declared) -> _Declared:
    """Amazon's own variables hold the role's keys in a function, which are found without being named."""
    changed: dict[str, Any] = {}
    for field in declared.__struct_fields__:
        value = getattr(declared, field)
        if isinstance(value, msgspec.Struct):
            changed[field] = _with_role(value)
        elif isinstance(value, str) and value in _ROLE_KEYS:
            changed[field] = None
    return msgspec.structs.replace(declared, **changed)


def _reads(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str | None]]:
    """Fields with what their values are read as, as the declarations' own types say."""
    for field, hint in typing.get_type_hints(kind, include_extras=True).items():
        if field in kind.__struct_fields__:
            yield field, _read_as(hint)


def _read_as(hint: Any) -> str | None:
    for meta in getattr(hint, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra:
            return meta.extra.get("reads")
    found = (_read_as(inner) for inner in typing.get_args(hint))
    return next((each for each in found if each is not None), None)


def _files(source: Source) -> Iterator[str]:
    """Files of the project that the feed names, which are no secrets."""
    for field in ("known_hosts", "ca_file"):
        path = getattr(source.feed, field, None)
        if path is not None:
            if path.startswith(("/", "~")) or ".." in path.split("/"):
                raise _unfit(source, f"{field}: {printable(path, 80)} lies outside the project", "put the file into the project")
            yield path
