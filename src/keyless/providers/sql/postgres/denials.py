"""Why PostgreSQL refused a statement, in SQL Server's words: which permission was missing, on what.

Owns the question to the catalog after a refusal: PostgreSQL names the table and nothing else. Changes nothing.
Source: SQL Server, "Database engine events and errors" 229, 230, 262.
"""

from __future__ import annotations

import re

import psycopg

from keyless.providers.sql.engine import Command, SqlError
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.plan import OPEN, Step

REFUSED = "42501"
_DENIED = re.compile(r"permission denied for (table|view|schema|function|procedure) (.*)", re.DOTALL)
_WANTED = {
    Command.SELECT: ["SELECT"],
    Command.INSERT: ["INSERT", "SELECT"],
    Command.UPDATE: ["UPDATE", "SELECT"],
    Command.DELETE: ["DELETE", "SELECT"],
    Command.MERGE: ["INSERT", "UPDATE", "DELETE", "SELECT"],
}


async def explained(
    connection: Connection, transactions: Transactions, error: psycopg.Error, step: Step
) -> SqlError | None:
    """The error with its words; None where PostgreSQL tells too little."""
    found = _DENIED.fullmatch(error.diag.message_primary or "")
    if found is None or connection.closed:
        return None
    kind, name = found.groups()
    try:
        async with transactions.guarded():
            cursor = await connection.execute(
                "SELECT number, message FROM tsql.refusal($1, $2, $3, $4)",
                [kind, name, _WANTED.get(step.command, ["SELECT"]), step.sql.replace(OPEN, " ")],
            )
            row = await cursor.fetchone()
    except psycopg.Error:
        return None
    if row is None or row[0] is None:
        return None
    return SqlError(int(str(row[0])), str(row[1]), severity=14, line=step.line)
