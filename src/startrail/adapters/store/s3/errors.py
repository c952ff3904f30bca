"""What a bucket's refusal means for whoever wanted something of the store."""

from __future__ import annotations

from startrail.adapters.s3.answer import Answer
from startrail.base.errors import ResourceError
from startrail.base.text import printable
from startrail.ports.store import StoreFailed, StoreForbidden, StoreFull, StoreUnreachable, not_stored


def refusal(key: str, answer: Answer) -> ResourceError:
    """The error for what an S3 API answered about a key."""
    shown, told = printable(key), answer.told
    match answer.meaning:
        case "no object":
            return not_stored(key)
        case "no bucket":
            return StoreFailed("the bucket of the profile's `store` does not exist", hint="create it, or mend `bucket`")
        case "refused":
            hint = "check the profile's `access_key` and `secret_key`, or the role's policy, and the bucket's policy"
            return StoreForbidden(f"the bucket refuses access to '{shown}': {told}", hint=hint)
        case "clock":
            hint = "set the clock of this machine right, as with NTP"
            return StoreForbidden(
                f"the bucket refuses access to '{shown}': its clock and the one of this machine differ", hint=hint
            )
        case "no keys":
            hint = "give the profile's store `access_key` and `secret_key` as env:NAME, or this machine a role"
            return StoreForbidden(f"no keys for the bucket were found: {told}", hint=hint)
        case "full":
            hint = "free space or raise the quota, then run again"
            return StoreFull(f"no room is left in the bucket for '{shown}': {told}", hint=hint)
        case "busy" | "beyond the end":
            hint = "run again; check `endpoint`, the network and the proxy, if there is one, if it stays"
            return StoreUnreachable(f"the bucket did not answer for '{shown}': {told}", hint=hint)
        case "proxy":
            hint = "check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY, or name the host of `endpoint` in NO_PROXY"
            return StoreFailed(f"the bucket cannot be asked for '{shown}': {told}", hint=hint)
        case "elsewhere":
            hint = "give the profile's store the `region` and `endpoint` that the bucket really has; redirects are not followed"
            return StoreFailed(f"the bucket sends us elsewhere for '{shown}': {told}", hint=hint)
    hint = "check `bucket`, `region` and `endpoint` of the profile's store; see the log of the S3 API if they are right"
    return StoreFailed(f"the bucket refused '{shown}': {told}", hint=hint)
