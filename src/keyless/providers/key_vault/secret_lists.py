"""The lists of a vault: live secrets, versions, deleted secrets; page by page.

Owns their order and what of each a page holds. Must not know HTTP, nor change anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyless.providers.key_vault.secret_rows import ROWS, SecretVersion, read_row
from keyless.providers.key_vault.skip_token import Position, read_skip_token, write_skip_token
from keyless.providers.key_vault.vault import Vault
from keyless.store.engine import Row, Store
from keyless.store.sealing import Sealer


@dataclass(frozen=True)
class Page:
    """A part of a list, and the token of the next part, empty at the end."""

    items: list[SecretVersion]
    skip_token: str


@dataclass(frozen=True)
class SecretLists:
    """Reads lists; a page has at most `limit` items and begins where a skip token says."""

    store: Store
    sealer: Sealer

    async def live(self, vault: Vault, limit: int, skip_token: str = "") -> Page:
        """The latest versions of the live secrets, by name."""
        listing = f"live {vault.key}"
        (after,) = self._position(listing, skip_token, ("",))
        rows = await self.store.rows(
            ROWS + " WHERE s.vault=? AND s.deleted=0 AND s.name>? AND v.ordinal=s.latest ORDER BY s.name LIMIT ?",
            (vault.key, after, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.name.lower(),))

    async def versions(self, vault: Vault, name: str, limit: int, skip_token: str = "") -> Page:
        """The versions of one live secret, the oldest first; none if there is no such secret."""
        listing = f"versions {vault.key}/{name.lower()}"
        (after,) = self._position(listing, skip_token, (0,))
        rows = await self.store.rows(
            ROWS + " WHERE s.vault=? AND s.name=? AND s.deleted=0 AND v.ordinal>? ORDER BY v.ordinal LIMIT ?",
            (vault.key, name.lower(), after, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.ordinal,))

    async def deleted(self, vault: Vault, limit: int, now: int, skip_token: str = "") -> Page:
        """The latest versions of the deleted secrets, the first deleted first."""
        listing = f"deleted {vault.key}"
        when, name = self._position(listing, skip_token, (0, ""))
        rows = await self.store.rows(
            ROWS + " WHERE s.vault=? AND s.deleted>? AND (s.deleted, s.name)>(?, ?) AND v.ordinal=s.latest"
            " ORDER BY s.deleted, s.name LIMIT ?",
            (vault.key, vault.horizon(now), when, name, limit + 1),
        )
        return self._page(listing, rows, limit, lambda last: (last.deleted, last.name.lower()))

    def _position(self, listing: str, skip_token: str, start: Position) -> Position:
        return read_skip_token(self.sealer, listing, skip_token) if skip_token else start

    def _page(self, listing: str, rows: list[Row], limit: int, position: Callable[[SecretVersion], Position]) -> Page:
        """`rows` has one more than the limit if another page follows."""
        items = [read_row(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items, write_skip_token(self.sealer, listing, position(items[-1])) if more else "")
