"""Why PostgreSQL takes no new session, as SQL Server would say it.

Owns the sentences of a login's end; errors within a session are another module's. Source: SQL Server, "Database engine
events and errors", and Azure SQL Database, "Troubleshoot transient connection errors": 40613 and 10928 are tried again.
"""

from __future__ import annotations

import psycopg

from keyless.providers.sql.engine import UNAVAILABLE, Database, SqlError

_FULL = ("too many clients already", "remaining connection slots", "too many connections")
_NOT_THERE = ("does not exist", "permission denied for database")


def not_opened(error: psycopg.OperationalError, database: Database) -> SqlError:
    """The refusal; PostgreSQL's own words are not repeated."""
    said = str(error)
    name = database.id.name
    if any(words in said for words in _FULL):
        return SqlError(10928, "The server has as many sessions as it takes. Try again when others have ended.")
    if any(words in said for words in _NOT_THERE):
        return SqlError(4060, f'Cannot open database "{name}" requested by the login. The login failed.', severity=11)
    if "No space left on device" in said:
        return SqlError(UNAVAILABLE, f"Database '{name}' is not available, because the disk is full.", severity=20)
    return SqlError(UNAVAILABLE, f"Database '{name}' is not available now. Try again later.", severity=20)
