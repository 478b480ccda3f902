"""The statements that are no steps for PostgreSQL: what a batch's text becomes before it is laid out flat (`flow`).

Owns their shapes. Pure.
Source: Transact-SQL reference, "Control-of-Flow Language".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.providers.sql.tsql.plan import Step
from keyless.providers.sql.types import SqlType, Value

# an expression that needs no database: from the values of variables to its own
Certain = Callable[[Callable[[str], Value]], Value]


@dataclass(frozen=True)
class Expression:
    """One value: PostgreSQL's to compute, unless it is certain without."""

    step: Step
    certain: Certain | None = None


@dataclass(frozen=True)
class TableVariable:
    """A variable that is a table: its name in PostgreSQL, and what makes it."""

    table: str
    step: Step


@dataclass(frozen=True)
class Set:
    """SET @x = …, and DECLARE with a value."""

    name: str
    value: Expression
    line: int = 1


@dataclass(frozen=True)
class Select:
    """SELECT @x = …, @y = … FROM …: the last row's values; `itself` where a value is made of the one before it."""

    names: tuple[str, ...]
    step: Step
    itself: bool


@dataclass(frozen=True)
class If:
    """IF … ELSE …"""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    line: int = 1


@dataclass(frozen=True)
class While:
    """WHILE …"""

    condition: Expression
    body: tuple[Statement, ...]
    line: int = 1


@dataclass(frozen=True)
class Break:
    """BREAK."""

    line: int = 1


@dataclass(frozen=True)
class Continue:
    """CONTINUE."""

    line: int = 1


@dataclass(frozen=True)
class Try:
    """BEGIN TRY … END TRY BEGIN CATCH … END CATCH."""

    body: tuple[Statement, ...]
    handler: tuple[Statement, ...]


@dataclass(frozen=True)
class Label:
    """Where GOTO goes."""

    name: str
    line: int = 1


@dataclass(frozen=True)
class Goto:
    """GOTO."""

    name: str
    line: int = 1


@dataclass(frozen=True)
class Return:
    """RETURN, with a procedure's status or a function's value."""

    value: Expression | None
    line: int = 1


@dataclass(frozen=True)
class Throw:
    """THROW number, message, state; nothing to throw again what was caught."""

    parts: tuple[Expression, ...]
    line: int = 1


@dataclass(frozen=True)
class Print:
    """PRINT."""

    value: Expression
    line: int = 1


@dataclass(frozen=True)
class Raise:
    """RAISERROR (message, severity, state, arguments…)."""

    parts: tuple[Expression, ...]
    seterror: bool
    line: int = 1


@dataclass(frozen=True)
class Wait:
    """WAITFOR DELAY."""

    time: Expression
    line: int = 1


@dataclass(frozen=True)
class Argument:
    """What a procedure is given: by name or by place; `output` is the variable that takes the value back.

    Without a value the parameter's default is meant.
    """

    name: str
    value: Expression | None
    type: SqlType
    output: str = ""


@dataclass(frozen=True)
class Execute:
    """EXEC procedure: by its name as it is written, or by the variable that holds it."""

    name: str
    variable: str
    arguments: tuple[Argument, ...]
    status: str = ""
    line: int = 1


@dataclass(frozen=True)
class ExecuteText:
    """EXEC (text)."""

    text: Expression
    line: int = 1


@dataclass(frozen=True)
class InsertExecute:
    """INSERT … EXEC: `insert` is an INSERT without its rows."""

    insert: Step
    execute: Execute | ExecuteText
    line: int = 1


@dataclass(frozen=True)
class Cursor:
    """DECLARE … CURSOR FOR query."""

    name: str
    query: Step
    line: int = 1


@dataclass(frozen=True)
class CursorVerb:
    """OPEN, CLOSE or DEALLOCATE."""

    verb: str
    name: str
    line: int = 1


@dataclass(frozen=True)
class Fetch:
    """FETCH: `direction` with its number where it has one, INTO variables or to the client."""

    name: str
    direction: str
    number: Expression | None
    into: tuple[str, ...]
    line: int = 1


@dataclass(frozen=True)
class View:
    """CREATE or ALTER VIEW: the call that makes it lacks its end, the comments on its columns, which `query` tells."""

    step: Step
    query: Step
    name: str


Simple = (
    Step | Set | Select | Throw | Print | Raise | Wait | Execute | ExecuteText | InsertExecute | Cursor | CursorVerb
    | Fetch | View
)  # fmt: skip
Statement = Simple | If | While | Break | Continue | Try | Label | Goto | Return


@dataclass(frozen=True)
class Formal:
    """A parameter of a procedure or a function."""

    name: str
    type: SqlType
    default: Expression | None = None
    output: bool = False


@dataclass(frozen=True)
class Body:
    """What a batch, or a procedure's text, says: its statements, and the variables that it declares."""

    statements: tuple[Statement, ...]
    variables: Mapping[str, SqlType]
    tables: tuple[TableVariable, ...]
