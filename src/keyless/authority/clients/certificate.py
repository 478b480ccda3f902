"""Proof by the private key of a certificate that stands with the application.

Owns the check of such an assertion: the certificate is one of the application's and in its time, the algorithm fits
its key, the claims are for this endpoint. A certificate's chain is not looked at: the registration is what makes it
trusted. An assertion may be used until it ends, because the official clients send one for some minutes.

Source: RFC 7523, sections 2.2 and 3; Microsoft identity platform, "application authentication certificate
credentials"; RFC 7518, sections 3.3 to 3.5 (RS256, ES256, PS256).
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.certificates import holds
from keyless.authority.clients.assertion import MAX_LIFE, SKEW, Assertion, check_claims
from keyless.authority.clients.presented import Client, refused
from keyless.directory.applications import ClientCertificate
from keyless.model.clock import Clock


@dataclass(frozen=True)
class CertificateWay:
    """See `clients.AssertionWay`."""

    clock: Clock

    async def prove(self, client: Client, assertion: Assertion, audiences: tuple[str, ...]) -> None:
        certificate = self._named(client, assertion)
        if not holds(certificate.der, assertion.algorithm, assertion.signed, assertion.signature):
            raise refused("the assertion's signature does not hold, or is not RS256, PS256 or ES256 as its key needs")
        check_claims(assertion, client.client_id, audiences, self.clock(), MAX_LIFE)

    def _named(self, client: Client, assertion: Assertion) -> ClientCertificate:
        held = client.application.certificates if client.application else ()
        named = [one for one in held if {one.sha1, one.sha256} & set(assertion.thumbprints)]
        if not named:
            told = "the assertion names no certificate of it: add it with `keyless principal add-certificate`"
            raise refused(told)
        now = self.clock()
        current = [one for one in named if one.start - SKEW <= now < one.end]
        if not current:
            raise refused("the certificate has expired, or is not valid yet: add a current one")
        return current[0]
