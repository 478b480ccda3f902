"""Vaults that were deleted and can still be recovered, with everything in them.

Owns their table: what a vault was, when it was deleted, and when it goes for good. Their names stay taken until then.
Must not know HTTP, nor who may do what.

Source: Azure Key Vault, "Soft-delete overview": recovery brings back the vault as it was, but no role assignments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from keyless.management import resources as table
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, conflict, not_found
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.key_vault.vault import vault_of
from keyless.store.engine import Row, Store, Tx

_COLUMNS = "SELECT body, deleted, due FROM key_vault_deleted_vault"


@dataclass(frozen=True)
class DeletedVault:
    """A vault as it was, when it was deleted, and when it is to be purged; times in Unix seconds."""

    resource: Resource
    deleted: int
    due: int


@dataclass(frozen=True)
class DeletedVaults:
    """Keeps and forgets them; `purge_contents` removes all that the vault with a key holds."""

    store: Store
    clock: Clock
    purge_contents: Callable[[Tx, str], None]

    # inside the writes that make and delete vaults

    def keep(self, tx: Tx, vault: Resource) -> None:
        """Remember a vault that is being deleted."""
        now = int(self.clock())
        tx.execute(
            "INSERT INTO key_vault_deleted_vault(name, key, deleted, due, body) VALUES(?, ?, ?, ?, ?)",
            (vault.name.lower(), vault.id.key, now, now + vault_of(vault).retention_seconds, table.encode(vault)),
        )

    def check_name(self, tx: Tx, name: str) -> None:
        """Raise CONFLICT while a deleted vault holds the name."""
        self._forget_due(tx)
        if self._read(tx, name):
            raise conflict(
                f"A vault {name!r} exists in a deleted state: recover it, or purge it to use its name again.",
                "ConflictError",
            )

    def take_back(self, tx: Tx, vault: ResourceId) -> Resource:
        """The deleted vault of this ID, which is deleted no more; or NOT_FOUND."""
        self._forget_due(tx)
        found = self._read(tx, vault.name)
        if found is None or found.resource.id != vault:
            raise not_found(
                f"No deleted vault can be recovered at {vault}: check its name and its resource group.",
                "SoftDeletedVaultDoesNotExist",
            )
        self._remove(tx, vault.name)
        return found.resource

    # on their own

    async def all(self) -> list[DeletedVault]:
        """All of them, by name."""
        rows = await self.store.rows(f"{_COLUMNS} WHERE due>? ORDER BY name", (int(self.clock()),))
        return [_read(row) for row in rows]

    async def find(self, name: str) -> DeletedVault | None:
        """The one that holds a name."""
        row = await self.store.row(f"{_COLUMNS} WHERE name=? AND due>?", (name.lower(), int(self.clock())))
        return _read(row) if row else None

    async def purge(self, vault: DeletedVault) -> None:
        """Remove one for good; FORBIDDEN if it has purge protection, NOT_FOUND if it is gone already."""
        if vault_of(vault.resource).purge_protected:
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "The operation DeletedVaultPurge is not allowed, because purge protection is enabled for this vault: "
                "it goes by itself on its scheduled date.",
                code="MethodNotAllowed",
            )

        def work(tx: Tx) -> None:
            found = self._read(tx, vault.resource.name)
            if found != vault:
                raise no_deleted_vault(vault.resource.name)
            self._forget(tx, vault.resource)

        await self.store.write(work)

    async def tick(self) -> None:
        """Remove those whose time has come."""
        if await self.store.row("SELECT 1 FROM key_vault_deleted_vault WHERE due<=?", (int(self.clock()),)):
            await self.store.write(self._forget_due)

    def _forget_due(self, tx: Tx) -> None:
        for row in tx.rows(f"{_COLUMNS} WHERE due<=?", (int(self.clock()),)):
            self._forget(tx, _read(row).resource)

    def _forget(self, tx: Tx, vault: Resource) -> None:
        self.purge_contents(tx, vault.id.key)
        self._remove(tx, vault.name)

    @staticmethod
    def _remove(tx: Tx, name: str) -> None:
        tx.execute("DELETE FROM key_vault_deleted_vault WHERE name=?", (name.lower(),))

    @staticmethod
    def _read(tx: Tx, name: str) -> DeletedVault | None:
        row = tx.row(f"{_COLUMNS} WHERE name=?", (name.lower(),))
        return _read(row) if row else None


def no_deleted_vault(name: str) -> KeylessError:
    """The error for a name that no deleted vault holds."""
    return not_found(f"There is no deleted vault {name!r}: check its name and its location.", "DeletedVaultNotFound")


def _read(row: Row) -> DeletedVault:
    body, deleted, due = cast("tuple[bytes, int, int]", row)
    return DeletedVault(table.decode(body), deleted, due)
