"""Where secrets are kept: what reads one, and what changes it.

Owns versions' order and the sealing of values. Must not know HTTP or the wire's JSON, nor who may do what. Names
are compared in lower case and kept as they were first written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import msgspec

from keyless.management.engine import ScopeDeleted
from keyless.model.errors import KeylessError, conflict, not_found
from keyless.model.resource_id import parse_resource_id
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.errors import OBJECT_DELETED, SECRET_NOT_FOUND
from keyless.providers.key_vault.secret_rows import (
    ROWS,
    ROWS_WITH_VALUE,
    Metadata,
    SecretVersion,
    find_version,
    read_row,
)
from keyless.providers.key_vault.vault import Vault
from keyless.store.engine import Store, Tx
from keyless.store.sealing import Sealer


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

    async def put(self, vault: Vault, name: str, value: SecretStr, metadata: Metadata) -> SecretVersion:
        """Add a version, which is the latest from now on; CONFLICT while a deleted secret holds the name."""
        key = name.lower()
        version = self._random(16).hex()
        sealed = self._seal(vault, name, version, value)

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, metadata.created)
            row = tx.row(
                "SELECT display, deleted, latest FROM key_vault_secret WHERE vault=? AND name=?", (vault.key, key)
            )
            display, deleted, latest = cast("tuple[str, int, int]", row or (name, 0, 0))
            if deleted:
                raise _name_held(display)
            if row is None:
                _add_secret(tx, vault, name, 1)
            else:
                tx.execute("UPDATE key_vault_secret SET latest=latest+1 WHERE vault=? AND name=?", (vault.key, key))
            added = SecretVersion(display, 0, version, latest + 1, metadata, sealed)
            _add_version(tx, vault, added)
            return added

        return await self._store.write(work)

    async def find(self, vault: Vault, name: str, version: str = "") -> SecretVersion:
        """One version of a live secret, the latest if none is named, with its sealed value; or NOT_FOUND."""
        which, params = ("v.version=?", (version,)) if version else ("v.ordinal=s.latest", ())
        row = await self._store.row(
            ROWS_WITH_VALUE + " WHERE s.vault=? AND s.name=? AND s.deleted=0 AND " + which,
            (vault.key, name.lower(), *params),
        )
        if row is None:
            raise _no_secret(name, version)
        return read_row(row)

    async def find_all(self, vault: Vault, name: str, limit: int) -> list[SecretVersion]:
        """The versions of a live secret with their sealed values, the oldest first; or NOT_FOUND."""
        rows = await self._store.rows(
            ROWS_WITH_VALUE + " WHERE s.vault=? AND s.name=? AND s.deleted=0 ORDER BY v.ordinal LIMIT ?",
            (vault.key, name.lower(), limit),
        )
        if not rows:
            raise _no_secret(name)
        return [read_row(row) for row in rows]

    def unseal(self, vault: Vault, found: SecretVersion) -> SecretStr:
        """The value of a version that `find` gave."""
        context = _context(vault.key, found.name.lower(), found.version)
        return SecretStr(self._sealer.unseal(found.sealed, context=context).decode())

    async def put_all(
        self, vault: Vault, name: str, versions: Sequence[tuple[str, Metadata, SecretStr]], now: int
    ) -> SecretVersion:
        """Add a secret with these versions, the oldest first; its latest. CONFLICT if one holds the name already."""

        def seal() -> list[SecretVersion]:
            return [
                SecretVersion(name, 0, version, ordinal, metadata, self._seal(vault, name, version, value))
                for ordinal, (version, metadata, value) in enumerate(versions, 1)
            ]

        sealed = await asyncio.to_thread(seal)

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, now)
            held = find_version(tx, vault.key, name)
            if held is not None:
                raise _name_held(held.name) if held.deleted else _name_used(held.name)
            _add_secret(tx, vault, name, len(sealed))
            for one in sealed:
                _add_version(tx, vault, one)
            return sealed[-1]

        return await self._store.write(work)

    async def update(
        self, vault: Vault, name: str, version: str, change: Callable[[Metadata], Metadata]
    ) -> SecretVersion:
        """Change all of a version but its value, of the latest if none is named; or NOT_FOUND."""

        def work(tx: Tx) -> SecretVersion:
            found = find_version(tx, vault.key, name, version)
            if found is None or found.deleted:
                raise _no_secret(name, version)
            changed = replace(found, metadata=change(found.metadata))
            tx.execute(
                "UPDATE key_vault_secret_version SET metadata=? WHERE vault=? AND name=? AND ordinal=?",
                (msgspec.json.encode(changed.metadata), vault.key, name.lower(), found.ordinal),
            )
            return changed

        return await self._store.write(work)

    async def find_deleted(self, vault: Vault, name: str, now: int) -> SecretVersion:
        """The latest version of a deleted secret, or NOT_FOUND."""
        row = await self._store.row(
            ROWS + " WHERE s.vault=? AND s.name=? AND s.deleted>? AND v.ordinal=s.latest",
            (vault.key, name.lower(), vault.horizon(now)),
        )
        if row is None:
            raise _no_deleted_secret(name)
        return read_row(row)

    async def delete(self, vault: Vault, name: str, now: int) -> SecretVersion:
        """Delete a secret with all its versions, recoverably; its latest version, or NOT_FOUND."""

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, now)
            if not tx.execute(
                "UPDATE key_vault_secret SET deleted=? WHERE vault=? AND name=? AND deleted=0",
                (now, vault.key, name.lower()),
            ):
                raise _no_secret(name)
            return _latest(tx, vault, name)

        return await self._store.write(work)

    async def recover(self, vault: Vault, name: str, now: int) -> SecretVersion:
        """Bring a deleted secret back with all its versions; its latest version, or NOT_FOUND."""

        def work(tx: Tx) -> SecretVersion:
            self._forget_expired(tx, vault, now)
            if not tx.execute(
                "UPDATE key_vault_secret SET deleted=0 WHERE vault=? AND name=? AND deleted>0",
                (vault.key, name.lower()),
            ):
                raise _no_deleted_secret(name)
            return _latest(tx, vault, name)

        return await self._store.write(work)

    async def purge(self, vault: Vault, name: str, now: int) -> None:
        """Remove a deleted secret for good; NOT_FOUND if there is none."""

        def work(tx: Tx) -> None:
            self._forget_expired(tx, vault, now)
            held = tx.row(
                "SELECT 1 FROM key_vault_secret WHERE vault=? AND name=? AND deleted>0", (vault.key, name.lower())
            )
            if held is None:
                raise _no_deleted_secret(name)
            self._forget(tx, vault, name.lower())

        await self._store.write(work)

    def _seal(self, vault: Vault, name: str, version: str, value: SecretStr) -> bytes:
        return self._sealer.seal(value.reveal().encode(), context=_context(vault.key, name.lower(), version))

    def _forget(self, tx: Tx, vault: Vault, key: str) -> None:
        tx.execute("DELETE FROM key_vault_secret WHERE vault=? AND name=?", (vault.key, key))
        self._scope_deleted(tx, parse_resource_id(vault.key).child("secrets", key))

    def _forget_expired(self, tx: Tx, vault: Vault, now: int) -> None:
        """Purge what was deleted so long ago that its purge was due."""
        due = (vault.key, vault.horizon(now))
        for (key,) in tx.rows("SELECT name FROM key_vault_secret WHERE vault=? AND deleted BETWEEN 1 AND ?", due):
            self._forget(tx, vault, str(key))


def purge_vault(tx: Tx, vault: str) -> None:
    """Remove all secrets of the vault with this key, for one that is being deleted, within its own transaction.

    A write that was under way may come in after it: call this when a vault is made, too, so that a vault under
    an old name begins empty.
    """
    tx.execute("DELETE FROM key_vault_secret WHERE vault=?", (vault,))


def _add_secret(tx: Tx, vault: Vault, name: str, latest: int) -> None:
    tx.execute(
        "INSERT INTO key_vault_secret(vault, name, display, latest) VALUES(?, ?, ?, ?)",
        (vault.key, name.lower(), name, latest),
    )


def _add_version(tx: Tx, vault: Vault, added: SecretVersion) -> None:
    tx.execute(
        "INSERT INTO key_vault_secret_version(vault, name, ordinal, version, metadata, sealed)"
        " VALUES(?, ?, ?, ?, ?, ?)",
        (
            vault.key,
            added.name.lower(),
            added.ordinal,
            added.version,
            msgspec.json.encode(added.metadata),
            added.sealed,
        ),
    )


def _latest(tx: Tx, vault: Vault, name: str) -> SecretVersion:
    found = find_version(tx, vault.key, name)
    assert found is not None, "a secret has at least one version"
    return found


def _context(vault: str, key: str, version: str) -> bytes:
    return f"key_vault secret {vault}/{key}/{version}".encode()


def _name_held(name: str) -> KeylessError:
    return conflict(
        f"The secret {name} is in a deleted but recoverable state: recover it, or purge it to use its name again.",
        OBJECT_DELETED,
    )


def _name_used(name: str) -> KeylessError:
    return conflict(
        f"There is a secret {name} in this key vault: a backup is restored under its own name, so purge that one first."
    )


def _no_secret(name: str, version: str = "") -> KeylessError:
    which = f"{name}/{version}" if version else name
    return not_found(
        f"The secret {which} was not found in this key vault: set it first, or recover it if it was deleted.",
        SECRET_NOT_FOUND,
    )


def _no_deleted_secret(name: str) -> KeylessError:
    return not_found(f"No deleted secret {name} can be recovered in this key vault: check its name.", SECRET_NOT_FOUND)
