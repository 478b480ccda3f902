"""CREATE PROCEDURE: the parameters, the options and the body.

Owns their grammar. The whole text is read when a procedure is made, so that nothing in it is refused only when it
runs; tables that are not there yet are no matter. No I/O.
Source: Transact-SQL reference, "CREATE PROCEDURE", "sp_executesql".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import comments, execute, types, variables
from keyless.providers.sql.tsql.blocks import Formal, Statement
from keyless.providers.sql.tsql.flow import Program, program
from keyless.providers.sql.tsql.names import fold, relation, text
from keyless.providers.sql.tsql.plan import Action, Step, unsupported
from keyless.providers.sql.types import Kind, SqlType

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_MOST = 2100


@dataclass(frozen=True)
class Procedure:
    """What a procedure's text says."""

    name: str
    formals: tuple[Formal, ...]
    program: Program


def from_text(reader: Reader) -> Procedure:
    """A procedure from its text, which begins with CREATE PROCEDURE, maybe after comments."""
    reader.need("CREATE")
    reader.take()
    return _procedure(reader)[1]


def declaration(reader: Reader) -> tuple[Formal, ...]:
    """The parameters that a text declares, and nothing else."""
    found = _formals(reader) if reader.ahead() else ()
    if reader.ahead():
        raise reader.error()
    return found


def define(reader: Reader, mode: str) -> list[Statement]:
    """CREATE, ALTER or CREATE OR ALTER PROCEDURE, from the name on; the rest of the batch is the body."""
    start = reader.parser._index - 1
    schema, procedure = _procedure(reader)
    relation(procedure.name, schema)
    definition = definition_text(reader, start)
    told = comments.json_of(
        {"name": procedure.name, "definition": definition, "parameters": told_of(procedure.formals)}
    )
    arguments = ", ".join(text(part) for part in (mode, fold(schema), fold(procedure.name), definition, told))
    return [Step(Action.DEFINE, f"SELECT tsql.define_procedure({arguments})", line=reader.line)]


def drop(reader: Reader) -> Step:
    """DROP PROCEDURE, from there on."""
    return dropped(reader, "PROCEDURE")


def dropped(reader: Reader, kind: str) -> Step:
    """DROP of modules of a kind, from there on."""
    exists = " IF EXISTS" if reader.word("IF", "EXISTS") else ""
    names = [named(reader)]
    while reader.word(","):
        names.append(named(reader))
    listed = ", ".join(relation(name, schema) for schema, name in names)
    return reader.define(f"DROP {kind}{exists} {listed}")


def named(reader: Reader) -> tuple[str, str]:
    """A module's schema and name."""
    schema, name = "dbo", _part(reader)
    if reader.word("."):
        schema, name = name, _part(reader)
    if reader.ahead() == ".":
        raise unsupported("A module of another database")
    return schema, name


def _part(reader: Reader) -> str:
    if reader.ahead().startswith("#"):
        raise unsupported("A temporary procedure")
    return reader.name()


def definition_text(reader: Reader, start: int) -> str:
    """The whole batch, with CREATE where ALTER or CREATE OR ALTER stood; `start` is the token of the kind's word."""
    tokens, whole = reader.parser._tokens, reader.parser.sql
    return f"{whole[: tokens[0].start]}CREATE {whole[tokens[start].start :]}"


def told_of(formals: tuple[Formal, ...]) -> str:
    """Parameters as the catalog keeps them: name, type, whether it is OUTPUT, whether it has a default."""
    return json.dumps(
        [[formal.name, types.in_text(formal.type), formal.output, formal.default is not None] for formal in formals]
    )


def formals(reader: Reader) -> tuple[Formal, ...]:
    """Parameters, as far as they go; each is a variable from here on."""
    found = _formals(reader)
    for formal in found:
        reader.declared[formal.name] = formal.type
    return found


def _procedure(reader: Reader) -> tuple[str, Procedure]:
    schema, name = named(reader)
    if reader.ahead() == ";":
        raise unsupported("The number of a procedure")
    inside = reader.word("(")
    found = formals(reader) if reader.ahead() == "@" else ()
    if inside:
        reader.need(")")
    if reader.word("WITH"):
        _options(reader)
    if reader.ahead() == "FOR":
        raise unsupported("CREATE PROCEDURE … FOR REPLICATION")
    reader.need("AS")
    if reader.ahead() == "EXTERNAL":
        raise unsupported("CREATE PROCEDURE … EXTERNAL")
    reader.returns = SqlType(Kind.INT)
    body = reader.batch()
    if not body.statements and not body.variables and not body.tables:
        raise reader.error()
    return schema, Procedure(name, found, program(body))


def _options(reader: Reader) -> None:
    while True:
        if not reader.word("RECOMPILE"):
            raise unsupported(f"CREATE PROCEDURE … WITH {reader.ahead()}")
        if not reader.word(","):
            return


def _formals(reader: Reader) -> tuple[Formal, ...]:
    found: list[Formal] = []
    while True:
        found.append(_formal(reader))
        if found[-1].name in {formal.name for formal in found[:-1]}:
            raise SqlError(134, f"The variable name '{found[-1].name}' has already been declared.", severity=15)
        if len(found) > _MOST:
            raise SqlError(180, f"There are too many parameters; the most are {_MOST}.", severity=15)
        if not reader.word(","):
            return tuple(found)


def _formal(reader: Reader) -> Formal:
    name = variables.name(reader).lower()
    reader.word("AS")
    if reader.ahead() in {"CURSOR", "READONLY"}:
        raise unsupported(f"A parameter that is {reader.ahead()}")
    if reader.parser._next is not None and reader.parser._next.text == ".":
        raise unsupported("A parameter of a type that a user made")
    type_ = variables.declared_type(reader)
    if reader.ahead() == "VARYING":
        raise unsupported("A parameter that is VARYING")
    reader.word("NULL")
    default = None
    if reader.word("="):
        default = execute.constant(reader, name).value
    output = bool(reader.word("OUTPUT") or reader.word("OUT"))
    if reader.ahead() == "READONLY":
        raise unsupported("A parameter that is READONLY")
    return Formal(name, type_, default, output)
