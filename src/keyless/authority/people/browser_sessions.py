"""Browser sessions: which people have signed in in this browser.

Owns the sessions, of which the cookie is held as a digest only, and what an anonymous visitor's cookie is: random text
that nobody remembers. Must not know HTTP. A session gets another cookie whenever somebody signs in, so that one which
was planted beforehand is worth nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from keyless.authority.jwt import encode_base64url
from keyless.authority.people.digests import Digests
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Store, Tx

COOKIE_BYTES = 32
MAX_COOKIE = 64
MAX_ACCOUNTS = 8
#: How many browsers one person is signed in in; the one of longest ago is forgotten first.
MAX_OF_PERSON = 100
PASSWORD, LINK = "password", "link"
TABLE = (
    "CREATE TABLE browser_session(id TEXT PRIMARY KEY, cookie BLOB NOT NULL UNIQUE, expires REAL NOT NULL)",
    """CREATE TABLE browser_account(
        session TEXT NOT NULL REFERENCES browser_session(id) ON DELETE CASCADE, principal_id TEXT NOT NULL,
        authenticated REAL NOT NULL, means TEXT NOT NULL, PRIMARY KEY(session, principal_id))""",
    "CREATE INDEX browser_account_principal ON browser_account(principal_id, authenticated)",
)


@dataclass(frozen=True)
class Account:
    """A person who has signed in in a browser: when, and by what means (`PASSWORD` or `LINK`)."""

    principal_id: str
    authenticated: float
    means: str


@dataclass(frozen=True)
class BrowserSession:
    """A browser in which somebody has signed in; the accounts, the newest first."""

    id: str
    accounts: tuple[Account, ...]

    def account(self, principal_id: str) -> Account | None:
        """The account of a person, if signed in here."""
        return next((one for one in self.accounts if one.principal_id == principal_id), None)


class BrowserSessions:
    """All browser sessions. What takes a `Tx` is to be called inside a write."""

    def __init__(
        self, store: Store, digests: Digests, clock: Clock, random: Callable[[int], bytes], *, lifetime: int
    ) -> None:
        """`lifetime`: seconds that a browser stays signed in."""
        self._store = store
        self._digests = digests
        self._clock = clock
        self._random = random
        self._lifetime = lifetime

    def new_cookie(self) -> SecretStr:
        """A cookie for a visitor who has none, or for a new beginning."""
        return SecretStr(encode_base64url(self._random(COOKIE_BYTES)).decode("ascii"))

    async def find(self, cookie: SecretStr) -> BrowserSession | None:
        """The session of a cookie; None for a stranger's."""
        row = await self._store.row(
            "SELECT id FROM browser_session WHERE cookie=? AND expires>?", (self._kept(cookie), self._clock())
        )
        if row is None:
            return None
        rows = await self._store.rows(
            "SELECT principal_id, authenticated, means FROM browser_account WHERE session=?"
            " ORDER BY authenticated DESC, rowid DESC",
            row,
        )
        accounts = [Account(str(who), at, str(means)) for who, at, means in rows if isinstance(at, float)]
        return BrowserSession(str(row[0]), tuple(accounts))

    def sign_in(self, tx: Tx, before: SecretStr, after: SecretStr, principal_id: str, means: str) -> None:
        """Add a person to the session of the cookie `before`, or begin one; from now on its cookie is `after`."""
        now = self._clock()
        expires = now + self._lifetime
        row = tx.row("SELECT id FROM browser_session WHERE cookie=? AND expires>?", (self._kept(before), now))
        if row is None:
            session = encode_base64url(self._random(16)).decode("ascii")
            tx.execute("INSERT INTO browser_session VALUES(?, ?, ?)", (session, self._kept(after), expires))
        else:
            session = str(row[0])
            tx.execute(
                "UPDATE browser_session SET cookie=?, expires=? WHERE id=?", (self._kept(after), expires, session)
            )
        tx.execute("INSERT OR REPLACE INTO browser_account VALUES(?, ?, ?, ?)", (session, principal_id, now, means))
        self._make_room(tx, session, principal_id)

    def sign_out(self, tx: Tx, session: str) -> None:
        """End a session."""
        tx.execute("DELETE FROM browser_session WHERE id=?", (session,))

    def end_of_person(self, tx: Tx, principal_id: str) -> None:
        """Sign a person out of every browser."""
        tx.execute("DELETE FROM browser_account WHERE principal_id=?", (principal_id,))

    def end_lapsed(self, tx: Tx) -> None:
        """Forget the sessions that have ended by themselves."""
        tx.execute("DELETE FROM browser_session WHERE expires<=?", (self._clock(),))

    def csrf_token(self, cookie: SecretStr) -> str:
        """What a form of this browser carries: only who holds the cookie can make it."""
        digest = hmac.digest(cookie.reveal().encode(), b"keyless form", "sha256")
        return encode_base64url(digest).decode("ascii")

    def _kept(self, cookie: SecretStr) -> bytes:
        return self._digests.of("browser session", cookie.reveal())

    @staticmethod
    def _make_room(tx: Tx, session: str, principal_id: str) -> None:
        newest = (
            "SELECT principal_id FROM browser_account WHERE session=? ORDER BY authenticated DESC, rowid DESC LIMIT ?"
        )
        tx.execute(
            f"DELETE FROM browser_account WHERE session=? AND principal_id NOT IN ({newest})",
            (session, session, MAX_ACCOUNTS),
        )
        newest = (
            "SELECT session FROM browser_account WHERE principal_id=? ORDER BY authenticated DESC, rowid DESC LIMIT ?"
        )
        tx.execute(
            f"DELETE FROM browser_account WHERE principal_id=? AND session NOT IN ({newest})",
            (principal_id, principal_id, MAX_OF_PERSON),
        )
        tx.execute("DELETE FROM browser_session WHERE id NOT IN (SELECT session FROM browser_account)")
