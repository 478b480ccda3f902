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
    *("text.sql", "types.sql", "binary.sql", "functions.sql", "names.sql", "modules.sql", "moments.sql"),
    *("documents.sql", "queries.sql", "json.sql", "strings.sql", "dates.sql", "identity.sql"),
    *("catalog.sql", "information_schema.sql", "metadata.sql", "procedures.sql", "tables.sql", "computed.sql"),
    *("principals.sql", "permissions.sql", "definitions.sql", "security.sql", "containment.sql"),
)
_LIBRARY = tuple(Path(__file__).with_name("library") / part for part in _PARTS)
_TEMPLATE = "keyless_template"
# the one locale whose upper and lower case are the same everywhere
_LOCALE = "TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C'"
_MAKING = 7_310_579_645_183_410_547  # any number that others do not take for a lock of theirs
# PostgreSQL's mark on a database whose DROP did not come to its end
_BROKEN = -2
_WHOLE = f"datacl IS NOT NULL AND datconnlimit <> {_BROKEN}"
_OURS = "^k[0-9a-f]{20}"


def database_name(database: Database) -> str:
    """The name in PostgreSQL: short, and the same for ever."""
    return "k" + hashlib.sha256(database.guid.encode()).hexdigest()[:20]


class Databases:
    """All databases, by their names in PostgreSQL."""

    def __init__(self, connections: Connections, *, alone: bool) -> None:
        """`alone`: all databases with such names are this instance's."""
        self._connections = connections
        self._alone = alone

    async def clean(self, wanted: Collection[str]) -> list[str]:
        """Remove what is not wanted, and what a crash has left half-made or half-removed; gives what went."""
        async with await self._alone_at_it() as connection:
            found = await connection.execute(
                f"SELECT datname::text, {_WHOLE} FROM pg_database WHERE datname ~ $1"
                " UNION SELECT split_part(rolname, '_', 1), false FROM pg_roles WHERE rolname ~ $2"
                "   AND NOT EXISTS (SELECT FROM pg_database WHERE datname = split_part(rolname, '_', 1))",
                [f"{_OURS}$", f"{_OURS}_"],
            )
            rows = await found.fetchall()
            gone = [str(name) for name, whole in rows if not whole or (self._alone and name not in wanted)]
            for name in gone:
                await _remove(connection, name)
        return gone

    async def create(self, name: str, told: str) -> None:
        """Make one; nothing if it is there, whole. `told` says what it is, for whoever looks into PostgreSQL."""
        async with await self._alone_at_it() as connection:
            found = await connection.execute(f"SELECT 1 FROM pg_database WHERE datname = $1 AND {_WHOLE}", [name])
            if await found.fetchone():
                return
            await _remove(connection, name)
            template = await self._template(connection)
            await self._connections.make_role(connection, f"{name}_o")
            await connection.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {template}")
            await connection.execute(f"COMMENT ON DATABASE {quoted(name)} IS {text(told)}")
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

    async def _alone_at_it(self) -> Connection:
        """An administrator's connection, for whose time nobody else makes databases: half-made ones are a crash's."""
        connection = await self._connections.administrator("postgres")
        try:
            await connection.execute(f"SELECT pg_advisory_lock({_MAKING})")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _template(self, connection: Connection) -> str:
        """What the others are copied from: it holds the library of this program and of no other version."""
        parts = [part.read_text(encoding="utf-8") for part in _LIBRARY]
        mark = hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
        name = f"{_TEMPLATE}_{mark}"
        found = await connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = $1 AND shobj_description(oid, 'pg_database') = $2", [name, mark]
        )
        if not await found.fetchone():
            await connection.execute(f"DROP DATABASE IF EXISTS {name}")
            await connection.execute(f"CREATE DATABASE {name} {_LOCALE}")
            # whoever has a role comes into the one database that it is of
            closed = f"{name}, postgres, template1" if self._alone else name
            await connection.execute(f"REVOKE ALL ON DATABASE {closed} FROM PUBLIC")
            async with await self._connections.administrator(name) as inside:
                for part in parts:
                    await inside.execute(part)
            await connection.execute(f"COMMENT ON DATABASE {name} IS {text(mark)}")  # last: it is whole
            await self._remove_templates(connection, name)
        return name

    async def _remove_templates(self, connection: Connection, but: str) -> None:
        if self._alone:
            found = await connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2", [_TEMPLATE, but]
            )
            for (name,) in await found.fetchall():
                await connection.execute(f"DROP DATABASE {quoted(str(name))}")


async def _grant(connection: Connection, name: str) -> None:
    owner = quoted(f"{name}_o")
    await connection.execute(f"ALTER SCHEMA dbo OWNER TO {owner}")
    await connection.execute("GRANT USAGE ON SCHEMA dbo TO PUBLIC")
    await connection.execute(f"GRANT USAGE ON LANGUAGE plpgsql, sql TO {owner}")
    await connection.execute(f"ALTER FUNCTION tsql.define(text) OWNER TO {owner}")  # runs definitions as the owner


async def _remove(connection: Connection, name: str) -> None:
    await connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")
    found = await connection.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", [name + "_"])
    for (role,) in await found.fetchall():
        await connection.execute(f"DROP ROLE IF EXISTS {quoted(str(role))}")
