"""Writes expressions and queries for PostgreSQL.

Owns the allow-list of syntax: one method for each node, and the arguments that it takes into account. A node or an
argument that is not on it is an error that names it, so nothing is dropped. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import calls, casts, expressions, queries, sources, types
from keyless.providers.sql.tsql.functions import SESSION_VALUES
from keyless.providers.sql.tsql.names import fold, of_tempdb, quoted, relation, temporary
from keyless.providers.sql.tsql.plan import Methods, kind_of, syntax, unsupported
from keyless.providers.sql.types import SqlType

_DEEPEST = 200
_METHODS: Methods = {
    **queries.METHODS,
    **sources.METHODS,
    **expressions.METHODS,
    **casts.METHODS,
    **calls.METHODS,
}


class Writer:
    """Writes one statement; `parameters` are the names that it took, in the order of their places."""

    def __init__(self, declared: Mapping[str, SqlType]) -> None:
        self._declared = declared
        self.common_names: list[str] = []
        self._deep = 0
        self.output = False
        self.parameters: list[str] = []

    def __call__(self, node: exp.Expr | None) -> str:
        if node is None:
            raise syntax("end of statement")
        method = _METHODS.get(type(node))
        if method is None:
            raise unsupported(kind_of(node))
        known, write = method
        for key, value in node.args.items():
            if value and key not in known:
                raise unsupported(f"{kind_of(node)} with {key.strip('_').upper().replace('_', ' ')}")
        self._deep += 1
        if self._deep > _DEEPEST:
            raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15)
        try:
            return write(self, node)
        finally:
            self._deep -= 1

    def many(self, nodes: Sequence[exp.Expr]) -> str:
        """Several, with commas."""
        return ", ".join(self(node) for node in nodes)

    def place(self, name: str) -> str:
        """The place of a parameter, or of a value of the session."""
        folded = name.lower()
        if folded in SESSION_VALUES:
            kind = SESSION_VALUES[folded]
        elif folded in self._declared:
            kind = types.of_parameter(self._declared[folded])
        elif folded.startswith("@@"):
            raise unsupported(name)
        else:
            raise SqlError(137, f'Must declare the scalar variable "{name}".', severity=15)
        if folded not in self.parameters:
            self.parameters.append(folded)
        return f"${self.parameters.index(folded) + 1}::{kind}"

    def table(self, node: exp.Table) -> str:
        """A table's full name, without what stands beside it."""
        if node.catalog.lower() == "tempdb" and node.db.lower() == "sys":
            return of_tempdb(node.name)
        if node.args.get("catalog"):
            raise SqlError(40515, f"Reference to database '{node.catalog}' in '{node.name}' is not supported.")
        name = node.this
        if not isinstance(name, exp.Identifier):
            raise unsupported(kind_of(name))
        if name.args.get("global_"):
            raise unsupported("A global temporary table")
        if name.args.get("temporary"):
            return temporary(name.name)
        if not node.db and fold(name.name) in self.common_names:
            return quoted(name.name)
        return relation(name.name, node.db or None)

    def common(self, with_: exp.With | None) -> str:
        """The common table expressions in front of a statement; their names count from here on."""
        if with_ is None:
            return ""
        parts = []
        for cte in with_.expressions:
            alias = cte.args["alias"]
            self.common_names.append(fold(alias.name))
            parts.append(f"{self.aliased(alias)} AS ({self(cte.this)})")
        return f"WITH RECURSIVE {', '.join(parts)} "

    def source(self, from_: exp.From | None, joins: Sequence[exp.Expr]) -> str:
        """FROM and its joins."""
        if from_ is None:
            return ""
        first = from_.this
        joins = [*joins, *(first.args.get("joins") or [])]
        return " FROM " + self(first) + "".join(self(join) for join in joins)

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
        columns = alias.args.get("columns") or []
        listed = ", ".join(quoted(column.name) for column in columns)
        return quoted(alias.name) + (f" ({listed})" if listed else "")
