"""keyless: managed identity for any machine. What an application imports."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from keyless.client.access_token import AccessToken as AccessToken
    from keyless.client.credential import ManagedIdentityCredential as ManagedIdentityCredential
    from keyless.client.errors import CredentialUnavailable as CredentialUnavailable
    from keyless.client.errors import TokenRefused as TokenRefused

_HOMES = {
    "AccessToken": "access_token",
    "CredentialUnavailable": "errors",
    "ManagedIdentityCredential": "credential",
    "TokenRefused": "errors",
}

__all__ = ["AccessToken", "CredentialUnavailable", "ManagedIdentityCredential", "TokenRefused"]


def __getattr__(name: str) -> object:
    # the command line and the server import this package too, and need none of it
    if name not in _HOMES:
        raise AttributeError(f"module 'keyless' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"keyless.client.{_HOMES[name]}"), name)
