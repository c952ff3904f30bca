"""A source as a function in the cloud."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.model.profile import PostgresLedger, S3Store
from startrail.model.source import Source

Mode = Literal["land", "copy"]
BUNDLE_FILE = "startrail_bundle.json"
"""Beside the handler in the package: a Bundle."""
FILES_FOLDER = "startrail_files"
"""Files that the declaration names, such as certificates; relative paths start here."""


class Bundle(msgspec.Struct, frozen=True):
    """All that the function knows. Secrets are references to its environment, which it fills from ``parameters``."""

    project: str
    profile: str
    digest: str
    """Of the declarations from which it was made."""
    mode: Mode
    """Land into the store under a ledger, or copy under the files' own names without one."""
    source: Source
    store: S3Store
    """Where bytes go."""
    ledger: PostgresLedger | None = None
    """None: what was copied is remembered beside the copies."""
    retries: int = 2
    parameters: str = ""
    """What the names of its secrets begin with in the parameter store."""
    secrets: tuple[str, ...] = ()
    """Names of environment variables, each also the end of its parameter's name."""
