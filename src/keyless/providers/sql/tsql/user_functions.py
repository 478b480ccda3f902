"""CREATE, ALTER and DROP FUNCTION.

Owns their grammar: scalar functions, whose body is translated (`plpgsql`), and functions that are one query. Both run
within PostgreSQL. No I/O. Source: Transact-SQL reference, "CREATE FUNCTION", "User-Defined Functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import comments, plpgsql, procedures, types, variables, views
from keyless.providers.sql.tsql.blocks import Formal, Statement
from keyless.providers.sql.tsql.names import fold, quoted, relation, text
from keyless.providers.sql.tsql.plan import Action, Step, unsupported
from keyless.providers.sql.tsql.scope import Variables

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_CHANGE_NOTHING = {"SCHEMABINDING"}


def define(reader: Reader, mode: str) -> list[Statement]:
    """CREATE, ALTER or CREATE OR ALTER FUNCTION, from the name on; the rest of the batch is the body."""
    start = reader.parser._index - 1
    schema, name = procedures.named(reader)
    relation(name, schema)
    reader.need("(")
    formals = procedures.formals(reader) if reader.ahead() == "@" else ()
    reader.need(")")
    if any(formal.output for formal in formals):
        raise reader.error()
    reader.need("RETURNS")
    if reader.ahead() == "@":
        raise unsupported("A function of several statements that returns a table")
    if reader.word("TABLE"):
        return [_table(reader, mode, schema, name, formals, start)]
    return [_scalar(reader, mode, schema, name, formals, start)]


def drop(reader: Reader) -> Step:
    """DROP FUNCTION, from there on."""
    return procedures.dropped(reader, "FUNCTION")


def _scalar(reader: Reader, mode: str, schema: str, name: str, formals: tuple[Formal, ...], start: int) -> Statement:
    returns = variables.declared_type(reader)
    views.options(reader, _CHANGE_NOTHING, "FUNCTION")
    reader.word("AS")
    reader.declared.variables_are = Variables.NAMES
    reader.returns = returns
    reader.need("BEGIN")
    body = reader.body("END")
    fitted = [_fitted(reader, formal) for formal in formals]
    sql = f"RETURNS {types.of_parameter(returns)} LANGUAGE plpgsql STABLE AS {text(plpgsql.written(body, fitted))}"
    return _made(reader, mode, schema, name, formals, start, sql, types.in_text(returns))


def _table(reader: Reader, mode: str, schema: str, name: str, formals: tuple[Formal, ...], start: int) -> Statement:
    views.options(reader, _CHANGE_NOTHING, "FUNCTION")
    reader.word("AS")
    reader.need("RETURN")
    inside = reader.word("(")
    query = reader.query()
    if query is None:
        raise reader.error()
    if inside:
        reader.need(")")
    reader.declared.variables_are = Variables.NULLS
    columns = views.selected(reader, query, f"Function '{name}'", False)
    reader.declared.variables_are = Variables.NAMES
    sql = f"LANGUAGE sql STABLE AS {text(reader.writer()(query))}"
    return _made(reader, mode, schema, name, formals, start, sql, "TABLE", columns)


def _made(
    reader: Reader,
    mode: str,
    schema: str,
    name: str,
    formals: tuple[Formal, ...],
    start: int,
    sql: str,
    returns: str,
    columns: str = "",
) -> Statement:
    definition = procedures.definition_text(reader, start)
    told = comments.json_of(
        {"name": name, "definition": definition, "parameters": procedures.told_of(formals), "returns": returns}
    )
    listed = ", ".join(f"{quoted(formal.name)} {types.of_parameter(formal.type)}" for formal in formals)
    parts = (mode, fold(schema), fold(name), listed, sql, columns, told)
    return Step(
        Action.DEFINE, f"SELECT tsql.define_function({', '.join(text(part) for part in parts)})", line=reader.line
    )


def _fitted(reader: Reader, formal: Formal) -> str:
    """A value that is handed in becomes one of the parameter's type, with its length."""
    node = exp.Cast(this=exp.Parameter(this=exp.Var(this=formal.name[1:])), to=types.data_type(formal.type))
    return f"{quoted(formal.name)} := {reader.writer()(node)};"
