"""Where a function puts bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startrail.adapters.secrets import resolve
from startrail.adapters.store.s3.store import S3Store

if TYPE_CHECKING:
    from startrail.ports.store import Store
    from startrail.wiring.function.handler import Function


def open_target(function: Function) -> Store:
    """The bucket of the bundle; without keys of its own the role of the function is who asks."""
    declared, root = function.bundle.store, function.root
    return S3Store(
        declared,
        function.scratch / "s3",
        access_key=resolve(declared.access_key, root) if declared.access_key else None,
        secret_key=resolve(declared.secret_key, root) if declared.secret_key else None,
    )
