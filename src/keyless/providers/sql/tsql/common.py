"""WITH: common table expressions, and the limit of recursion.

Owns their shape: a recursive one counts its depth in a column of its own, because PostgreSQL knows no limit. No I/O.
Source: Transact-SQL reference, "WITH common_table_expression", "Query Hints" (MAXRECURSION).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.columns import result_names
from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.tsql.plan import syntax, unsupported
from keyless.providers.sql.tsql.target import Target

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer

DEPTH = '"~depth"'
ADDRESS = '"~row"'


@contextmanager
def scope(writer: Writer, with_: exp.Expr | None, target: str = "") -> Iterator[str]:
    """WITH in front of a statement; its names count inside of the block. The `target` gives its rows' addresses."""
    before = dict(writer.common_names)
    try:
        yield _written(writer, with_, target)
    finally:
        writer.common_names = before


def _written(writer: Writer, with_: exp.Expr | None, target: str) -> str:
    if with_ is None:
        return ""
    parts, recursive = [], False
    for node in writer.parts(with_).expressions:
        cte = writer.parts(node)
        alias, body = cte.args["alias"], cte.this
        name = fold(alias.name)
        if isinstance(body, exp.Union) and _refers(body, name):
            parts += _recursive(writer, name, alias, body)
            recursive = True
        elif name == target and isinstance(body, exp.Select):
            parts.append(_changed(writer, name, alias, body))
        elif isinstance(body, exp.Query):
            parts.append(f"{writer.aliased(alias)} AS ({writer(body)})")
        else:
            raise syntax(name)
        writer.common_names[name] = quoted(name)
    # PostgreSQL takes no RECURSIVE before MERGE
    return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "


def _recursive(writer: Writer, name: str, alias: exp.Expr, body: exp.Union) -> list[str]:
    union = writer.parts(body)
    anchor, member = union.this, union.expression
    if union.args.get("distinct") or _refers(anchor, name) or not isinstance(member, exp.Select):
        raise unsupported("A recursive common table expression that is not one UNION ALL of an anchor and one member")
    columns = [column.name for column in writer.parts(alias).args.get("columns") or []] or result_names(anchor)
    if None in columns or not all(columns):
        raise unsupported("A recursive common table expression with * or without names for its columns")
    listed = ", ".join(quoted(column) for column in columns if column)
    hidden = quoted(f"~{name}")
    writer.aliased(alias)
    first = f'SELECT "~first".*, 0 FROM ({writer(anchor)}) AS "~first"'
    writer.common_names[name] = hidden
    source = _reference(member, name)
    counted = f"tsql.deeper({quoted(source)}.{DEPTH}, {writer.recursion})" if writer.recursion else "0"
    again = writer.select(writer.parts(member), f", {counted}")
    return [
        f"{hidden} ({listed}, {DEPTH}) AS ({first} UNION ALL {again})",
        f"{quoted(name)} AS (SELECT {listed} FROM {hidden})",
    ]


def _refers(node: exp.Expr, name: str) -> bool:
    return any(not table.db and fold(table.name) == name for table in node.find_all(exp.Table) if table.name)


def _reference(member: exp.Select, name: str) -> str:
    """The alias under which a recursive member reads its own rows."""
    first = member.args.get("from_")
    tables = [first.this if first else None, *(join.this for join in member.args.get("joins") or [])]
    tables += [join.this for table in tables if table for join in table.args.get("joins") or []]
    found = [t for t in tables if isinstance(t, exp.Table) and not t.db and fold(t.name) == name]
    if len(found) != 1:
        raise unsupported("A recursive member that does not read its own rows in FROM, once,")
    return str(found[0].alias_or_name)


def _changed(writer: Writer, name: str, alias: exp.Expr, body: exp.Select) -> str:
    """One through which a table is changed: it has to read that table's rows as they are."""
    node = writer.parts(body)
    from_ = body.args.get("from_")
    table = from_.this if from_ else None
    more = [key for key in ("joins", "group", "distinct") if body.args.get(key)]
    if not isinstance(table, exp.Table) or not table.name or table.args.get("joins") or more:
        raise unsupported("Changing a common table expression that is not a query of one table")
    full = writer.table(table)
    own = quoted(table.alias) if table.alias else full.rsplit(".", 1)[-1]
    columns = [column.name for column in writer.parts(alias).args.get("columns") or []]
    names = columns or [part.alias_or_name for part in body.expressions]
    known = {
        fold(given): part.unalias().name
        for given, part in zip(names, body.expressions, strict=False)
        if isinstance(part.unalias(), exp.Column) and not isinstance(part.unalias().this, exp.Star)
    }
    listed = f" ({', '.join([*map(quoted, columns), ADDRESS])})" if columns else ""
    writer.aliased(alias)
    writer.target = Target(name, full, known)
    sql = writer.select(node, f", {own}.ctid" + ("" if columns else f" AS {ADDRESS}"))
    return f"{quoted(name)}{listed} AS ({sql})"


def addressed(writer: Writer, table: exp.Table) -> str:
    """The table that is changed where this name is a common table expression, '' where it is a table itself."""
    if table.args.get("db") or not table.name or fold(table.name) not in writer.common_names:
        return ""
    if fold(table.name) != writer.target.name:
        raise unsupported("Changing a common table expression under another name")
    return writer.target.table


def base_column(writer: Writer, table: exp.Table, name: str) -> str:
    """What a column is called in the table that is changed."""
    if not addressed(writer, table):
        return name
    return writer.target.columns.get(fold(name), name)
