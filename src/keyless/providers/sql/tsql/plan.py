"""What a batch becomes: steps for PostgreSQL, each with the parameters that it takes.

Owns the shape of a plan and the error for what is outside of the supported set. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import Command, SqlError

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

# how nodes are written
Methods = dict[type[exp.Expr], "Callable[[Writer, Parts], str]"]
# around what stands in an INSERT for what only the session knows; no name and no string can hold it
OPEN = "\0"
OVERRIDES = "="


def columns_of(table: str) -> str:
    """The place of a table's columns, of those that an INSERT without a list fills."""
    return f" {OPEN}{table}{OPEN}"


def overriding(table: str) -> str:
    """The place of the words by which an INSERT may give an identity: SET IDENTITY_INSERT decides."""
    return f" {OPEN}{OVERRIDES}{table}{OPEN}"


class Action(Enum):
    """What a step does."""

    QUERY = "query"
    CHANGE = "change"
    DEFINE = "define"
    CALL = "call"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVE = "save"
    SET = "set"
    IDENTITY_INSERT = "identity insert"
    CREATE_USER = "create user"
    ADMINISTER = "administer"


@dataclass(frozen=True)
class Step:
    """One statement.

    `sql` is PostgreSQL's, `parameters` the names behind `$1`, `$2`, … (`@p1`, or a session's value such as
    `@@trancount`). `names` are the result's column names, None where PostgreSQL's own stands (behind a `*`).
    `arguments` are what an action without SQL needs. `command` is what the client is told at the end. `locks` are
    statements that come first, in the same transaction.
    """

    action: Action
    sql: str = ""
    parameters: tuple[str, ...] = ()
    names: tuple[str | None, ...] = ()
    arguments: tuple[str, ...] = ()
    line: int = 1
    command: Command = Command.OTHER
    locks: tuple[str, ...] = ()


def unsupported(construct: str, line: int = 1) -> SqlError:
    """The error for what is outside of the supported set; it names the construct."""
    return SqlError(40510, f"{construct} is not supported by this server.", severity=15, line=line)


def syntax(near: str, line: int = 1) -> SqlError:
    """The error for what is not T-SQL."""
    return SqlError(102, f"Incorrect syntax near '{near}'.", severity=15, line=line)


def kind_of(node: object) -> str:
    """What a node is called in an error."""
    return type(node).__name__.upper() if isinstance(node, exp.Expr) else str(node)
