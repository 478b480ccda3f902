"""DECLARE, SET @x and SELECT @x: variables and what they are given.

Owns their grammar. A value is converted to its variable's type as CAST does it. No I/O.
Source: Transact-SQL reference, "DECLARE @local_variable", "SET @local_variable", "SELECT @local_variable", "table".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import certain, cursors, definitions, table_parts, types
from keyless.providers.sql.tsql.blocks import Expression, Select, Set, Statement, TableVariable
from keyless.providers.sql.tsql.plan import Action, syntax, unsupported
from keyless.providers.sql.tsql.writer import Writer
from keyless.providers.sql.types import Kind, SqlType

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_OPERATORS: dict[str, type[exp.Binary]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "&": exp.BitwiseAnd, "|": exp.BitwiseOr,
    "^": exp.BitwiseXor,
}  # fmt: skip
_BOOLEAN = (exp.Predicate, exp.Connector, exp.Not)


def name(reader: Reader) -> str:
    """The name of a variable, with its `@`."""
    reader.need("@")
    if reader.parser._curr is None:
        raise reader.error()
    word = reader.parser._curr.text
    reader.take()
    return "@" + word


def declare(reader: Reader) -> list[Statement]:
    """DECLARE …"""
    reader.need("DECLARE")
    if reader.ahead() != "@":
        return [cursors.declare(reader)]
    given: list[Statement] = []
    while True:
        variable = name(reader)
        reader.word("AS")
        if reader.word("TABLE"):
            _declare_table(reader, variable)
        elif reader.ahead() == "CURSOR":
            raise unsupported("A cursor variable")
        else:
            reader.declared.declare(variable, declared_type(reader))
            if reader.word("="):
                given.append(Set(variable.lower(), value(reader, variable, reader.expression()), reader.line))
        if not reader.word(","):
            return given


def declared_type(reader: Reader) -> SqlType:
    """A type as variables and parameters have it: one without a length has the length 1."""
    found = types.sql_type(table_parts.read_type(reader))
    if found.kind in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE}:
        raise SqlError(2739, "The text, ntext, and image data types are invalid for local variables.")
    types.of_parameter(found)
    return found


def _declare_table(reader: Reader, variable: str) -> None:
    table = reader.declared.table_name(variable)
    head = f"TEMPORARY TABLE {table.removeprefix('pg_temp.')}"
    step = definitions.table_body(reader, table, variable, head)
    reader.declared.declare_table(variable, TableVariable(table, step))


def set_(reader: Reader) -> list[Statement]:
    """SET @x = …, after the word SET."""
    variable = name(reader)
    node: exp.Expr
    operator = _OPERATORS.get(reader.ahead())
    if operator is not None:
        reader.take()
        reader.need("=")
        before = exp.Parameter(this=exp.Var(this=variable[1:]))
        node = operator(this=before, expression=exp.Paren(this=reader.expression()))
    else:
        if reader.ahead() in {".", "::"}:
            raise unsupported("A method of a variable")
        reader.need("=")
        if reader.ahead() == "CURSOR":
            raise unsupported("A cursor variable")
        node = reader.expression()
    return [Set(variable.lower(), value(reader, variable, node), reader.line)]


def value(reader: Reader, variable: str, node: exp.Expr) -> Expression:
    """An expression as the value of a variable."""
    return typed(reader, node, type_of(reader, variable))


def expression(reader: Reader) -> Expression:
    """The next expression, of whatever type it is."""
    node = reader.expression()
    _no_condition(node)
    writer = reader.writer()
    sql = f"SELECT {writer(node)}"
    return Expression(reader.step(Action.QUERY, sql, writer), certain.number(node, reader.declared))


def text(reader: Reader) -> Expression:
    """The next expression, made text."""
    node = reader.expression()
    _no_condition(node)
    writer = reader.writer()
    sql = f"SELECT {writer.text(node)}"
    return Expression(
        reader.step(Action.QUERY, sql, writer), certain.value(node, SqlType(Kind.NVARCHAR), reader.declared)
    )


def number(reader: Reader) -> Expression:
    """The next expression, made an int."""
    return typed(reader, reader.expression(), SqlType(Kind.INT))


def typed(reader: Reader, node: exp.Expr, type_: SqlType) -> Expression:
    """An expression as one of a type."""
    _no_condition(node)
    writer = reader.writer()
    sql = f"SELECT {_converted(writer, node, type_)}"
    return Expression(reader.step(Action.QUERY, sql, writer), certain.value(node, type_, reader.declared))


def condition(reader: Reader) -> Expression:
    """The next condition."""
    node = reader.expression()
    bare = node
    while isinstance(bare, exp.Paren):
        bare = bare.this
    if not isinstance(bare, _BOOLEAN):
        near = reader.ahead() or "end of statement"
        message = (
            f"An expression of non-boolean type specified in a context where a condition is expected, near '{near}'."
        )
        raise SqlError(4145, message, severity=15)
    writer = reader.writer()
    sql = f"SELECT CASE WHEN {writer(node)} THEN 1 ELSE 0 END"
    return Expression(reader.step(Action.QUERY, sql, writer), certain.condition(node, reader.declared))


def assigns(query: exp.Expr) -> bool:
    """Whether a query gives variables their values."""
    if not isinstance(query, exp.Select):
        return False
    found = [_assigned(part) for part in query.expressions]
    if any(found) and not all(found):
        raise SqlError(
            141,
            "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval"
            " operations.",
            severity=15,
        )
    return any(found)


def select(reader: Reader, query: exp.Expr) -> Select:
    """SELECT @x = …, …"""
    names, before = list[str](), set[str]()
    writer = reader.writer()
    if query.args.get("distinct") or query.args.get("into"):
        raise unsupported("SELECT @variable = with DISTINCT or INTO")
    casts = []
    for part in query.expressions:
        variable = "@" + part.this.name
        declared = type_of(reader, variable)
        _no_condition(part.expression)
        names.append(variable.lower())
        before |= {"@" + one.name.lower() for one in part.expression.find_all(exp.Parameter)}
        casts.append(exp.Cast(this=part.expression, to=types.data_type(declared)))
    query.set("expressions", casts)
    step = reader.step(Action.QUERY, writer(query), writer)
    return Select(tuple(names), step, bool(before & set(names)))


def _assigned(part: exp.Expr) -> bool:
    return (
        isinstance(part, exp.EQ)
        and isinstance(part.this, exp.Parameter)
        and not isinstance(part.this.this, exp.Parameter)
    )


def type_of(reader: Reader, variable: str) -> SqlType:
    """The type that a variable was declared with."""
    if variable.lower() in reader.declared.tables:
        raise SqlError(137, f'Must declare the scalar variable "{variable}".', severity=15)
    found = reader.declared.get(variable.lower())
    if found is None:
        raise SqlError(137, f'Must declare the scalar variable "{variable}".', severity=15)
    return found


def _converted(writer: Writer, node: exp.Expr, declared: SqlType) -> str:
    return writer(exp.Cast(this=node, to=types.data_type(declared)))


def _no_condition(node: exp.Expr) -> None:
    if isinstance(node, _BOOLEAN):
        raise syntax("a condition where a value is expected")
