"""In whose name an S3 API is asked: by keys that were declared, those of the environment, or those of a role.

The order is the one of Amazon's own tools (AWS SDKs and Tools Reference Guide, "Standardized credential providers"), without
files of profiles.
"""

from __future__ import annotations

import os

from startrail.adapters.s3.keys import Keys, Renewed, Who, known, no_keys
from startrail.adapters.s3.roles import keys_of_role

_YES = frozenset(("1", "true", "on", "yes", "y"))


def who_asks(access_key: str | None, secret_key: str | None, region: str) -> Who:
    """``access_key`` and ``secret_key`` as they were declared, resolved. No service is asked before the first request."""
    said, token = os.environ.get, None
    if access_key is None and secret_key is None:
        if said("AWS_SKIP_SIGNATURE", "").lower() in _YES:
            return lambda: None
        access_key, secret_key, token = said("AWS_ACCESS_KEY_ID"), said("AWS_SECRET_ACCESS_KEY"), said("AWS_SESSION_TOKEN")
    if not access_key and not secret_key:
        return Renewed(lambda: keys_of_role(region))
    if not access_key or not secret_key:
        return _only_half
    return known(access_key, secret_key, token or None) if _can_be_sent(access_key + (token or "")) else _unfit


def _can_be_sent(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _only_half() -> Keys:
    raise no_keys("of the access key and the secret key, one is missing or empty")


def _unfit() -> Keys:
    raise no_keys("the access key or its token has characters that no key has, such as the end of a line")
