"""The claims challenge: a 401 by which a client throws its token away, and asks for one that is newer than now.

Owns its text. Must not decide when it is due.

Source: Microsoft identity platform, "Claims challenges, claims requests, and client capabilities"; OpenID Connect
Core, 5.5 (the claims request). Clients that know continuous access evaluation take the claims to the token endpoint,
past their own cache, and send the request once more.
"""

from __future__ import annotations

import base64

import msgspec


def insufficient_claims(now: int) -> str:
    """The parameters that follow those of the ordinary challenge; `now` in Unix seconds."""
    wanted = {"access_token": {"nbf": {"essential": True, "value": str(now)}}}
    claims = base64.b64encode(msgspec.json.encode(wanted)).decode()
    return f', error="insufficient_claims", claims="{claims}"'
