"""The authorization code grant: codes are given out by the sign-in page and redeemed here.

Owns the codes, of which digests are held, and what each is bound to: client, redirect URI, verifier, person, scope,
nonce. A code works once and lives for minutes; the second use ends what the first one gave.

Source: RFC 6749, sections 4.1.2, 4.1.3 and 10.5; RFC 7636; RFC 9700, section 2.1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from keyless.authority.clients.presented import refused
from keyless.authority.grants.authorization import Authorization, ProvenClient, refuse_grant
from keyless.authority.grants.pkce import matches
from keyless.authority.jwt import encode_base64url
from keyless.authority.people.digests import Digests
from keyless.authority.people.sign_ins import SignIn, SignIns
from keyless.authority.scopes import parse_scope
from keyless.model.clock import Clock
from keyless.model.errors import invalid
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Row, Store, Tx

LIFETIME = 300
CODE_BYTES = 32
#: How many codes of one person wait to be redeemed; the oldest goes first.
MAX_OF_PERSON = 50
TABLE = (
    """CREATE TABLE authorization_code(
        digest BLOB PRIMARY KEY, principal_id TEXT NOT NULL, expires REAL NOT NULL, binding BLOB NOT NULL,
        sign_in TEXT)""",
    "CREATE INDEX authorization_code_principal ON authorization_code(principal_id, expires)",
)


@dataclass(frozen=True)
class Binding:
    """What a code is bound to. `challenge` is empty where a confidential client asked without one.

    `confidential`: it was sent to a redirect URI of a web application, which has to prove itself to redeem it.
    """

    client_id: str
    redirect_uri: str
    challenge: str
    principal_id: str
    session: str
    authenticated: float
    scope: str
    nonce: str = ""
    confidential: bool = False


class AuthorizationCodes:
    """Gives codes out, and redeems them."""

    def __init__(
        self, store: Store, digests: Digests, clock: Clock, random: Callable[[int], bytes], sign_ins: SignIns
    ) -> None:
        self._store = store
        self._digests = digests
        self._clock = clock
        self._random = random
        self._sign_ins = sign_ins

    async def give(self, binding: Binding) -> SecretStr:
        """A code for a person who has just agreed."""
        code = encode_base64url(self._random(CODE_BYTES)).decode("ascii")
        expires = self._clock() + LIFETIME
        row = (self._kept(code), binding.principal_id, expires, msgspec.json.encode(binding))

        def work(tx: Tx) -> None:
            tx.execute(
                "DELETE FROM authorization_code WHERE digest IN (SELECT digest FROM authorization_code"
                " WHERE principal_id=? AND sign_in IS NULL ORDER BY expires DESC LIMIT -1 OFFSET ?)",
                (binding.principal_id, MAX_OF_PERSON - 1),
            )
            tx.execute("INSERT INTO authorization_code VALUES(?, ?, ?, ?, NULL)", row)

        await self._store.write(work)
        return SecretStr(code)

    async def redeem(self, form: Mapping[str, str], client: ProvenClient) -> Authorization:
        """What a code gives a client; INVALID (`invalid_grant`) if nothing."""
        code, redirect_uri = form.get("code", ""), form.get("redirect_uri", "")
        verifier = form.get("code_verifier", "")
        if not code or not redirect_uri:
            raise invalid("A request with a code needs code and redirect_uri.", "invalid_request")
        asked = parse_scope(form["scope"]) if form.get("scope") else None

        def work(tx: Tx) -> Authorization | None:
            row = tx.row("SELECT binding, expires, sign_in FROM authorization_code WHERE digest=?", (self._kept(code),))
            binding, expires, sign_in_id = _bound(row, client)
            if sign_in_id:
                self._sign_ins.end(tx, sign_in_id)
                return None  # to be refused; raised here, it would take that end back
            if self._clock() >= expires:
                raise refuse_grant("This code has expired: sign in again.")
            _check(binding, client, redirect_uri, verifier)
            scope = parse_scope(binding.scope)
            if asked is not None and asked.resource != scope.resource:
                raise refuse_grant("This code is for another resource: ask for the scope of the authorize request.")
            sign_in = self._begin(tx, binding, scope.offline, client.confidential)
            tx.execute("UPDATE authorization_code SET sign_in=? WHERE digest=?", (sign_in.id, self._kept(code)))
            return Authorization(sign_in, client.client_id, scope, binding.nonce, scope.offline)

        authorization = await self._store.write(work)
        if authorization is None:
            raise refuse_grant("This code was used before, so what it gave has been revoked: sign in again.")
        return authorization

    def end_of_person(self, tx: Tx, principal_id: str) -> None:
        """Make a person's codes worthless, inside a write."""
        tx.execute("DELETE FROM authorization_code WHERE principal_id=?", (principal_id,))

    def end_lapsed(self, tx: Tx) -> None:
        """Forget old codes, inside a write; a used one is known for as long as what it gave lasts."""
        tx.execute(
            "DELETE FROM authorization_code WHERE expires<=?"
            " AND (sign_in IS NULL OR sign_in NOT IN (SELECT id FROM sign_in))",
            (self._clock(),),
        )

    def _begin(self, tx: Tx, binding: Binding, offline: bool, confidential: bool) -> SignIn:
        return self._sign_ins.begin(
            tx,
            binding.principal_id,
            binding.client_id,
            binding.scope,
            session=binding.session,
            authenticated=binding.authenticated,
            refreshable=offline,
            confidential=confidential,
        )

    def _kept(self, code: str) -> bytes:
        return self._digests.of("authorization code", code)


def _bound(row: Row | None, client: ProvenClient) -> tuple[Binding, float, str]:
    """What a code is bound to, when it expires, and the sign-in that it gave if it was used."""
    kept, expires, sign_in_id = row or (None, None, None)
    binding = msgspec.json.decode(kept, type=Binding) if isinstance(kept, bytes) else None
    if binding is None or binding.client_id != client.client_id or not isinstance(expires, float):
        raise refuse_grant("This code is unknown, or another client's: sign in again.")
    return binding, expires, str(sign_in_id or "")


def _check(binding: Binding, client: ProvenClient, redirect_uri: str, verifier: str) -> None:
    if binding.redirect_uri != redirect_uri:
        raise refuse_grant("This code was sent to another redirect_uri: use the one of the authorize request.")
    if binding.confidential and not client.confidential:
        raise refused("a web application redeems a code with its client_secret or client_assertion", "AADSTS7000218")
    if binding.challenge and not matches(binding.challenge, verifier):
        raise refuse_grant("The code_verifier is not the one of the authorize request.")
    if verifier and not binding.challenge:
        raise refuse_grant("There is a code_verifier, but the authorize request had no code_challenge.")
