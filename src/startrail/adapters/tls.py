"""TLS towards servers: whom we trust, and that nothing stays open when a server hangs up."""

from __future__ import annotations

import ssl
from pathlib import Path


class _Closing(ssl.SSLSocket):
    """Closed too when the far side has reset the connection before TLS began, which the library forgets up to Python 3.11."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except OSError:
            if self.version() is None:
                self.close()
            raise


def trust(authorities: str | Path | None = None) -> ssl.SSLContext:
    """Servers that can prove who they are by a certificate of these authorities, a PEM file; None: those of the machine.

    Raises OSError (of which SSLError is one) when the file cannot be read as such.
    """
    context = ssl.create_default_context(cafile=authorities)
    context.sslsocket_class = _Closing
    return context
