"""A registered application with a secret and a certificate, for the runs with real clients.

Owns making it, and the files that a client takes its certificate from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tests.authority.clients.certificates import self_signed
from tests.clients.place import Place


@dataclass(frozen=True)
class Registration:
    """Where a program finds what it needs, by the names that the programs read."""

    object_id: str
    client_id: str
    principal_id: str
    variables: dict[str, str]


def register(place: Place, folder: Path) -> Registration:
    """An application that may read the place's secrets, of which there is one: "greeting"."""
    owner = place.owner
    application = owner.graph("POST", "applications", {"displayName": place.name})
    path = f"applications/{application['id']}"
    principal = owner.graph("POST", "servicePrincipals", {"appId": application["appId"]})
    secret = owner.graph("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "test"}})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = self_signed(key)
    owner.graph("PATCH", path, {"keyCredentials": [made.key_credential]})
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem, pfx = folder / "client.pem", folder / "client.pfx"
    pem.write_bytes(private + made.certificate.public_bytes(Encoding.PEM))
    sealing = BestAvailableEncryption(b"changeit")
    pfx.write_bytes(pkcs12.serialize_key_and_certificates(b"client", key, made.certificate, None, sealing))
    owner.assign(principal["id"], "Key Vault Secrets User", place.vault_id)
    owner.secret(place.name, "greeting", "hello")
    variables = {
        "SHOP_CLIENT": application["appId"],
        "SHOP_SECRET": secret["secretText"],
        "SHOP_PEM": str(pem),
        "SHOP_PFX": str(pfx),
        "SHOP_THUMBPRINT": made.sha1.hex(),
    }
    return Registration(application["id"], application["appId"], principal["id"], variables)
