"""The body of a scalar function, in PL/pgSQL: statement by statement, as far as both languages mean the same.

Owns the list of statements. What is not on it is an error that names it, when the function is made. No I/O.
Source: Transact-SQL reference, "CREATE FUNCTION"; PostgreSQL, "PL/pgSQL".
"""

from __future__ import annotations

from collections.abc import Sequence

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import types
from keyless.providers.sql.tsql.blocks import (
    Body,
    Break,
    Continue,
    Expression,
    If,
    Return,
    Select,
    Set,
    Statement,
    While,
)
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Step, unsupported

_ROW = '"~row"'


def written(body: Body, first: Sequence[str]) -> str:
    """The body; `first` are statements of PL/pgSQL that come before."""
    if body.tables:
        raise unsupported("A table variable in a function")
    if not body.statements or not isinstance(body.statements[-1], Return):
        raise SqlError(455, "The last statement included within a function must be a return statement.")
    declared = "".join(f"{quoted(name)} {types.of_parameter(type_)}; " for name, type_ in body.variables.items())
    return f"DECLARE {declared}BEGIN {' '.join(first)} {_all(body.statements)}END"


def _all(statements: Sequence[Statement]) -> str:
    return "".join(_one(statement) + " " for statement in statements)


def _one(statement: Statement) -> str:
    match statement:
        case Set():
            return f"{quoted(statement.name)} := {_value(statement.value)};"
        case Select():
            return _select(statement)
        case If():
            otherwise = f" ELSE {_all(statement.otherwise)}" if statement.otherwise else " "
            return f"IF {_value(statement.condition)} = 1 THEN {_all(statement.then)}{otherwise}END IF;"
        case While():
            return f"WHILE {_value(statement.condition)} = 1 LOOP {_all(statement.body)}END LOOP;"
        case Break():
            return "EXIT;"
        case Continue():
            return "CONTINUE;"
        case Return():
            if statement.value is None:
                raise SqlError(178, "A RETURN statement without a value cannot be used in a function.", severity=15)
            return f"RETURN {_value(statement.value)};"
    kind = statement.command.value if isinstance(statement, Step) else type(statement).__name__
    raise unsupported(f"{kind.upper()} in a function")


def _value(expression: Expression) -> str:
    return f"({expression.step.sql})"


def _select(statement: Select) -> str:
    """The last row's values, and nothing where there is no row."""
    if statement.itself and " FROM " in statement.step.sql:
        raise unsupported("SELECT @variable = with that variable in its own value, in a function,")
    places = [quoted(f"~{number}") for number in range(len(statement.names))]
    assigned = "".join(
        f"{quoted(name)} := {_ROW}.{place}; " for name, place in zip(statement.names, places, strict=True)
    )
    rows = f'SELECT * FROM ({statement.step.sql}) AS "~rows" ({", ".join(places)})'
    return f"DECLARE {_ROW} record; BEGIN FOR {_ROW} IN {rows} LOOP {assigned}END LOOP; END;"
