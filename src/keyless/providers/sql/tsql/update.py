"""The statements UPDATE and DELETE.

Owns their grammar. No I/O.
Source: Transact-SQL reference, "UPDATE", "DELETE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.tsql import output as outputs
from keyless.providers.sql.tsql import rows as targets
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Step, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def update(reader: Reader) -> Step:
    """UPDATE …"""
    reader.need("UPDATE")
    writer = Writer(reader.declared)
    top = targets.top(reader, writer)
    target = reader.table_name()
    reader.need("SET")
    assigned = [_assignment(reader, target)]
    while reader.word(","):
        assigned.append(_assignment(reader, target))
    output_parts: list[exp.Expr] = []
    into = ""
    if reader.parser._match(TokenType.RETURNING):
        output_parts = reader.expressions()
        into = outputs.into(reader, writer)
    full, source = targets.from_(reader, target, writer)
    values = [None if value is None or isinstance(value, exp.Null) else writer(value) for _, value in assigned]
    inside = [value for value in values if value is not None]
    rows, conditions = targets.rows(reader, target, source, top, full, inside, writer)
    sets, number = [], 0
    for (column, value), sql in zip(assigned, values, strict=True):
        if sql is None:
            sets.append(f"{quoted(column)} = {'DEFAULT' if value is None else 'NULL'}")
        else:
            taken = f'"~rows"."~{number}"' if rows else sql
            sets.append(f"{quoted(column)} = {taken}")
            number += 1
    head = f"UPDATE {full} AS {targets.TARGET if rows else quoted(target.name)} SET {', '.join(sets)}"
    sql = head + (f" FROM {rows}" if rows else "") + conditions
    output, names, into = outputs.written_output(reader, writer, output_parts, into) if output_parts else ("", (), "")
    return outputs.changed(reader, sql, output, into, names, writer)


def _assignment(reader: Reader, target: exp.Table) -> tuple[str, exp.Expr | None]:
    if reader.ahead().startswith("@"):
        raise unsupported("SET @variable = in UPDATE")
    column = reader.whole(reader.parser._parse_column)
    if not isinstance(column, exp.Column):
        raise reader.error()
    operators = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "&": exp.BitwiseAnd,
                 "|": exp.BitwiseOr, "^": exp.BitwiseXor}  # fmt: skip
    combined = operators.get(reader.ahead())
    if combined is not None:
        reader.parser._advance()
    elif reader.ahead() in {f"{sign}=" for sign in operators}:
        combined = operators[reader.ahead()[0]]
        reader.parser._advance()
        return column.name, combined(this=column.copy(), expression=exp.Paren(this=reader.expression()))
    reader.need("=")
    if reader.word("DEFAULT"):
        return column.name, None
    value = reader.expression()
    return column.name, combined(this=column.copy(), expression=exp.Paren(this=value)) if combined else value


def delete(reader: Reader) -> Step:
    """DELETE …"""
    reader.need("DELETE")
    writer = Writer(reader.declared)
    top = targets.top(reader, writer)
    reader.word("FROM")
    target = reader.table_name()
    output_parts: list[exp.Expr] = []
    into = ""
    if reader.parser._match(TokenType.RETURNING):
        output_parts = reader.expressions()
        into = outputs.into(reader, writer)
    full, source = targets.from_(reader, target, writer)
    rows, conditions = targets.rows(reader, target, source, top, full, [], writer)
    head = f"DELETE FROM {full} AS {targets.TARGET if rows else quoted(target.name)}"
    sql = head + (f" USING {rows}" if rows else "") + conditions
    output, names, into = outputs.written_output(reader, writer, output_parts, into) if output_parts else ("", (), "")
    return outputs.changed(reader, sql, output, into, names, writer)
