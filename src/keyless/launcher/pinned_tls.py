"""The TLS of an identity endpoint whose certificate clients know by its thumbprint. Owns making the context.

The certificate and its key were made for this lease alone and are nowhere else: the key is in a file for the moment in
which it is loaded.

Source: Service Fabric, `IDENTITY_SERVER_THUMBPRINT`: the SHA-1 of the certificate as DER.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyless.launcher.pem import certificates
from keyless.model.secretstr import SecretStr

if TYPE_CHECKING:
    import ssl

_KEY_FILE = "identity.pem"


def thumbprint(material: SecretStr) -> str:
    """The thumbprint of the certificate in the lease's material: 40 hexadecimal digits in upper case."""
    import hashlib  # noqa: PLC0415  (slow, and seldom needed)

    return hashlib.sha1(certificates(material.reveal())[0], usedforsecurity=False).hexdigest().upper()


def server_context(material: SecretStr, folder: str) -> ssl.SSLContext:
    """A context with the lease's certificate and key; `folder` is the instance's own."""
    import ssl  # noqa: PLC0415  (slow, and seldom needed)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    path = os.path.join(folder, _KEY_FILE)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(material.reveal())
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context
