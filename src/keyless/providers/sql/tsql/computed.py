"""Computed columns.

Owns their grammar, and the definition that finds their types: PostgreSQL wants them said. No I/O.
Source: Transact-SQL reference, "CREATE TABLE", "computed_column_definition".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.names import fold, quoted, text
from keyless.providers.sql.tsql.spelling import definition

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

# stands in a definition for a type that PostgreSQL finds; no name and no string can hold it
_TYPE = "\0"


class Computed:
    """The computed columns of one definition, and the others, of which they may be made."""

    def __init__(self) -> None:
        self._made: list[dict[str, str | bool]] = []
        self._columns: list[str] = []
        self._used: set[str] = set()

    def beside(self, name: str, type_: str) -> None:
        """A column of the same definition that is stored as it is given."""
        self._columns.append(f"NULL::{type_} AS {quoted(name)}")

    def read(self, reader: Reader, name: str, told: dict[str, str | bool]) -> str:
        """What follows AS, up to PERSISTED; `told` is what the catalog is told of it."""
        node, written = reader.written(reader.value)
        if node.find(exp.Query):
            raise SqlError(1046, "Subqueries are not allowed in this context. Only scalar expressions are allowed.")
        sql = reader.literal(node)
        told["definition"] = definition(node, written)
        told["persisted"] = reader.word("PERSISTED")
        self._made.append({"name": name, "sql": sql, "persisted": told["persisted"]})
        self._used |= {fold(column.name) for column in node.find_all(exp.Column)}
        return f"{quoted(name)} {_TYPE} GENERATED ALWAYS AS ({sql}) STORED"

    def defined(self, sql: str, table: str = "") -> str:
        """The definition; `table` is one that is there already, with its columns."""
        if not self._made:
            return sql
        for one in self._made:
            if fold(str(one["name"])) in self._used:
                message = f"Computed column '{one['name']}' is not allowed to be used in another one's definition."
                raise SqlError(1759, message)
        columns = ", ".join([*(["*"] if table else []), *self._columns])
        source = f"(SELECT {columns}{f' FROM {table}' if table else ''})"
        written = sql.replace("%", "%%").replace(_TYPE, "%s")
        made = json.dumps(self._made, ensure_ascii=False)
        return f"SELECT tsql.define_computed({text(written)}, {text(source)}, {text(made)}::jsonb)"
