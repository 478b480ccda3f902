"""What a query reads from: tables, table functions, joins.

Owns their shape. No I/O.
Source: Transact-SQL reference, "FROM clause plus JOIN, APPLY, PIVOT", "Table hints".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import pivots, user_calls
from keyless.providers.sql.tsql.metadata import SESSION_ROW, TABLE_FUNCTIONS
from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.tsql.openjson import openjson
from keyless.providers.sql.tsql.plan import Methods, kind_of, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

# what they ask for holds here anyway, or they are about how and not what
_HINTS_THAT_CHANGE_NOTHING = {
    "NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "READCOMMITTEDLOCK", "ROWLOCK", "PAGLOCK", "FORCESEEK", "FORCESCAN",
    "NOEXPAND",
}  # fmt: skip
_LOCKING = {"UPDLOCK", "XLOCK"}
_WAITING = {"READPAST": " SKIP LOCKED", "NOWAIT": " NOWAIT"}
# name: how many arguments, which of them are numbers, and the names of the columns
_FUNCTIONS = {
    "STRING_SPLIT": ({2, 3}, {2}),
    "GENERATE_SERIES": ({2, 3}, {0, 1, 2}),
}


def written(writer: Writer, from_: exp.Expr | None, joins: Sequence[exp.Expr]) -> str:
    """FROM and its joins."""
    if from_ is None:
        return ""
    first, more = with_joins(writer, writer.parts(from_).this)
    return " FROM " + first + "".join(writer(join) for join in [*joins, *more])


def with_joins(writer: Writer, node: exp.Expr) -> tuple[str, list[exp.Expr]]:
    """A source, and the joins that the parser hung on it."""
    return writer(node), writer.parts(node).args.get("joins") or []


def hinted(writer: Writer, hints: Sequence[exp.Expr]) -> set[str]:
    """The table hints that matter, in capitals."""
    found = set()
    for hint in hints:
        for node in writer.parts(hint).expressions:
            name = (node.name if isinstance(node, (exp.Var, exp.Identifier)) else kind_of(node)).upper()
            if isinstance(node, (exp.Var, exp.Identifier)):
                writer.parts(node).args.get("this")
            if isinstance(node, exp.Anonymous):
                name = node.name.upper()
            if name not in _HINTS_THAT_CHANGE_NOTHING:
                found.add(name)
    return found


def _table(writer: Writer, node: Parts) -> str:
    of_catalog = node.text("db").lower() in {"sys", "information_schema"}
    found = hinted(writer, node.args.get("hints") or [])
    if of_catalog:
        found = set()  # nothing is ever locked there
    node.args.get("joins")
    alias = node.args.get("alias")
    inside = node.this
    if isinstance(inside, exp.Anonymous) and node.text("db").lower() not in {"", "sys"}:
        sql = _own_function(writer, node.text("db"), inside, alias)
    elif isinstance(inside, (exp.Anonymous, exp.OpenJSON)):
        sql = function(writer, inside, alias)
    elif of_catalog and node.name.lower() == "dm_exec_sessions":
        places = ", ".join(writer.place(name) for name in SESSION_ROW)
        sql = f"tsql.dm_exec_sessions({places}) AS {writer.aliased(alias) if alias else quoted(node.name)}"
    else:
        assert isinstance(node.node, exp.Table)
        sql = writer.table(node.node)
        if alias is not None:
            sql += f" AS {writer.aliased(alias)}"
        elif not sql.startswith("pg_temp."):
            sql += f" AS {quoted(inside.name)}"
        if found:
            writer.locks.append(_locks(found, quoted(alias.name) if alias else quoted(_own_name(inside))))
            found = set()
    for name in found:
        raise unsupported(f"The table hint {name}")
    for pivot in node.args.get("pivots") or []:
        sql = pivots.written(writer, node.node, sql, pivot)
    return sql


def _own_name(node: exp.Expr) -> str:
    return f"#{node.name}" if node.args.get("temporary") else node.name


def _locks(hints: set[str], name: str) -> str:
    for hint in hints - _LOCKING - set(_WAITING):
        raise unsupported(f"The table hint {hint}")
    if not hints & _LOCKING:
        raise unsupported(f"The table hint {hints.pop()} without UPDLOCK")
    return f" FOR UPDATE OF {name}" + "".join(_WAITING[hint] for hint in sorted(hints & set(_WAITING)))


def function(writer: Writer, node: exp.Expr, alias: exp.Expr | None) -> str:
    """A function that gives rows."""
    if isinstance(node, exp.OpenJSON):
        return openjson(writer, node, alias)
    parts = writer.parts(node)
    name = parts.name.upper()
    arguments = parts.expressions
    if TABLE_FUNCTIONS.get(name) == len(arguments):
        texts = ", ".join(_text_or_default(writer, argument) for argument in arguments)
        return f"tsql.{name.lower()}({texts}) AS {writer.aliased(alias) if alias else name.lower()}"
    counts, numbers = _FUNCTIONS.get(name, (set(), set()))
    if len(arguments) not in counts:
        raise unsupported(f"The table function {name}")
    listed = [f"({writer(a)})" if i in numbers else writer.text(a) for i, a in enumerate(arguments)]
    return f"tsql.{name.lower()}({', '.join(listed)}) AS {writer.aliased(alias) if alias else name.lower()}"


def _text_or_default(writer: Writer, node: exp.Expr) -> str:
    if isinstance(node, (exp.Column, exp.Var)) and node.name.upper() == "DEFAULT":
        writer.parts(node).text("this")
        return "NULL"
    return writer.text(node)


def _join(writer: Writer, node: Parts) -> str:
    side, kind = node.text("side").upper(), node.text("kind").upper()
    node.args.get("hint")  # LOOP, HASH, MERGE: how, not what
    if isinstance(node.this, exp.Lateral):
        return _apply(writer, writer.parts(node.this))
    if side not in {"", "LEFT", "RIGHT", "FULL"} or kind not in {"", "INNER", "OUTER", "CROSS"}:
        raise unsupported(f"{side} {kind} JOIN")
    inside, more = with_joins(writer, node.this)
    if more:
        inside = f"({inside}{''.join(writer(join) for join in more)})"
    on = node.args.get("on")
    if on is None:
        if side or kind not in {"", "CROSS"}:
            raise syntax("JOIN")
        # a comma binds less than a JOIN
        return f" CROSS JOIN {inside}" if kind else f", {inside}"
    return f" {side or 'INNER'} JOIN {inside} ON {writer(on)}"


def _own_function(writer: Writer, schema: str, node: exp.Expr, alias: exp.Expr | None) -> str:
    """A function that a user made."""
    called = user_calls.called(writer, schema, node)
    return f"{called} AS {writer.aliased(alias) if alias is not None else quoted(node.name)}"


def _apply(writer: Writer, node: Parts) -> str:
    inside, alias = node.this, node.args.get("alias")
    if "cross_apply" not in node.args:
        raise unsupported("LATERAL")
    outer = not node.args["cross_apply"]
    if isinstance(inside, exp.Dot) and isinstance(inside.expression, exp.Anonymous):
        of = writer.parts(inside)
        body = _own_function(writer, of.text("this"), of.expression, alias)
    elif isinstance(inside, (exp.Anonymous, exp.OpenJSON)):
        body = function(writer, inside, alias)
    elif isinstance(inside, (exp.Subquery, exp.Values)) and alias is not None:
        body = f"{writer(inside)} AS {writer.aliased(alias)}"
    else:
        body = writer(inside)
    return f" LEFT JOIN LATERAL {body} ON true" if outer else f" CROSS JOIN LATERAL {body}"


def same(table: exp.Expr, name: str) -> bool:
    """Whether a source goes by this name."""
    return isinstance(table, exp.Table) and fold(table.alias_or_name or "?") == fold(name)


METHODS: Methods = {exp.Table: _table, exp.Join: _join}
