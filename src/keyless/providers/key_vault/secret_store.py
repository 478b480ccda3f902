"""Where secrets are kept: two tables and their queries.

Owns the schema, versions' order and the sealing of values. Must not know HTTP or the wire's JSON, nor who may
do what. Names are compared in lower case and kept as they were first written; `vault` is always the key of the
vault's resource ID.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import msgspec

from keyless.management.engine import ScopeDeleted
from keyless.model.errors import KeylessError, conflict, not_found
from keyless.model.resource_id import parse_resource_id
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.errors import OBJECT_DELETED, SECRET_NOT_FOUND
from keyless.providers.key_vault.skip_token import Position, read_skip_token, write_skip_token
from keyless.store.engine import Migration, Row, Store, Tx
from keyless.store.sealing import Sealer

RETENTION_DAYS = 90
RETENTION_SECONDS = RETENTION_DAYS * 24 * 3600

# `deleted` is the Unix second of the deletion, 0 for a live secret; `latest` is the ordinal of the newest version
MIGRATION = Migration(
    "key_vault",
    (
        (
            """CREATE TABLE key_vault_secret(
                 vault TEXT NOT NULL, name TEXT NOT NULL, display TEXT NOT NULL,
                 latest INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
                 PRIMARY KEY(vault, name))""",
            "CREATE INDEX key_vault_secret_state ON key_vault_secret(vault, deleted, name)",
            """CREATE TABLE key_vault_secret_version(
                 vault TEXT NOT NULL, name TEXT NOT NULL, ordinal INTEGER NOT NULL, version TEXT NOT NULL,
                 metadata BLOB NOT NULL, sealed BLOB NOT NULL,
                 PRIMARY KEY(vault, name, ordinal), UNIQUE(vault, name, version),
                 FOREIGN KEY(vault, name) REFERENCES key_vault_secret(vault, name) ON DELETE CASCADE)""",
        ),
    ),
)

_FROM = " FROM key_vault_secret s JOIN key_vault_secret_version v ON v.vault=s.vault AND v.name=s.name"
_ROWS = "SELECT s.display, s.deleted, v.version, v.ordinal, v.metadata" + _FROM
_ROWS_WITH_VALUE = "SELECT s.display, s.deleted, v.version, v.ordinal, v.metadata, v.sealed" + _FROM


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of a version but its value. Times are Unix seconds."""

    created: int
    updated: int
    enabled: bool = True
    not_before: int | None = None
    expires: int | None = None
    content_type: str | None = None
    tags: dict[str, str] | None = None


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret. `deleted` is when the secret was deleted, 0 if it was not."""

    name: str
    deleted: int
    version: str
    ordinal: int
    metadata: Metadata
    #: The sealed value, only where a value was looked for.
    sealed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Page:
    """A part of a list, and the token of the next part, empty at the end."""

    items: list[SecretVersion]
    skip_token: str


class SecretStore:
    """The secrets of every vault. `random` gives that many random bytes.

    A secret is a scope: `scope_deleted` is told when one is gone for good, so that another one of its name does
    not find the old one's role assignments.
    """

    def __init__(
        self, store: Store, sealer: Sealer, random: Callable[[int], bytes], *, scope_deleted: ScopeDeleted
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._random = random
        self._scope_deleted = scope_deleted

    async def put(self, vault: str, name: str, value: SecretStr, metadata: Metadata) -> SecretVersion:
        """Add a version, which is the latest from now on; CONFLICT while a deleted secret holds the name."""
        key = name.lower()
        version = self._random(16).hex()
        sealed = self._sealer.seal(value.reveal().encode(), context=_context(vault, key, version))

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, metadata.created)
            row = tx.row("SELECT display, deleted, latest FROM key_vault_secret WHERE vault=? AND name=?", (vault, key))
            display, deleted, latest = cast("tuple[str, int, int]", row or (name, 0, 0))
            if deleted:
                raise conflict(
                    f"The secret {display} is in a deleted but recoverable state: "
                    "recover it, or purge it to use its name again.",
                    OBJECT_DELETED,
                )
            if row is None:
                tx.execute(
                    "INSERT INTO key_vault_secret(vault, name, display, latest) VALUES(?, ?, ?, 1)",
                    (vault, key, name),
                )
            else:
                tx.execute("UPDATE key_vault_secret SET latest=latest+1 WHERE vault=? AND name=?", (vault, key))
            tx.execute(
                "INSERT INTO key_vault_secret_version(vault, name, ordinal, version, metadata, sealed)"
                " VALUES(?, ?, ?, ?, ?, ?)",
                (vault, key, latest + 1, version, msgspec.json.encode(metadata), sealed),
            )
            return SecretVersion(display, 0, version, latest + 1, metadata)

        return await self._store.write(work)

    async def find(self, vault: str, name: str, version: str = "") -> SecretVersion:
        """One version of a live secret, the latest if none is named, with its sealed value; or NOT_FOUND."""
        which, params = ("v.version=?", (version,)) if version else ("v.ordinal=s.latest", ())
        row = await self._store.row(
            _ROWS_WITH_VALUE + " WHERE s.vault=? AND s.name=? AND s.deleted=0 AND " + which,
            (vault, name.lower(), *params),
        )
        if row is None:
            raise _no_secret(f"{name}/{version}" if version else name)
        return _read(row)

    def unseal(self, vault: str, found: SecretVersion) -> SecretStr:
        """The value of a version that `find` gave."""
        context = _context(vault, found.name.lower(), found.version)
        return SecretStr(self._sealer.unseal(found.sealed, context=context).decode())

    async def find_deleted(self, vault: str, name: str, now: int) -> SecretVersion:
        """The latest version of a deleted secret, or NOT_FOUND."""
        row = await self._store.row(
            _ROWS + " WHERE s.vault=? AND s.name=? AND s.deleted>? AND v.ordinal=s.latest",
            (vault, name.lower(), _horizon(now)),
        )
        if row is None:
            raise _no_deleted_secret(name)
        return _read(row)

    async def live(self, vault: str, limit: int, skip_token: str = "") -> Page:
        """The latest versions of the live secrets, by name."""
        listing = f"live {vault}"
        (after,) = self._position(listing, skip_token, ("",))
        rows = await self._store.rows(
            _ROWS + " WHERE s.vault=? AND s.deleted=0 AND s.name>? AND v.ordinal=s.latest ORDER BY s.name LIMIT ?",
            (vault, after, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.name.lower(),))

    async def versions(self, vault: str, name: str, limit: int, skip_token: str = "") -> Page:
        """The versions of one live secret, the oldest first; none if there is no such secret."""
        listing = f"versions {vault}/{name.lower()}"
        (after,) = self._position(listing, skip_token, (0,))
        rows = await self._store.rows(
            _ROWS + " WHERE s.vault=? AND s.name=? AND s.deleted=0 AND v.ordinal>? ORDER BY v.ordinal LIMIT ?",
            (vault, name.lower(), after, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.ordinal,))

    async def deleted(self, vault: str, limit: int, now: int, skip_token: str = "") -> Page:
        """The latest versions of the deleted secrets, the first deleted first."""
        listing = f"deleted {vault}"
        when, name = self._position(listing, skip_token, (0, ""))
        rows = await self._store.rows(
            _ROWS + " WHERE s.vault=? AND s.deleted>? AND (s.deleted, s.name)>(?, ?) AND v.ordinal=s.latest"
            " ORDER BY s.deleted, s.name LIMIT ?",
            (vault, _horizon(now), when, name, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.deleted, last.name.lower()))

    async def delete(self, vault: str, name: str, now: int) -> SecretVersion:
        """Delete a secret with all its versions, recoverably; its latest version, or NOT_FOUND."""

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, now)
            if not tx.execute(
                "UPDATE key_vault_secret SET deleted=? WHERE vault=? AND name=? AND deleted=0",
                (now, vault, name.lower()),
            ):
                raise _no_secret(name)
            return _find_latest(tx, vault, name)

        return await self._store.write(work)

    async def recover(self, vault: str, name: str, now: int) -> SecretVersion:
        """Bring a deleted secret back with all its versions; its latest version, or NOT_FOUND."""

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, now)
            if not tx.execute(
                "UPDATE key_vault_secret SET deleted=0 WHERE vault=? AND name=? AND deleted>0", (vault, name.lower())
            ):
                raise _no_deleted_secret(name)
            return _find_latest(tx, vault, name)

        return await self._store.write(work)

    async def purge(self, vault: str, name: str, now: int) -> None:
        """Remove a deleted secret for good; NOT_FOUND if there is none."""

        def work(tx: Tx) -> None:
            self._forget_expired(tx, vault, now)
            held = tx.row(
                "SELECT 1 FROM key_vault_secret WHERE vault=? AND name=? AND deleted>0", (vault, name.lower())
            )
            if held is None:
                raise _no_deleted_secret(name)
            self._forget(tx, vault, name.lower())

        await self._store.write(work)

    def _forget(self, tx: Tx, vault: str, key: str) -> None:
        tx.execute("DELETE FROM key_vault_secret WHERE vault=? AND name=?", (vault, key))
        self._scope_deleted(tx, parse_resource_id(vault).child("secrets", key))

    def _forget_expired(self, tx: Tx, vault: str, now: int) -> None:
        """Purge what was deleted so long ago that its purge was due."""
        due = (vault, _horizon(now))
        for (key,) in tx.rows("SELECT name FROM key_vault_secret WHERE vault=? AND deleted BETWEEN 1 AND ?", due):
            self._forget(tx, vault, str(key))

    def _position(self, listing: str, skip_token: str, start: Position) -> Position:
        return read_skip_token(self._sealer, listing, skip_token) if skip_token else start

    def _page(self, listing: str, rows: list[Row], limit: int, position: Callable[[SecretVersion], Position]) -> Page:
        """`rows` has one more than the limit if another page follows."""
        items = [_read(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items, write_skip_token(self._sealer, listing, position(items[-1])) if more else "")


def purge_vault(tx: Tx, vault: str) -> None:
    """Remove all secrets of a vault that is being deleted, within its own transaction.

    A write that was under way may come in after it: call this when a vault is made, too, so that a vault under
    an old name begins empty.
    """
    tx.execute("DELETE FROM key_vault_secret WHERE vault=?", (vault,))


def _horizon(now: int) -> int:
    """What was deleted later than this can still be recovered."""
    return max(0, now - RETENTION_SECONDS)


def _find_latest(tx: Tx, vault: str, name: str) -> SecretVersion:
    row = tx.row(_ROWS + " WHERE s.vault=? AND s.name=? AND v.ordinal=s.latest", (vault, name.lower()))
    assert row is not None, "a secret has at least one version"
    return _read(row)


def _read(row: Row) -> SecretVersion:
    name, deleted, version, ordinal, metadata, *sealed = cast("tuple[str, int, str, int, bytes, bytes]", row)
    return SecretVersion(
        name, deleted, version, ordinal, _METADATA.decode(metadata), bytes(sealed[0]) if sealed else b""
    )


_METADATA = msgspec.json.Decoder(Metadata)


def _context(vault: str, key: str, version: str) -> bytes:
    return f"key_vault secret {vault}/{key}/{version}".encode()


def _no_secret(name: str) -> KeylessError:
    return not_found(
        f"The secret {name} was not found in this key vault: set it first, or recover it if it was deleted.",
        SECRET_NOT_FOUND,
    )


def _no_deleted_secret(name: str) -> KeylessError:
    return not_found(f"No deleted secret {name} can be recovered in this key vault: check its name.", SECRET_NOT_FOUND)
