"""The databases in PostgreSQL: each with roles of its own, copied from one that holds the library.

Owns their names, how they are made and removed, and that a half-made or half-removed one is never taken for a whole
one: the last step of making one gives its rights, in one transaction. Must not know users.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from keyless.providers.sql.engine import Database
from keyless.providers.sql.postgres.connections import Connection, Connections
from keyless.providers.sql.tsql.names import quoted, text

_PARTS = (
    *("text.sql", "types.sql", "binary.sql", "functions.sql", "modules.sql", "moments.sql", "documents.sql"),
    *("queries.sql", "json.sql", "strings.sql", "dates.sql", "identity.sql"),
    *("catalog.sql", "information_schema.sql", "metadata.sql", "procedures.sql"),
    *("principals.sql", "permissions.sql", "definitions.sql"),
)
_LIBRARY = tuple(Path(__file__).with_name("library") / part for part in _PARTS)
_TEMPLATE = "keyless_template"
# PostgreSQL's mark on a database whose DROP did not come to its end
_BROKEN = -2
_WHOLE = f"datacl IS NOT NULL AND datconnlimit <> {_BROKEN}"
_OURS = "^k[0-9a-f]{20}"


def database_name(database: Database) -> str:
    """The name in PostgreSQL: short, and the same for ever."""
    return "k" + hashlib.sha256(database.guid.encode()).hexdigest()[:20]


class Databases:
    """All databases, by their names in PostgreSQL."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def clean(self, wanted: Collection[str]) -> list[str]:
        """Remove what is not wanted, and what a crash has left half-made or half-removed; gives what went."""
        async with await self._connections.administrator("postgres") as connection:
            found = await connection.execute(
                f"SELECT datname::text, {_WHOLE} FROM pg_database WHERE datname ~ $1"
                " UNION SELECT split_part(rolname, '_', 1), false FROM pg_roles WHERE rolname ~ $2"
                "   AND NOT EXISTS (SELECT FROM pg_database WHERE datname = split_part(rolname, '_', 1))",
                [f"{_OURS}$", f"{_OURS}_"],
            )
            gone = [str(name) for name, whole in await found.fetchall() if not whole or name not in wanted]
            for name in gone:
                await _remove(connection, name)
        return gone

    async def create(self, name: str) -> None:
        """Make one; nothing if it is there, whole."""
        async with await self._connections.administrator("postgres") as connection:
            found = await connection.execute(f"SELECT 1 FROM pg_database WHERE datname = $1 AND {_WHOLE}", [name])
            if await found.fetchone():
                return
            await _remove(connection, name)
            await self._template(connection)
            await self._connections.make_role(connection, f"{name}_o", login=True)
            await connection.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {_TEMPLATE}")
            async with await self._connections.administrator(name) as inside:
                await _grant(inside, name)
            async with connection.transaction():
                await connection.execute(f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC")
                await connection.execute(
                    f"GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {quoted(name)} TO {quoted(name + '_o')}"
                )

    async def remove(self, name: str) -> None:
        """Remove one with its roles, whatever there is of it."""
        async with await self._connections.administrator("postgres") as connection:
            await _remove(connection, name)

    async def _template(self, connection: Connection) -> None:
        """What the others are copied from, with the library of this program and of no other version."""
        parts = [part.read_text(encoding="utf-8") for part in _LIBRARY]
        mark = hashlib.sha256("".join(parts).encode()).hexdigest()
        found = await connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') = $2",
            [_TEMPLATE, mark],
        )
        if await found.fetchone():
            return
        await connection.execute(f"DROP DATABASE IF EXISTS {_TEMPLATE}")
        await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        async with await self._connections.administrator(_TEMPLATE) as inside:
            for part in parts:
                await inside.execute(part)
        await connection.execute(f"COMMENT ON DATABASE {_TEMPLATE} IS {text(mark)}")  # last: it is whole


async def _grant(connection: Connection, name: str) -> None:
    owner = quoted(f"{name}_o")
    await connection.execute(f"ALTER SCHEMA dbo OWNER TO {owner}")
    await connection.execute("GRANT USAGE ON SCHEMA dbo TO PUBLIC")
    await connection.execute(f"ALTER FUNCTION tsql.define(text) OWNER TO {owner}")  # runs definitions as the owner


async def _remove(connection: Connection, name: str) -> None:
    await connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")
    found = await connection.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", [name + "_"])
    for (role,) in await found.fetchall():
        await connection.execute(f"DROP ROLE {quoted(str(role))}")
