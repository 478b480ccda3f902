"""What a session says beside queries: definitions, users and permissions.

Owns how they reach PostgreSQL, which decides whether they are allowed: dbo defines as itself, everybody else through
`tsql.define`; users are looked up in the directory, by who may make them only. All of it runs in the session's own
transaction. Must not know T-SQL.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.model.identity import PrincipalKind
from keyless.providers.sql.engine import FindPrincipal, SqlError
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.types import Value

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
# what the user does itself: its temporary tables, which a function is told in a text
_TEMPORARY = re.compile(r"\bpg_temp\.|^CREATE TEMPORARY ")
_TOLD_TEMPORARY = re.compile(r"^SELECT tsql\.\w+\('pg_temp\.")


@dataclass(frozen=True)
class Administration:
    """For one session. `changed` is told once users or permissions have changed for good."""

    connection: Connection
    transactions: Transactions
    dbo: bool
    find: FindPrincipal
    changed: Callable[[], Awaitable[None]]

    async def run(self, step: Step) -> None:
        """A step of definition or administration."""
        sql, values = step.sql, list[Value]()
        if step.action is Action.CREATE_USER:
            sql, values = await self._create_user(*step.arguments)
        elif step.action is Action.DEFINE and not self.dbo and not _is_temporary(sql):
            sql, values = "SELECT tsql.define($1)", [sql]
        async with self.transactions.guarded():
            await self.connection.execute(sql, values or None)
        if step.action is not Action.DEFINE:
            await self.transactions.once_committed(self.changed)

    async def _create_user(self, name: str, identity: str) -> tuple[str, list[Value]]:
        async with self.transactions.guarded():
            await self.connection.execute("SELECT tsql.need('ALTER ANY USER')")
        principal = await self.find(name, identity)
        if principal is None:
            message = f"Principal '{name}' could not be found or this principal type is not supported."
            raise SqlError(33130, message)
        kind = "X" if principal.kind is PrincipalKind.GROUP else "E"
        return "SELECT tsql.create_user($1, $2, $3)", [name, principal.principal_id, kind]


def _is_temporary(sql: str) -> bool:
    return bool(_TEMPORARY.search(_QUOTED.sub("", sql)) or _TOLD_TEMPORARY.match(sql))
