"""TLS between bytes and bytes, so that its handshake can travel inside of other packets. Does no I/O."""

from __future__ import annotations

import contextlib
import ssl

_CHUNK = 64 * 1024


class Tls:
    """One side of a TLS connection: the server's, or that of a client of `server`; every method may raise SSLError."""

    def __init__(self, context: ssl.SSLContext, server: str | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server is None, server_hostname=server)

    def feed(self, data: bytes) -> None:
        """Bytes that came from the other side."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """Bytes that have to go there."""
        return self._out.read()

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is over."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self) -> bytes | None:
        """What it said, b"" if nothing yet, None where it has ended."""
        parts = []
        try:
            while part := self._tls.read(_CHUNK):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts)
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(parts) or None

    def encrypt(self, data: bytes) -> bytes:
        """What goes there."""
        self._tls.write(data)
        return self._out.read()

    def close(self) -> bytes:
        """The word that nothing more will come."""
        with contextlib.suppress(ssl.SSLError, ValueError, OSError):
            self._tls.unwrap()
        return self._out.read()
