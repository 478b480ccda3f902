"""Calls of functions that a user made: always with their schema.

Owns how they are written. Which there are is PostgreSQL's to know. No I/O.
Source: Transact-SQL reference, "User-Defined Functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.names import relation

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer


def called(writer: Writer, schema: str, node: exp.Expr) -> str:
    """A call of a user's function."""
    parts = writer.parts(node)
    return f"{relation(parts.name, schema)}({writer.many(parts.expressions)})"
