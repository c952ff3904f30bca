"""What a bucket's refusal means for whoever wanted something of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import AlreadyExistsError, BaseError

from startrail.adapters.s3.answer import Answer, answer_of
from startrail.base.errors import ResourceError
from startrail.base.text import printable
from startrail.ports.store import StoreFailed, StoreForbidden, StoreFull, StoreUnreachable, disk_error, not_stored


def refusal(key: str, answer: Answer) -> ResourceError:
    """The error for what an S3 API answered about a key."""
    shown, told = printable(key), answer.told
    match answer.meaning:
        case "no bucket":
            return StoreFailed("the bucket of the profile's `store` does not exist", hint="create it, or mend `bucket`")
        case "refused":
            hint = "check the profile's `access_key` and `secret_key`, and the bucket's policy"
            return StoreForbidden(f"the bucket refuses access to '{shown}': {told}", hint=hint)
        case "clock":
            hint = "set the clock of this machine right, as with NTP"
            return StoreForbidden(
                f"the bucket refuses access to '{shown}': its clock and the one of this machine differ", hint=hint
            )
        case "no keys":
            hint = "give the profile's store `access_key` and `secret_key` as env:NAME"
            return StoreForbidden("no keys for the bucket were found", hint=hint)
        case "full":
            hint = "free space or raise the quota, then run again"
            return StoreFull(f"no room is left in the bucket for '{shown}': {told}", hint=hint)
        case "busy" | "beyond the end":
            hint = "run again; check `endpoint` and the network if it stays"
            return StoreUnreachable(f"the bucket did not answer for '{shown}': {told}", hint=hint)
        case "elsewhere":
            hint = "check `region` and `endpoint` of the profile's store"
            return StoreFailed(f"the bucket sends us elsewhere for '{shown}': {told}", hint=hint)
    return StoreFailed(f"the bucket refused '{shown}': {told}", hint="check `bucket`, `region` and `endpoint` of the profile")


@contextmanager
def answers(key: str) -> Iterator[None]:
    """What obstore raises about a key, as the error for it; except that the key is taken, which the caller has asked about."""
    try:
        yield
    except AlreadyExistsError:
        raise
    except (BaseError, OSError, ValueError) as error:
        raise _translated(key, error) from error


def _translated(key: str, error: Exception) -> ResourceError:
    answer = answer_of(error)
    if isinstance(error, FileNotFoundError) and error.errno is None and answer.meaning == "other":
        return not_stored(key)
    if isinstance(error, OSError) and error.errno is not None:
        return disk_error(error, key, writing=True)
    return refusal(key, answer)
