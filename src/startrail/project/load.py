"""``read_project``: the folder of declarations as one frozen value."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from startrail.base.ids import fingerprint
from startrail.model.project import Project
from startrail.project.files import digest_of

READER = "22"
"""Changes whenever the same files are read into another value, so that cached projects are read anew."""


class Cache(Protocol):
    """Keeps derived values; may lose them."""

    def get(self, kind: str, key: str) -> bytes | None: ...

    def put(self, kind: str, key: str, value: bytes) -> None: ...


def read_project(root: Path, cache: Cache | None = None) -> Project:
    """Everything declared in the folder, checked as a whole.

    Raises the one DeclarationError (ST1xx), or Errors with all of them. With a cache, an unchanged project is
    decoded from one value: no YAML is parsed and no parser imported.
    """
    digest, files = digest_of(root)
    key = fingerprint(digest, READER)
    project = _decoded(cache.get("project", key)) if cache is not None else None
    if project is None:
        # Imported only here: the reader and its YAML library are most of the cost of an unchanged project.
        from startrail.project.declarations import read_declarations

        project = read_declarations(files, digest)
        if cache is not None:
            cache.put("project", key, msgspec.msgpack.encode(project))
    return msgspec.structs.replace(project, root=str(root.resolve()))


def _decoded(value: bytes | None) -> Project | None:
    """The cached project; None when there is none or it was written by another version."""
    if value is None:
        return None
    try:
        return msgspec.msgpack.decode(value, type=Project)
    except msgspec.DecodeError:
        return None
