"""Procedures and dynamic texts: what they are given, running them, and what they give back.

Owns EXEC, INSERT … EXEC and the call of a procedure from outside. A procedure's text comes from PostgreSQL, which
gives it only to who may execute it. Source: Transact-SQL reference, "EXECUTE", "sp_executesql".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg

from keyless.providers.sql import datatype_info
from keyless.providers.sql.engine import (
    Columns,
    Command,
    Done,
    Events,
    Message,
    Output,
    ReturnStatus,
    Rows,
    SqlError,
)
from keyless.providers.sql.postgres.builtins import Builtins, Called, bare, told
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.frames import Frame, frame
from keyless.providers.sql.postgres.outcomes import Failure, Reach
from keyless.providers.sql.tsql.blocks import Argument, Execute, ExecuteText, Formal, InsertExecute, Set
from keyless.providers.sql.tsql.flow import Program
from keyless.providers.sql.tsql.names import parts_of, relation
from keyless.providers.sql.tsql.procedures import Procedure
from keyless.providers.sql.types import Column, Kind, Parameter, Row, SqlType, Value

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.workings import Workings

_DYNAMIC = "sp_executesql"
_TYPE_INFO = ("@data_type", "@odbcver")
_TEXTS = {Kind.VARCHAR, Kind.NVARCHAR}
_MOST_ROWS = 200_000
_MISMATCH = (
    "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements."
    " Previous count = {}, current count = {}."
)


@dataclass(frozen=True)
class Given:
    """A value for a parameter; `output` says that its value is wanted back. With `default` it has none."""

    name: str
    value: Value
    type: SqlType
    output: bool = False
    default: bool = False


class Calls:
    """The calls of one session."""

    def __init__(self, work: Workings) -> None:
        self._work = work
        self._builtins = Builtins(work.connection)

    async def execute(self, instruction: Execute | ExecuteText, outer: Frame) -> Events:
        """EXEC in a batch."""
        before = self._work.transactions.depth
        if isinstance(instruction, ExecuteText):
            text = await self._work.interpreter.value(instruction.text, outer)
            async with aclosing(self._dynamic(str(text or ""), (), (), outer, {})) as events:
                async for event in events:
                    yield event
        else:
            async with aclosing(self._execute(instruction, outer)) as events:
                async for event in events:
                    yield event
        after = self._work.transactions.depth
        if before != after and isinstance(instruction, Execute):
            yield Message(266, _MISMATCH.format(before, after), 16, 2, instruction.line)

    async def call(self, procedure: str, parameters: Sequence[Parameter]) -> Events:
        """A client calls a procedure."""
        given = [Given(one.name.lower(), one.value, one.type, one.output) for one in parameters]
        builtin = await self._builtin(procedure, given)
        if builtin is not None:
            try:
                async with aclosing(self._run_builtin(builtin)) as events:
                    async for event in events:
                        yield event
            except psycopg.Error as error:
                raise translated(error) from None
            yield ReturnStatus(0)
            return
        found = await self._procedure(procedure, None)
        values = await self._bind(found.name, found.formals, given)
        inner = frame(found.program, _types(found.formals), values, None)
        inner.procedure = found.name
        async with aclosing(self._scoped(inner)) as events:
            async for event in events:
                yield event
        for place, parameter in enumerate(parameters):
            if parameter.output:
                formal = _formal(found.name, found.formals, given[place], place)
                yield Output(replace(parameter, type=formal.type, value=inner.values[formal.name]))
        yield ReturnStatus(inner.status)

    async def converted(self, value: Value, source: SqlType, target: SqlType) -> Value:
        """A value as one of another type."""
        if value is None or source == target or source.kind is target.kind is Kind.INT:
            return value
        if source.kind in _TEXTS and target.kind in _TEXTS and isinstance(value, str):
            return value[: target.length]
        program = await self._work.plans.batch("SET @target = @source", {"@target": target, "@source": source}, 0)
        (step,) = program.code
        assert isinstance(step, Set)
        row, _ = await self._work.runner.last(step.value.step, {"@target": None, "@source": value})
        return None if row is None else row[0]

    async def insert(self, instruction: InsertExecute, outer: Frame) -> Events:
        """INSERT … EXEC: all rows of all results."""
        if outer.collects:
            raise SqlError(8164, "An INSERT EXEC statement cannot be nested.")
        outer.collects = True
        columns, rows = tuple[Column, ...](), list[Row]()
        try:
            async with aclosing(self.execute(instruction.execute, outer)) as events:
                async for event in events:
                    if isinstance(event, Columns):
                        columns = event.columns
                    elif isinstance(event, Rows):
                        rows += event.rows
                        if len(rows) > _MOST_ROWS:
                            message = f"INSERT … EXEC with more than {_MOST_ROWS} rows is not supported by this server."
                            raise SqlError(40510, message)
                    elif isinstance(event, Message):
                        yield event
        finally:
            outer.collects = False
        types = {f"@{place}": column.type for place, column in enumerate(columns)}
        yield await self._work.runner.insert(instruction.insert, types, rows)

    async def _execute(self, instruction: Execute, outer: Frame) -> Events:
        name = instruction.name or str(outer.values[instruction.variable] or "")
        given = [await self._given(argument, outer) for argument in instruction.arguments]
        names, gives_its_own = parts_of(name), False
        targets = {place: one.output for place, one in enumerate(instruction.arguments) if one.output}
        if names[-1].lower() == _DYNAMIC and len(names) <= 2:
            text = given[0].value if given else None
            declared = given[1].value if len(given) > 1 else ""
            events = self._dynamic(
                str(text or ""), await self._work.plans.formals(str(declared or "")), given[2:], outer,
                {place - 2: target for place, target in targets.items()},
            )  # fmt: skip
        elif bare(name) in datatype_info.NAMES:
            events = _type_info(given)
        elif (builtin := await self._builtin(name, given)) is not None:
            events = self._run_builtin(builtin)
        else:
            gives_its_own = True
            events = self._run_procedure(name, given, outer, targets, instruction)
        async with aclosing(events) as found:
            async for event in found:
                yield event
        if not gives_its_own:
            await self._give_status(instruction, 0, outer)

    async def _builtin(self, name: str, given: Sequence[Given]) -> Called | None:
        parameters = [Parameter(one.name, one.type, one.value) for one in given if not one.default]
        async with self._work.transactions.guarded():
            return await self._builtins.called(name, parameters)

    async def _run_builtin(self, called: Called) -> Events:
        for step in called.steps:
            async with aclosing(self._work.runner.run(step, called.values)) as events:
                async for event in events:
                    yield told(event)

    async def _run_procedure(
        self, name: str, given: Sequence[Given], outer: Frame, targets: Mapping[int, str], instruction: Execute
    ) -> Events:
        found = await self._procedure(name, outer)
        values = await self._bind(found.name, found.formals, given)
        inner = frame(found.program, _types(found.formals), values, outer)
        inner.procedure = found.name
        async with aclosing(self._scoped(inner)) as events:
            async for event in events:
                yield event
        await self._give_back(found.name, found.formals, given, inner, outer, targets)
        await self._give_status(instruction, inner.status, outer)

    async def _dynamic(
        self, text: str, formals: Sequence[Formal], given: Sequence[Given], outer: Frame, targets: Mapping[int, str]
    ) -> Events:
        values = await self._bind("", formals, given)
        try:
            program = await self._program(text, _types(formals), outer.level + 1)
        except SqlError as error:
            raise Failure(error, Reach.PROCEDURE, outer.procedure) from None
        inner = frame(program, _types(formals), values, outer)
        async with aclosing(self._scoped(inner)) as events:
            async for event in events:
                yield event
        await self._give_back("", formals, given, inner, outer, targets)

    async def _scoped(self, inner: Frame) -> Events:
        """Run a frame; what it SETs holds within it only."""
        settings = self._work.settings
        before = settings.silent, settings.xact_abort, settings.implicit, settings.format_only, settings.level
        isolation, identity = self._work.transactions.isolation, settings.scope_identity
        settings.level = inner.level + (inner.outer is None)
        if inner.outer is not None:
            settings.scope_identity = None
        try:
            async with aclosing(self._work.interpreter.run(inner)) as events:
                async for event in events:
                    yield event
        finally:
            settings.silent, settings.xact_abort, settings.implicit, settings.format_only, settings.level = before
            self._work.transactions.isolation = isolation
            if inner.outer is not None:
                settings.scope_identity = identity

    async def _give_back(
        self,
        name: str,
        formals: Sequence[Formal],
        given: Sequence[Given],
        inner: Frame,
        outer: Frame,
        targets: Mapping[int, str],
    ) -> None:
        for place, variable in targets.items():
            formal = _formal(name, formals, given[place], place)
            value = await self.converted(inner.values[formal.name], formal.type, outer.types[variable])
            self._work.interpreter.assign(outer, variable, value)

    async def _give_status(self, instruction: Execute, status: int, outer: Frame) -> None:
        if instruction.status:
            value = await self.converted(status, SqlType(Kind.INT), outer.types[instruction.status])
            self._work.interpreter.assign(outer, instruction.status, value)

    async def _given(self, argument: Argument, outer: Frame) -> Given:
        if argument.value is None:
            return Given(argument.name, None, argument.type, default=True)
        value = await self._work.interpreter.value(argument.value, outer)
        type_ = argument.type
        if isinstance(value, str) and type_.kind not in _TEXTS:
            type_ = SqlType(Kind.NVARCHAR)  # what @@… gives
        elif isinstance(value, Decimal) and type_.kind is Kind.INT:
            type_ = SqlType(Kind.DECIMAL, precision=38)
        return Given(argument.name, value, type_, bool(argument.output))

    async def _bind(self, name: str, formals: Sequence[Formal], given: Sequence[Given]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for place, one in enumerate(given):
            formal = _formal(name, formals, one, place)
            if formal.name in values:
                raise SqlError(8143, f"Parameter '{formal.name}' was supplied multiple times.")
            if one.output and not formal.output:
                message = (
                    f'The formal parameter "{formal.name}" was not declared as an OUTPUT parameter, but the actual'
                    " parameter passed in requested output."
                )
                raise SqlError(8162, message)
            if not one.default:
                values[formal.name] = await self.converted(one.value, one.type, formal.type)
        for formal in formals:
            if formal.name in values:
                continue
            if formal.default is None:
                raise _missing(name, formal)
            default, _ = await self._work.runner.last(formal.default.step, {})
            type_ = SqlType(Kind.NVARCHAR) if default and isinstance(default[0], str) else SqlType(Kind.INT)
            values[formal.name] = await self._default(default[0] if default else None, type_, formal.type)
        return values

    async def _default(self, value: Value, source: SqlType, target: SqlType) -> Value:
        if isinstance(value, bytes):
            source = SqlType(Kind.VARBINARY)
        elif isinstance(value, float):
            source = SqlType(Kind.FLOAT)
        elif isinstance(value, Decimal):
            source = SqlType(Kind.DECIMAL, precision=38, scale=max(0, -int(value.as_tuple().exponent)))
        return await self.converted(value, source, target)

    async def _program(self, text: str, types: Mapping[str, SqlType], level: int) -> Program:
        return await self._work.plans.batch(text, types, level)

    async def _procedure(self, name: str, outer: Frame | None) -> Procedure:
        names = parts_of(name)
        if len(names) > 2 and any(names[:-2]):
            raise SqlError(40515, f"Reference to another database or server in '{name}' is not supported.")
        full = relation(names[-1], names[-2] if len(names) > 1 and names[-2] else None)
        try:
            async with self._work.transactions.guarded():
                found = await self._work.connection.execute(f"CALL {full}(NULL)")
                row = await found.fetchone()
        except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName):
            raise SqlError(2812, f"Could not find stored procedure '{name}'.") from None
        except psycopg.errors.InsufficientPrivilege:
            shown = f"The EXECUTE permission was denied on the object '{names[-1]}'."
            raise SqlError(229, shown, severity=14) from None
        assert row is not None
        level = 0 if outer is None else outer.level + 1
        return await self._work.plans.procedure(str(row[0]), level)


async def _type_info(given: Sequence[Given]) -> Events:
    """`sp_datatype_info` within a batch; a client's own call the gateway answers."""
    named = {one.name or _TYPE_INFO[place]: one.value for place, one in enumerate(given[: len(_TYPE_INFO)])}
    wanted, version = (int(str(named.get(name) or default)) for name, default in zip(_TYPE_INFO, (0, 2), strict=True))
    rows = datatype_info.rows(wanted, version)
    yield Columns(datatype_info.COLUMNS)
    yield Rows(rows)
    yield Done(len(rows), Command.SELECT)


def _types(formals: Sequence[Formal]) -> dict[str, SqlType]:
    return {formal.name: formal.type for formal in formals}


def _formal(name: str, formals: Sequence[Formal], given: Given, place: int) -> Formal:
    """The parameter that a value is for."""
    if given.name:
        for formal in formals:
            if formal.name == given.name:
                return formal
        if name:
            raise SqlError(8145, f"{given.name} is not a parameter for procedure {name}.")
        raise SqlError(8145, f"{given.name} is not a parameter that the statement declares.")
    if place >= len(formals):
        raise SqlError(8144, f"Procedure or function {name or _DYNAMIC} has too many arguments specified.")
    return formals[place]


def _missing(name: str, formal: Formal) -> SqlError:
    if name:
        message = f"Procedure or function '{name}' expects parameter '{formal.name}', which was not supplied."
        return SqlError(201, message)
    message = f"The parameterized query expects the parameter '{formal.name}', which was not supplied."
    return SqlError(8178, message)
