"""The configuration of another issuer: where its keys are.

Owns the URL and the reading of the document. Pure. A document that names another issuer than the one it was fetched
for is not believed: else whoever may place a file below an issuer's host could speak for that issuer.

Source: OpenID Connect Discovery 1.0, sections 4.1 to 4.3.
"""

from __future__ import annotations

import msgspec

from keyless.model.errors import KeylessError, invalid
from keyless.model.federation import check_issuer


class _Configuration(msgspec.Struct):
    issuer: str
    jwks_uri: str


def configuration_url(issuer: str) -> str:
    """Where an issuer's configuration is."""
    return f"{issuer.removesuffix('/')}/.well-known/openid-configuration"


def key_set_url(document: bytes, issuer: str) -> str:
    """Where the keys are, by the configuration that was fetched for `issuer`; raises INVALID."""
    try:
        found = msgspec.json.decode(document, type=_Configuration)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _unusable("it is not a JSON object with `issuer` and `jwks_uri`") from None
    if found.issuer != issuer:
        raise _unusable("it names another issuer")
    try:
        check_issuer(found.jwks_uri.partition("?")[0])
    except KeylessError:
        raise _unusable("its `jwks_uri` does not begin with https://") from None
    return found.jwks_uri


def _unusable(why: str) -> KeylessError:
    return invalid(f"its configuration cannot be used because {why}", "InvalidConfiguration")
