"""Writes expressions and queries for PostgreSQL.

Owns the allow-list of syntax: one function for each node. A node that is not on it is an error that names it, and so is
an argument that its function did not take (`parts`). No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import calls, casts, expressions, formats, queries, sources, types
from keyless.providers.sql.tsql.functions import SESSION_VALUES
from keyless.providers.sql.tsql.names import fold, of_tempdb, quoted, relation, temporary
from keyless.providers.sql.tsql.parts import Ledger, Parts
from keyless.providers.sql.tsql.plan import Methods, kind_of, syntax, unsupported
from keyless.providers.sql.tsql.scope import Scope, Variables
from keyless.providers.sql.tsql.target import Target
from keyless.providers.sql.types import SqlType

_DEEPEST = 200
_RECURSION = 100
_METHODS: Methods = {
    **queries.METHODS,
    **sources.METHODS,
    **expressions.METHODS,
    **casts.METHODS,
    **calls.METHODS,
    **formats.METHODS,
}


class Writer:
    """Writes one statement; `parameters` are the names that it took, in the order of their places."""

    def __init__(self, declared: Mapping[str, SqlType], ledger: Ledger) -> None:
        self.declared = declared
        self._scope = declared if isinstance(declared, Scope) else Scope(declared)
        self.parts = ledger.parts
        # what the name of a common table expression is written as
        self.common_names: dict[str, str] = {}
        # what a SELECT locks, because a hint says so
        self.locks: list[str] = []
        self.recursion = _RECURSION
        # WITH in front of a statement that changes rows
        self.with_ = ""
        # the common table expression that is changed: its name, its table, and that table's names of its columns
        self.target = Target()
        self._deep = 0
        self.output = False
        self.parameters: list[str] = []

    def __call__(self, node: exp.Expr | None) -> str:
        if node is None:
            raise syntax("end of statement")
        method = _METHODS.get(type(node))
        if method is None:
            raise unsupported(kind_of(node))
        self._deep += 1
        if self._deep > _DEEPEST:
            raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15)
        try:
            return method(self, self.parts(node))
        finally:
            self._deep -= 1

    def select(self, node: Parts, more: str = "") -> str:
        """A SELECT without its FOR clause, with more behind the columns of its list."""
        return queries.select(self, node, more)

    def many(self, nodes: Sequence[exp.Expr], between: str = ", ") -> str:
        """Several, with commas."""
        return between.join(self(node) for node in nodes)

    def place(self, name: str) -> str:
        """The place of a parameter, or of a value of the session."""
        folded = name.lower()
        if folded in SESSION_VALUES:
            kind = SESSION_VALUES[folded]
        elif folded in self.declared:
            kind = types.of_parameter(self.declared[folded])
        elif folded.startswith("@@"):
            raise unsupported(name)
        else:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15)
        if self._scope.variables_are is not Variables.PLACES:
            if folded.startswith("@@") or folded not in self.declared:
                raise unsupported(f"{name.removeprefix('@')} in a function")
            return f"{quoted(folded) if self._scope.variables_are is Variables.NAMES else 'NULL'}::{kind}"
        if folded not in self.parameters:
            self.parameters.append(folded)
        return f"${self.parameters.index(folded) + 1}::{kind}"

    def table(self, node: exp.Table) -> str:
        """A table's full name, without what stands beside it."""
        parts = self.parts(node)
        if parts.text("catalog").lower() == "tempdb" and parts.text("db").lower() == "sys":
            return of_tempdb(parts.name)
        if parts.args.get("catalog"):
            raise SqlError(40515, f"Reference to database '{node.catalog}' in '{node.name}' is not supported.")
        name = parts.this
        if isinstance(name, exp.Parameter):
            return self._table_variable("@" + self.parts(name).name)
        if not isinstance(name, exp.Identifier):
            raise unsupported(kind_of(name))
        word, schema = self.parts(name), parts.text("db")
        if word.args.get("global_"):
            raise unsupported("A global temporary table")
        if word.args.get("temporary"):
            return temporary(word.text("this"))
        found = None if schema else self.common_names.get(fold(word.text("this")))
        return found or relation(word.text("this"), schema or None)

    def _table_variable(self, name: str) -> str:
        found = self._scope.tables.get(name.lower())
        if found is None:
            raise SqlError(1087, f'Must declare the table variable "{name}".', severity=15)
        return found.table

    def text(self, node: exp.Expr) -> str:
        """An expression made text."""
        if isinstance(node, exp.Null):
            return "NULL::tsql.citext"
        written = self(node)
        return written if written.endswith("::tsql.citext") and written[0] == "'" else f"tsql.str({written})"

    def quantified(self, node: exp.Expr) -> str:
        """The query behind ANY or ALL, in one pair of parentheses: a second one makes it a value."""
        return self(node) if isinstance(node, exp.Subquery) else f"({self(node)})"

    def aliased(self, alias: exp.Expr) -> str:
        """An alias, with its columns if they are named."""
        parts = self.parts(alias)
        columns = [self.parts(column).args["this"] for column in parts.args.get("columns") or []]
        listed = ", ".join(quoted(column) for column in columns)
        return quoted(parts.name) + (f" ({listed})" if listed else "")
