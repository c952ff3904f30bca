"""The signature of webhooks: HMAC-SHA256 over ``TIMESTAMP.BODY``, so that neither can be changed or reused alone."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

ID_HEADER, TIME_HEADER, SIGNATURE_HEADER = "Startrail-Id", "Startrail-Timestamp", "Startrail-Signature"
WINDOW_SECONDS = 300
"""A receiver refuses what is older, and remembers ids for as long: then a copied request is worth nothing."""


def sign(secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """The two headers that prove who sends, and when."""
    time = str(int(at.timestamp()))
    return {TIME_HEADER: time, SIGNATURE_HEADER: "v1=" + _mac(secret, time, body)}


def verified(secret: str, time: str, signature: str, body: bytes, now: datetime) -> bool:
    """What a receiver does with them."""
    if not (time.isascii() and time.isdecimal()) or abs(now.timestamp() - int(time)) > WINDOW_SECONDS:
        return False
    return hmac.compare_digest(signature.encode(), b"v1=" + _mac(secret, time, body).encode())


def _mac(secret: str, time: str, body: bytes) -> str:
    return hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
