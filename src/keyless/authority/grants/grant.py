"""What every grant of the token endpoint takes and gives.

Owns these shapes, and the reading of a scope. Must not know HTTP.

Source: RFC 6749, sections 3.2, 3.3 and 5.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from keyless.authority.clients.presented import Presented
from keyless.model.errors import invalid

_OPENID_SCOPES = {"openid", "profile", "email", "offline_access"}


@dataclass(frozen=True)
class TokenRequest:
    """A request to the token endpoint: its form, and what it says of the client."""

    form: Mapping[str, str] = field(repr=False)
    presented: Presented


@dataclass(frozen=True)
class Granted:
    """An answer of the token endpoint, and what the audit log keeps of it: who got it, and what it is."""

    principal_id: str
    name: str
    what: str
    answer: Mapping[str, object] = field(repr=False)


class Grant(Protocol):
    """One grant type."""

    async def grant(self, request: TokenRequest) -> Granted:
        """Answer a request; raises UNAUTHENTICATED if the client does not prove itself, INVALID if it asks wrongly."""
        ...


def resource_of(scope: str) -> str:
    """The resource of a v2.0 scope, `https://vault.azure.net/.default`."""
    wanted = [part for part in scope.split() if part not in _OPENID_SCOPES]
    if len(wanted) != 1 or not wanted[0].endswith("/.default"):
        raise invalid("scope has to be one resource followed by '/.default'.", "invalid_scope")
    return wanted[0].removesuffix("/.default")
