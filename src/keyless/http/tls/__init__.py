"""TLS: two private authorities with critical name constraints, their leaves, the server's context.

Owns certificates and how one is chosen for a connection. Must not know what is served.
"""

from __future__ import annotations

from keyless.http.tls.certificates import CertifiedKey, new_authority, new_leaf
from keyless.http.tls.tls_store import Spoken, TlsStore

__all__ = ["CertifiedKey", "Spoken", "TlsStore", "new_authority", "new_leaf"]
