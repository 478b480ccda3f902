"""The statements UPDATE and DELETE.

Owns their grammar. No I/O.
Source: Transact-SQL reference, "UPDATE", "DELETE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import common, outputs
from keyless.providers.sql.tsql import rows as targets
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Step, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_OPERATORS: dict[str, type[exp.Binary]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "&": exp.BitwiseAnd, "|": exp.BitwiseOr,
    "^": exp.BitwiseXor,
}  # fmt: skip


def update(reader: Reader, with_: exp.Expr | None = None) -> Step:
    """UPDATE …"""
    reader.need("UPDATE")
    writer = reader.writer()
    top = targets.top(reader)
    target = reader.hinted_table()
    reader.need("SET")
    assigned = [assignment(reader)]
    while reader.word(","):
        assigned.append(assignment(reader))
    with targets.scope(reader, writer, target, with_):
        output = outputs.read(reader, writer)
        rows = targets.rows(reader, writer, target, top)
        sets, inside = [], list[str]()
        for column, value in assigned:
            name = quoted(common.base_column(writer, target, _name(writer, column, rows)))
            if value is None:
                sets.append(f"{name} = DEFAULT")
            elif isinstance(value, exp.Null):
                writer(value)
                sets.append(f"{name} = NULL")
            else:
                written = writer(value)
                sets.append(f"{name} = {rows.value(len(inside), written)}")
                inside.append(written)
        sql = f"UPDATE {rows.head} SET {', '.join(sets)}{rows.behind('FROM', inside)}"
        return outputs.changed(reader, writer, sql, output, rows.locks)


def _name(writer: Writer, column: exp.Column, rows: targets.Rows) -> str:
    """The name of the column; a table in front of it has to be the one that is changed."""
    parts = writer.parts(column)
    name, table = parts.name, parts.text("table")
    parts.text("db")
    if table and quoted(table) != rows.alias and not rows.table.endswith("." + quoted(table)):
        raise SqlError(4104, f'The multi-part identifier "{table}.{name}" could not be bound.')
    return name


def assignment(reader: Reader) -> tuple[exp.Column, exp.Expr | None]:
    """`column = value` or `column += value`; None stands for DEFAULT."""
    if reader.ahead().startswith("@"):
        raise unsupported("SET @variable = in UPDATE")
    column = reader.whole(reader.parser._parse_column)
    if not isinstance(column, exp.Column):
        raise reader.error()
    combined = None
    if reader.ahead() in {f"{sign}=" for sign in _OPERATORS}:
        combined = _OPERATORS[reader.take()[0]]
    else:
        if reader.ahead() in _OPERATORS:
            combined = _OPERATORS[reader.take()]
        reader.need("=")
    if combined is None and reader.word("DEFAULT"):
        return column, None
    value = reader.expression()
    return column, combined(this=column, expression=exp.Paren(this=value)) if combined else value


def delete(reader: Reader, with_: exp.Expr | None = None) -> Step:
    """DELETE …"""
    reader.need("DELETE")
    writer = reader.writer()
    top = targets.top(reader)
    reader.word("FROM")
    target = reader.hinted_table()
    with targets.scope(reader, writer, target, with_):
        output = outputs.read(reader, writer)
        rows = targets.rows(reader, writer, target, top)
        sql = f"DELETE FROM {rows.head}{rows.behind('USING', [])}"
        return outputs.changed(reader, writer, sql, output, rows.locks)
