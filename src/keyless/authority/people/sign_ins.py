"""Sign-ins: a person, at one client, from the first token to the last.

Owns the table of sign-ins, which is also held in memory: every access token of a person names its sign-in, and
counts only while that lasts. Must not know how a sign-in came about, nor what a refresh token looks like; of those it
counts the generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from keyless.authority.jwt import encode_base64url
from keyless.model.clock import Clock
from keyless.store.engine import Row, Store, Tx

ID_BYTES = 16
#: How many sign-ins a person has at most; the one that was not used for longest ends first.
MAX_OF_PERSON = 200
TABLE = (
    """CREATE TABLE sign_in(
        id TEXT PRIMARY KEY, principal_id TEXT NOT NULL, client_id TEXT NOT NULL, session TEXT NOT NULL,
        scope TEXT NOT NULL, authenticated REAL NOT NULL, used REAL NOT NULL, expires REAL NOT NULL,
        generation INTEGER NOT NULL, confidential INTEGER NOT NULL)""",
    "CREATE INDEX sign_in_principal ON sign_in(principal_id, used)",
    "CREATE INDEX sign_in_session ON sign_in(session)",
    "CREATE INDEX sign_in_expires ON sign_in(expires)",
)
_COLUMNS = "id, principal_id, client_id, session, scope, authenticated, used, expires, generation, confidential"


@dataclass(frozen=True)
class SignIn:
    """One sign-in; times in Unix seconds.

    `session` is the browser session that it came from; `authenticated` is when the person proved to be that person;
    `used` is when tokens were given last; `generation` counts the refresh tokens, and is 0 if there are none. With a
    `confidential` one the client proved itself with a credential, and has to go on doing so.
    """

    id: str
    principal_id: str
    client_id: str
    session: str
    scope: str
    authenticated: float
    used: float
    expires: float
    generation: int
    confidential: bool


@dataclass(frozen=True)
class SignInChanged:
    """A committed change."""

    sign_in: SignIn


@dataclass(frozen=True)
class SignInsEnded:
    """A committed change."""

    ids: tuple[str, ...]


class SignIns:
    """All sign-ins. What takes a `Tx` is to be called inside a write."""

    def __init__(
        self, store: Store, clock: Clock, random: Callable[[int], bytes], *, lifetime: int, token_lifetime: int
    ) -> None:
        """`lifetime`: seconds that one lasts after its last use; without refresh tokens, as long as its token."""
        self._store = store
        self._clock = clock
        self._random = random
        self._lifetime = lifetime
        self._token_lifetime = token_lifetime
        self._live: dict[str, SignIn] = {}
        store.subscribe(SignInChanged, self._changed)
        store.subscribe(SignInsEnded, self._ended)

    async def load(self) -> None:
        """Read all sign-ins; once, at start."""
        for row in await self._store.rows(f"SELECT {_COLUMNS} FROM sign_in"):
            found = _from_row(row)
            self._live[found.id] = found

    def get(self, sign_in_id: str) -> SignIn | None:
        """A sign-in that has not ended."""
        found = self._live.get(sign_in_id)
        return found if found is not None and self._clock() < found.expires else None

    def of(self, principal_id: str) -> list[SignIn]:
        """A person's sign-ins, the one that was used last first."""
        now = self._clock()
        found = (s for s in self._live.values() if s.principal_id == principal_id and now < s.expires)
        return sorted(found, key=lambda sign_in: -sign_in.used)

    def begin(
        self,
        tx: Tx,
        principal_id: str,
        client_id: str,
        scope: str,
        *,
        session: str,
        authenticated: float,
        refreshable: bool,
        confidential: bool,
    ) -> SignIn:
        """Begin one; `refreshable` says that refresh tokens are given with it."""
        now = self._clock()
        self._make_room(tx, principal_id)
        sign_in = SignIn(
            encode_base64url(self._random(ID_BYTES)).decode("ascii"),
            principal_id,
            client_id,
            session,
            scope,
            authenticated,
            now,
            now + (self._lifetime if refreshable else self._token_lifetime),
            1 if refreshable else 0,
            confidential,
        )
        values = tuple(vars(sign_in).values())
        tx.execute(f"INSERT INTO sign_in({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        tx.emit(SignInChanged(sign_in))
        return sign_in

    def renew(self, tx: Tx, held: SignIn) -> SignIn:
        """Count one refresh token more of a sign-in just read, and let it last anew."""
        now = self._clock()
        renewed = replace(held, used=now, expires=now + self._lifetime, generation=held.generation + 1)
        tx.execute(
            "UPDATE sign_in SET used=?, expires=?, generation=? WHERE id=?",
            (renewed.used, renewed.expires, renewed.generation, renewed.id),
        )
        tx.emit(SignInChanged(renewed))
        return renewed

    def read(self, tx: Tx, sign_in_id: str) -> SignIn | None:
        """One that has not ended, as it is inside this write."""
        row = tx.row(f"SELECT {_COLUMNS} FROM sign_in WHERE id=? AND expires>?", (sign_in_id, self._clock()))
        return _from_row(row) if row else None

    def end(self, tx: Tx, sign_in_id: str) -> None:
        """End one: its tokens count no more."""
        self._end(tx, [(sign_in_id,)])

    def end_of_person(self, tx: Tx, principal_id: str) -> None:
        """End all of a person."""
        self._end(tx, tx.rows("SELECT id FROM sign_in WHERE principal_id=?", (principal_id,)))

    def end_of_session(self, tx: Tx, session: str, principal_id: str) -> None:
        """End those that a person began in a browser session."""
        where = "SELECT id FROM sign_in WHERE session=? AND principal_id=?"
        self._end(tx, tx.rows(where, (session, principal_id)))

    def end_lapsed(self, tx: Tx) -> None:
        """Forget those that have ended by themselves."""
        self._end(tx, tx.rows("SELECT id FROM sign_in WHERE expires<=? LIMIT 10000", (self._clock(),)))

    def _make_room(self, tx: Tx, principal_id: str) -> None:
        oldest = "SELECT id FROM sign_in WHERE principal_id=? ORDER BY used DESC LIMIT -1 OFFSET ?"
        self._end(tx, tx.rows(oldest, (principal_id, MAX_OF_PERSON - 1)))

    @staticmethod
    def _end(tx: Tx, rows: Iterable[Row]) -> None:
        ids = tuple(str(row[0]) for row in rows)
        for one in ids:
            tx.execute("DELETE FROM sign_in WHERE id=?", (one,))
        if ids:
            tx.emit(SignInsEnded(ids))

    def _changed(self, change: SignInChanged) -> None:
        self._live[change.sign_in.id] = change.sign_in

    def _ended(self, change: SignInsEnded) -> None:
        for one in change.ids:
            self._live.pop(one, None)


def _from_row(row: Row) -> SignIn:
    sign_in_id, principal_id, client_id, session, scope, authenticated, used, expires, generation, confidential = row
    assert isinstance(authenticated, float)
    assert isinstance(used, float)
    assert isinstance(expires, float)
    assert isinstance(generation, int)
    return SignIn(
        str(sign_in_id),
        str(principal_id),
        str(client_id),
        str(session),
        str(scope),
        authenticated,
        used,
        expires,
        generation,
        bool(confidential),
    )
