"""The client credentials grant, proved by an assertion that the client signed.

Owns checking the assertion: who signed it, for whom, for how long, and that it is used once. Must not know HTTP.

Source: RFC 6749, section 4.4; RFC 7523, sections 2.2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyless.authority.federation.assertions import FederatedAssertions, is_foreign
from keyless.authority.keys import verify_assertion
from keyless.directory.principals import Directory
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_LIFE = 600
_MAX_REMEMBERED = 10_000
_SKEW = 60


@dataclass
class ClientCredentials:
    """Maps a form to the principal that it proves, and the resource that it asks for."""

    directory: Directory
    clock: Clock
    federated: FederatedAssertions
    _used: dict[str, float] = field(default_factory=dict, repr=False)

    async def prove(self, form: Mapping[str, str], audiences: tuple[str, ...]) -> tuple[Principal, str]:
        """The client and the resource. `audiences` are the names that an assertion may give this endpoint."""
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise _refused("a client proves itself with a signed client_assertion here; there are no client secrets")
        client_id, assertion = form.get("client_id", ""), form["client_assertion"]
        if is_foreign(assertion):
            return await self.federated.prove(client_id, assertion), resource_of(form.get("scope", ""))
        client = self.directory.by_client_id(client_id)
        key = self.directory.assertion_key(client.principal_id) if client else None
        if client is None or key is None:
            raise _refused("no client of that client_id can prove itself here")
        claims = verify_assertion(assertion, key)
        if not claims.get("iss") == claims.get("sub") == client.client_id:
            raise _refused("the assertion's iss and sub are not the client_id")
        if claims.get("aud") not in audiences:
            raise _refused("the assertion is for another token endpoint")
        self._check_times(claims)
        return client, resource_of(form.get("scope", ""))

    def _check_times(self, claims: Mapping[str, object]) -> None:
        now = self.clock()
        expires, not_before, once = claims.get("exp"), claims.get("nbf", 0), claims.get("jti")
        if not isinstance(expires, int) or not now < expires <= now + MAX_ASSERTION_LIFE + _SKEW:
            raise _refused(f"the assertion has expired, or lives longer than {MAX_ASSERTION_LIFE} seconds")
        if not isinstance(not_before, int) or now + _SKEW < not_before:
            raise _refused("the assertion is not valid yet: compare the clocks")
        self._used = {jti: until for jti, until in self._used.items() if until > now}
        if not isinstance(once, str) or not once or once in self._used:
            raise _refused("the assertion has no jti, or was used before")
        if len(self._used) >= _MAX_REMEMBERED:
            raise KeylessError(ErrorKind.THROTTLED, "Too many assertions at once: try again.", retry_after=5)
        self._used[once] = expires


def resource_of(scope: str) -> str:
    """The resource of a v2.0 scope, `https://vault.azure.net/.default`."""
    wanted = [part for part in scope.split() if part not in {"openid", "profile", "offline_access"}]
    if len(wanted) != 1 or not wanted[0].endswith("/.default"):
        raise invalid("scope has to be one resource followed by '/.default'.", "invalid_scope")
    return wanted[0].removesuffix("/.default")


def _refused(why: str) -> KeylessError:
    return KeylessError(ErrorKind.UNAUTHENTICATED, f"The client is not known: {why}.", code="invalid_client")
