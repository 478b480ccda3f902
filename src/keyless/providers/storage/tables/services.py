"""What an account keeps of blobs and containers that are overwritten or deleted.

Owns the row of an account's Blob service. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from keyless.store.engine import Store, Tx

MAX_DAYS = 365
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Policy:
    """For how many days what was deleted is kept (0: not at all), and whether what is overwritten becomes a version."""

    delete_days: int = 0
    container_days: int = 0
    versioning: bool = False


KEEPS_NOTHING = Policy()
_FIND = "SELECT delete_days, container_days, versioning FROM storage_service WHERE account = ?"


class Services:
    """The Blob services of all accounts; `account` is the key of the account's resource ID."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, account: str) -> Policy:
        """What the account keeps."""
        row = await self._store.row(_FIND, (account,))
        return Policy(*cast("tuple[int, int]", row[:2]), bool(row[2])) if row else KEEPS_NOTHING

    async def change(self, account: str, change: Callable[[Policy], Policy]) -> Policy:
        """Change it; counts for what is overwritten or deleted from then on."""

        def work(tx: Tx) -> Policy:
            new = change(read_policy(tx, account))
            tx.execute(
                "INSERT OR REPLACE INTO storage_service(account, delete_days, container_days, versioning)"
                " VALUES(?, ?, ?, ?)",
                (account, new.delete_days, new.container_days, new.versioning),
            )
            return new

        return await self._store.write(work)


def read_policy(tx: Tx, account: str) -> Policy:
    """What the account keeps, inside of a transaction."""
    row = tx.row(_FIND, (account,))
    return Policy(*cast("tuple[int, int]", row[:2]), bool(row[2])) if row else KEEPS_NOTHING
