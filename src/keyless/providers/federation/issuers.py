"""The settings of foreign issuers: kept in the database, held in memory.

Owns their table. An issuer without settings is one whose keys are fetched from a public address. Must not know HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.model.errors import conflict, invalid
from keyless.model.federation import IssuerSettings
from keyless.store.engine import Migration, Store, Tx

MIGRATION = Migration(
    "federation",
    (
        (
            """CREATE TABLE federation_issuer(
                name TEXT PRIMARY KEY, issuer TEXT NOT NULL UNIQUE, key_set BLOB, ca_pem TEXT NOT NULL,
                allow_private INTEGER NOT NULL) WITHOUT ROWID""",
        ),
    ),
)
MAX_ISSUERS = 256


@dataclass(frozen=True)
class _Written:
    name: str
    settings: IssuerSettings


@dataclass(frozen=True)
class _Deleted:
    name: str


class Issuers:
    """All issuers that have settings, by name and by URL."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_name: dict[str, IssuerSettings] = {}
        self._by_issuer: dict[str, IssuerSettings] = {}
        store.subscribe(_Written, self._written)
        store.subscribe(_Deleted, self._deleted)

    async def load(self) -> None:
        """Read them all; once, at start."""
        rows = await self._store.rows("SELECT name, issuer, key_set, ca_pem, allow_private FROM federation_issuer")
        for name, issuer, key_set, ca_pem, allow_private in rows:
            assert key_set is None or isinstance(key_set, bytes)
            self._written(_Written(str(name), IssuerSettings(str(issuer), key_set, str(ca_pem), bool(allow_private))))

    def settings_of(self, issuer: str) -> IssuerSettings:
        """The settings of an issuer; the strict ones if the operator has said nothing."""
        return self._by_issuer.get(issuer) or IssuerSettings(issuer)

    def get(self, name: str) -> IssuerSettings | None:
        """By name."""
        return self._by_name.get(name.lower())

    def all(self) -> list[tuple[str, IssuerSettings]]:
        """All of them, by name."""
        return sorted(self._by_name.items())

    async def put(self, name: str, settings: IssuerSettings) -> bool:
        """Make or replace one; whether it is new. CONFLICT if another name has the issuer already."""

        def work(tx: Tx) -> bool:
            row = tx.row("SELECT name FROM federation_issuer WHERE issuer=?", (settings.issuer,))
            held = str(row[0]) if row else name.lower()
            if held != name.lower():
                raise conflict(f"The issuer has its settings under the name {held}: change those.", "IssuerExists")
            created = tx.row("SELECT 1 FROM federation_issuer WHERE name=?", (name.lower(),)) is None
            (count,) = tx.row("SELECT count(*) FROM federation_issuer") or (0,)
            if created and int(str(count)) >= MAX_ISSUERS:
                raise invalid(f"At most {MAX_ISSUERS} issuers have settings: remove one first.", "TooManyIssuers")
            tx.execute(
                "INSERT OR REPLACE INTO federation_issuer VALUES(?, ?, ?, ?, ?)",
                (name.lower(), settings.issuer, settings.key_set, settings.ca_pem, int(settings.allow_private)),
            )
            tx.emit(_Written(name.lower(), settings))
            return created

        return await self._store.write(work)

    async def delete(self, name: str) -> None:
        """Forget one; nothing happens if it is not there."""

        def work(tx: Tx) -> None:
            tx.execute("DELETE FROM federation_issuer WHERE name=?", (name.lower(),))
            tx.emit(_Deleted(name.lower()))

        await self._store.write(work)

    def _written(self, change: _Written) -> None:
        self._deleted(_Deleted(change.name))
        self._by_name[change.name] = change.settings
        self._by_issuer[change.settings.issuer] = change.settings

    def _deleted(self, change: _Deleted) -> None:
        if former := self._by_name.pop(change.name, None):
            del self._by_issuer[former.issuer]
