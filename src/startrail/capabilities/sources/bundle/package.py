"""The package of a function: the same content is the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_EARLIEST = (1980, 1, 1, 0, 0, 0)
_PLAIN = 0o100644 << 16


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files by path, in order of names, without anything of the moment or the machine."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EARLIEST)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, _PLAIN, 3
            package.writestr(entry, files[path])
    return content.getvalue()
