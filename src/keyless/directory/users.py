"""Users: the people of the tenant, by the name with which they sign in.

Owns what a user has besides a principal: the user principal name, the password's hash, and since when sessions count.
Must not know how a password is checked, nor what a session is.

Source: Microsoft Graph v1.0, "user resource type".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from keyless.directory.principals import Directory, PrincipalDeleted
from keyless.model.errors import conflict, invalid, not_found
from keyless.model.identity import PrincipalKind
from keyless.store.engine import Migration, Row, Store, Tx

MIGRATION = Migration(
    "users",
    (
        (
            """CREATE TABLE user_account(
                principal_id TEXT PRIMARY KEY REFERENCES principal(principal_id) ON DELETE CASCADE,
                upn TEXT NOT NULL, upn_key TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,
                sessions_valid_from REAL NOT NULL, created REAL NOT NULL) WITHOUT ROWID""",
        ),
    ),
)

_COLUMNS = "principal_id, upn, password_hash, sessions_valid_from, created"
_UPN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._'+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True)
class User:
    """One user. `password_hash` is Argon2id, or empty: such a user signs in by other means only. Unix seconds.

    What was begun before `sessions_valid_from` (sessions, refresh tokens) counts no more.
    """

    principal_id: str
    upn: str
    password_hash: str = field(repr=False)
    sessions_valid_from: float
    created: float


@dataclass(frozen=True)
class UserWritten:
    """A committed change."""

    user: User


class Users:
    """All users."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        self._by_id: dict[str, User] = {}
        self._by_upn: dict[str, User] = {}
        store.subscribe(UserWritten, self._written)
        store.subscribe(PrincipalDeleted, self._deleted)

    async def load(self) -> None:
        """Read all users; once, at start."""
        for row in await self._store.rows(f"SELECT {_COLUMNS} FROM user_account"):
            self._written(UserWritten(_from_row(row)))

    def by_id(self, principal_id: str) -> User | None:
        """By object ID; the name to show, and whether the account is enabled, are the principal's."""
        return self._by_id.get(principal_id.lower())

    def by_upn(self, upn: str) -> User | None:
        """By user principal name, whatever its case."""
        return self._by_upn.get(upn.lower())

    def all(self) -> Iterator[User]:
        """All users, by object ID."""
        for principal_id in sorted(self._by_id):
            yield self._by_id[principal_id]

    def create(self, tx: Tx, upn: str, display_name: str, password_hash: str, now: float) -> User:
        """Make a user with a new object ID, inside a write; INVALID or CONFLICT if the name cannot be had."""
        _check_upn(tx, upn)
        principal = self._directory.create(tx, PrincipalKind.USER, display_name)
        made = User(principal.principal_id, upn, password_hash, now, now)
        _write(tx, made)
        return made

    @staticmethod
    def change(
        tx: Tx,
        principal_id: str,
        *,
        upn: str | None = None,
        password_hash: str | None = None,
        sessions_valid_from: float | None = None,
    ) -> User:
        """Change what may be changed, inside a write; NOT_FOUND if there is no such user."""
        row = tx.row(f"SELECT {_COLUMNS} FROM user_account WHERE principal_id=?", (principal_id.lower(),))
        if row is None:
            raise not_found(f"There is no user {principal_id}.")
        held = _from_row(row)
        if upn is not None and upn.lower() != held.upn.lower():
            _check_upn(tx, upn)
        changed = replace(
            held,
            upn=held.upn if upn is None else upn,
            password_hash=held.password_hash if password_hash is None else password_hash,
            sessions_valid_from=held.sessions_valid_from if sessions_valid_from is None else sessions_valid_from,
        )
        _write(tx, changed)
        return changed

    def _written(self, change: UserWritten) -> None:
        user = change.user
        self._forget(user.principal_id)
        self._by_id[user.principal_id] = user
        self._by_upn[user.upn.lower()] = user

    def _deleted(self, change: PrincipalDeleted) -> None:
        self._forget(change.principal_id)

    def _forget(self, principal_id: str) -> None:
        gone = self._by_id.pop(principal_id, None)
        if gone:
            self._by_upn.pop(gone.upn.lower(), None)


def _check_upn(tx: Tx, upn: str) -> None:
    if not _UPN.fullmatch(upn):
        raise invalid(f"{upn!r} is not a user principal name: write it like alice@example.org.")
    if tx.row("SELECT 1 FROM user_account WHERE upn_key=?", (upn.lower(),)):
        raise conflict(f"There is a user {upn} already.")


def _write(tx: Tx, user: User) -> None:
    tx.execute(
        "INSERT INTO user_account VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(principal_id) DO UPDATE SET upn=excluded.upn,"
        " upn_key=excluded.upn_key, password_hash=excluded.password_hash,"
        " sessions_valid_from=excluded.sessions_valid_from",
        (user.principal_id, user.upn, user.upn.lower(), user.password_hash, user.sessions_valid_from, user.created),
    )
    tx.emit(UserWritten(user))


def _from_row(row: Row) -> User:
    principal_id, upn, password_hash, valid_from, created = row
    assert isinstance(valid_from, float)
    assert isinstance(created, float)
    return User(str(principal_id), str(upn), str(password_hash), valid_from, created)
