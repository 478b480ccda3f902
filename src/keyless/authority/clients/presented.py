"""What a request to the token endpoint says of the client that sends it, before anything of that is believed.

Owns reading it, from the form or from the Authorization header, and that a client proves itself in one way only. Does
no I/O.

Source: RFC 6749, section 2.3 (client authentication); RFC 7521, section 4.2 (assertions).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from keyless.directory.applications import Application
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.secretstr import SecretStr

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_BASIC = 4096


@dataclass(frozen=True)
class Presented:
    """A client ID, and what is to prove it: a secret, an assertion or, for a public client, neither.

    `audiences` are the names that an assertion may give this endpoint; `peer` is the address that asks.
    """

    client_id: str
    secret: SecretStr | None = None
    assertion: SecretStr | None = None
    audiences: tuple[str, ...] = ()
    peer: str = ""


@dataclass(frozen=True)
class Client:
    """Who a client ID belongs to: a registration, a principal, or both.

    A registration has a principal from when it gets a service principal; managed identities and the owner have no
    registration.
    """

    client_id: str
    application: Application | None
    principal: Principal | None
    #: How long its tokens may live at most, in seconds, if there is a limit besides the setting.
    longest_life: int | None = None

    @property
    def name(self) -> str:
        """The name to show."""
        return self.application.display_name if self.application else self.principal.display_name  # type: ignore[union-attr]


def read_presented(
    form: Mapping[str, str], authorization: str, audiences: tuple[str, ...], peer: str = ""
) -> Presented:
    """What a form and the value of an Authorization header ("" if there is none) say of the client; raises INVALID."""
    basic_id, basic_secret = _basic(authorization)
    secret, assertion, kind = form.get("client_secret"), form.get("client_assertion"), form.get("client_assertion_type")
    if sum(1 for one in (basic_secret, secret, assertion or kind) if one) > 1:
        raise invalid("A client proves itself in one way: send one of client_secret, client_assertion and Basic.")
    client_id = form.get("client_id") or basic_id
    if basic_id and client_id.lower() != basic_id.lower():
        raise invalid("The client_id of the form is not that of the Authorization header: send one of them.")
    if (assertion or kind) and (kind != ASSERTION_TYPE or not assertion):
        raise refused(f"a client_assertion needs the client_assertion_type {ASSERTION_TYPE}")
    found = secret or basic_secret
    return Presented(
        client_id.lower(),
        SecretStr(found) if found else None,
        SecretStr(assertion) if assertion else None,
        audiences,
        peer,
    )


def _basic(authorization: str) -> tuple[str, str]:
    """Client ID and secret of HTTP Basic; both are form-encoded first (RFC 6749, section 2.3.1)."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        if len(value) > _MAX_BASIC:
            raise ValueError
        text = base64.b64decode(value.strip(), validate=True).decode()
        name, colon, secret = text.partition(":")
        if not (name and colon):
            raise ValueError
        return unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error):
        raise refused("the Authorization header is not HTTP Basic with a client ID and a secret") from None


def refused(why: str, code: str = "AADSTS700027") -> KeylessError:
    """The client is not proven; `why` never quotes what it sent."""
    return KeylessError(ErrorKind.UNAUTHENTICATED, f"The client is not known: {why}.", code=code)
