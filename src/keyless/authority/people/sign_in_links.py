"""One-time links that sign a person in to a browser, without a password.

Owns the links; of each only a digest is held. A link lives for minutes and works once.
"""

from __future__ import annotations

from collections.abc import Callable

from keyless.authority.jwt import encode_base64url
from keyless.authority.people.digests import Digests
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Store, Tx

LIFETIME = 300
SECRET_BYTES = 32
#: How many links of one person there are at a time; the oldest goes first.
MAX_OF_PERSON = 8
TABLE = (
    "CREATE TABLE sign_in_link(digest BLOB PRIMARY KEY, principal_id TEXT NOT NULL, expires REAL NOT NULL)",
    "CREATE INDEX sign_in_link_principal ON sign_in_link(principal_id, expires)",
)


class SignInLinks:
    """All links. What takes a `Tx` is to be called inside a write."""

    def __init__(self, store: Store, digests: Digests, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._store = store
        self._digests = digests
        self._clock = clock
        self._random = random

    async def make(self, principal_id: str) -> SecretStr:
        """The secret of a new link."""
        secret = encode_base64url(self._random(SECRET_BYTES)).decode("ascii")
        row = (self._digests.of("sign-in link", secret), principal_id, self._clock() + LIFETIME)

        def work(tx: Tx) -> None:
            self.end_lapsed(tx)
            tx.execute(
                "DELETE FROM sign_in_link WHERE digest IN (SELECT digest FROM sign_in_link WHERE principal_id=?"
                " ORDER BY expires DESC LIMIT -1 OFFSET ?)",
                (principal_id, MAX_OF_PERSON - 1),
            )
            tx.execute("INSERT INTO sign_in_link VALUES(?, ?, ?)", row)

        await self._store.write(work)
        return SecretStr(secret)

    async def find(self, secret: str) -> str | None:
        """Whom a link would sign in; None if it has ended or been used. Looking does not use it up."""
        row = await self._store.row(
            "SELECT principal_id FROM sign_in_link WHERE digest=? AND expires>?",
            (self._digests.of("sign-in link", secret), self._clock()),
        )
        return str(row[0]) if row else None

    def use(self, tx: Tx, secret: str) -> str | None:
        """Whom the link signs in, this once."""
        digest = self._digests.of("sign-in link", secret)
        row = tx.row("SELECT principal_id FROM sign_in_link WHERE digest=? AND expires>?", (digest, self._clock()))
        tx.execute("DELETE FROM sign_in_link WHERE digest=?", (digest,))
        return str(row[0]) if row else None

    def end_of_person(self, tx: Tx, principal_id: str) -> None:
        """Make a person's links worthless."""
        tx.execute("DELETE FROM sign_in_link WHERE principal_id=?", (principal_id,))

    def end_lapsed(self, tx: Tx) -> None:
        """Forget the links that have ended by themselves."""
        tx.execute("DELETE FROM sign_in_link WHERE expires<=?", (self._clock(),))
