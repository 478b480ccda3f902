"""What every grant for a person comes to, and how a grant says no.

Owns these two shapes. Must not know how tokens are made of it (`user_tokens.py`).

Source: RFC 6749, section 5.2 (`invalid_grant`).
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.people.sign_ins import SignIn
from keyless.authority.scopes import Scope
from keyless.model.errors import KeylessError, invalid


@dataclass(frozen=True)
class Granted:
    """Tokens may be made: for the person of `sign_in`, at `client_id`, for `scope`.

    `nonce` goes into the ID token. `client_id` is not always the sign-in's own: a client acts on behalf of a person
    who signed in at another one. `refreshable` says that the refresh token of the sign-in's generation goes along.
    """

    sign_in: SignIn
    client_id: str
    scope: Scope
    nonce: str = ""
    refreshable: bool = False


def refuse_grant(why: str) -> KeylessError:
    """The one error for a code or token that gives nothing; `why` says what to do next."""
    return invalid(f"{why}.", "invalid_grant")
