"""The variables that a batch knows while it is read: their types, its tables, its cursors.

Owns declaring them. They hold for the whole batch from their declaration on, whatever block it stands in. Pure.
Source: Transact-SQL reference, "Variables (Transact-SQL)".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.blocks import TableVariable
from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.types import SqlType

_MOST = 5000


class Variables(Enum):
    """How a variable is written: as a place for its value, by its name in PL/pgSQL, or as NULL of its type."""

    PLACES = "places"
    NAMES = "names"
    NULLS = "nulls"


class Scope(dict[str, SqlType]):
    """Types of variables by name, folded.

    `level` tells the tables of a procedure from those of its caller.
    """

    def __init__(self, parameters: Mapping[str, SqlType], level: int = 0) -> None:
        super().__init__(parameters)
        self.level = level
        self.variables_are = Variables.PLACES
        self.tables: dict[str, TableVariable] = {}
        self.variables: dict[str, SqlType] = {}

    def declare(self, name: str, type_: SqlType) -> None:
        """A variable."""
        self._new(name)
        self[name.lower()] = self.variables[name.lower()] = type_

    def table_name(self, name: str) -> str:
        """The name that a table variable has in PostgreSQL."""
        return f"pg_temp.{quoted(f'{fold(name)}~{self.level}')}"

    def declare_table(self, name: str, table: TableVariable) -> None:
        """A table variable."""
        self._new(name)
        self.tables[name.lower()] = table

    def _new(self, name: str) -> None:
        if name.lower() in self or name.lower() in self.tables:
            message = (
                f"The variable name '{name}' has already been declared."
                " Variable names must be unique within a query batch or stored procedure."
            )
            raise SqlError(134, message, severity=15)
        if len(self) + len(self.tables) >= _MOST:
            raise SqlError(8623, "The batch declares too many variables.")
