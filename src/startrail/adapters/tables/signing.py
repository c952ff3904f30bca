"""Names that carry the digest of what is under them, in the form that Iceberg clients expect: a UUID.

Its version is 8, which RFC 9562 leaves to the program that makes it, so the random ones of other programs differ.
"""

from __future__ import annotations

import hashlib
import re
import uuid

_SIGNED = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?:\.metadata\.json|\.avro)$")


def signature(data: bytes) -> str:
    """122 bits of the SHA-256 of ``data`` as a UUID of version 8."""
    raw = bytearray(hashlib.sha256(data).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def verified(name: str, data: bytes) -> bool:
    """True when ``name`` proves that ``data`` is what was written, False when it says nothing.

    Raises ValueError when it proves the contrary.
    """
    found = _SIGNED.search(name)
    if found is None:
        return False
    if found[1] != signature(data):
        raise ValueError("its bytes are not those that were written")
    return True
