"""PRELOGIN from a client's side: what it asks for, and what the server's answer means for encryption.

Source: [MS-TDS] 2.2.6.5, 3.2.5.1.
"""

from __future__ import annotations

from keyless.providers.sql.tds import prelogin
from keyless.providers.sql.tds.prelogin import Encryption
from keyless.providers.sql.tds.reader import Malformed

_VERSION = bytes(6)
_ENCRYPTED = frozenset({Encryption.ON, Encryption.REQUIRED})


def ask(*, strict: bool, token: bool) -> bytes:
    """A PRELOGIN that wants the whole connection encrypted; `token` says that a token will be the proof."""
    options = {
        prelogin.VERSION: _VERSION,
        # within TLS that came first there is nothing left to encrypt
        prelogin.ENCRYPTION: bytes((Encryption.NOT_SUPPORTED if strict else Encryption.ON,)),
        prelogin.INSTANCE: b"\x00",
        prelogin.THREAD: bytes(4),
        prelogin.MARS: b"\x00",
    }
    return prelogin.write_options(options | ({prelogin.FEDAUTH: b"\x01"} if token else {}))


def is_encrypted(answer: bytes) -> bool:
    """Whether the server goes on with TLS for the whole connection; raises Malformed."""
    said = prelogin.read_options(answer).get(prelogin.ENCRYPTION, b"")
    if len(said) != 1:
        raise Malformed("the server says nothing of encryption")
    return said[0] in _ENCRYPTED
