"""The owner key, and the assertion by which the owner proves itself.

Owns reading the key file and signing. Must not send anything.

Source: RFC 7523 (JWT client authentication), RFC 7517 (JWK), RFC 7518 section 3.4 (ES256).
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from keyless.cli.errors import Refused

FILE_NAME = "owner.key"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 300
_MAX_BYTES = 16 * 1024


class OwnerKey:
    """A private key on P-256; shows nothing of itself."""

    def __init__(self, jwk: str) -> None:
        """`jwk` is the private key as JSON; raises ValueError for anything else."""
        try:
            self._key = ECKey.import_key(json.loads(jwk))
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a private key") from error
        if not self._key.is_private or self._key.curve_name != "P-256":
            raise ValueError("not a private key on P-256")

    def assertion(self, client_id: str, audience: str, *, now: float, token_id: str) -> str:
        """A JWT of five minutes that says: I am `client_id`, to the token endpoint `audience`."""
        issued = int(now)
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": issued,
            "nbf": issued,
            "exp": issued + LIFETIME,
            "jti": token_id,
        }
        return jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self._key)

    def __repr__(self) -> str:
        return "OwnerKey(…)"


def read_owner_key(path: Path) -> OwnerKey:
    """Read the key; Refused if it is not there, if others may read it, or if it is no such key."""
    try:
        with path.open("rb") as file:
            others = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            text = file.read(_MAX_BYTES)
    except FileNotFoundError:
        raise Refused(
            f"The owner key {path} is not here: commands need it; set KEYLESS_CONFIG if it lies elsewhere."
        ) from None
    except PermissionError:
        raise Refused(f"The owner key {path} cannot be read by this user: run the command as the owner.") from None
    if others:
        raise Refused(f"Others may read the owner key {path}: run `chmod 600 {path}`.")
    try:
        return OwnerKey(text.decode())
    except ValueError:
        raise Refused(f"The owner key {path} is damaged: put it back from a backup.") from None
