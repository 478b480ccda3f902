"""Federation: whose word an identity takes instead of a credential of its own.

Owns the nouns. Must not know how they are kept, nor how a token is checked (`authority/federation/`).

Source: Azure REST API, "Federated Identity Credentials"; OpenID Connect Core 1.0, section 2 (`iss`, `sub`, `aud`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from keyless.model.errors import KeylessError, conflict, invalid

#: What the exchange of a token is called as an audience, in every cloud's documentation.
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
MAX_CREDENTIALS = 20
MAX_AUDIENCES = 10
MAX_TEXT = 600
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}")
NAME_RULE = "3 to 120 letters, digits, '-' or '_', beginning with a letter or digit."


@dataclass(frozen=True)
class FederatedCredential:
    """A token of this issuer about this subject, for one of these audiences, proves the identity that has this."""

    name: str
    issuer: str
    subject: str
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class IssuerSettings:
    """What the operator says of an issuer: its keys (a JSON Web Key Set), so that nothing is fetched; a certificate
    authority to trust besides the public ones (PEM); whether it may be at an address that is not public.
    """

    issuer: str
    key_set: bytes | None = None
    ca_pem: str = ""
    allow_private: bool = False


def check_issuer(issuer: str) -> str:
    """The URL of an issuer, as it was given: issuers are compared by every character. Raises INVALID."""
    if not 0 < len(issuer) <= MAX_TEXT or not (issuer.isascii() and issuer.isprintable()) or " " in issuer:
        raise _no_issuer()
    try:
        parts = urlsplit(issuer)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise _no_issuer() from None
    if parts.scheme != "https" or not host or parts.username is not None or "?" in issuer or "#" in issuer:
        raise _no_issuer()
    return issuer


def check_credential(credential: FederatedCredential) -> FederatedCredential:
    """The credential again; raises INVALID for one that no token could match, or that would match too many."""
    check_issuer(credential.issuer)
    _check_text("subject", credential.subject)
    if not 0 < len(credential.audiences) <= MAX_AUDIENCES or len({*credential.audiences}) < len(credential.audiences):
        raise invalid(
            f"A federated credential has from 1 to {MAX_AUDIENCES} audiences, each named once.",
            "InvalidFederatedIdentityCredential",
        )
    for audience in credential.audiences:
        _check_text("audience", audience)
    return credential


def check_together(credential: FederatedCredential, others: tuple[FederatedCredential, ...]) -> None:
    """Raise unless an identity that has `others` may have this one too."""
    if len(others) >= MAX_CREDENTIALS:
        raise invalid(
            f"An identity has at most {MAX_CREDENTIALS} federated credentials: remove one first.",
            "TooManyFederatedIdentityCredentials",
        )
    for other in others:
        if (other.issuer, other.subject) == (credential.issuer, credential.subject):
            raise conflict(
                f"The federated credential {other.name!r} has this issuer and subject already: change that one.",
                "ConflictingFederatedIdentityCredential",
            )


def _check_text(what: str, text: str) -> None:
    if not 0 < len(text) <= MAX_TEXT or not text.isprintable() or text.strip() != text:
        raise invalid(
            f"The {what} of a federated credential has from 1 to {MAX_TEXT} characters, with no space around them.",
            "InvalidFederatedIdentityCredential",
        )


def _no_issuer() -> KeylessError:
    return invalid(
        "The issuer has to be a URL that begins with https:// and has no query, as its tokens have it in `iss`.",
        "InvalidFederatedIdentityCredential",
    )
